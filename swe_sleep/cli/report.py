"""What `swe-sleep solve` says of a run: to a person, and to a program."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from swe_sleep.cli import output

if TYPE_CHECKING:
    from rich.console import Console

    from swe_sleep.records import Proof
    from swe_sleep.solve.outcome import Answer
    from swe_sleep.solve.solve import Solved

RUNNERS_UP, MOST_UNFINISHED = 8, 20


def show(console: Console, solved: Solved) -> None:
    """The diff, the proof, the runners-up, the notes, the cost."""
    from swe_sleep.cli import display

    if solved.patch is not None:
        display.show_diff(console, solved.patch.diff)
        console.print()
        if solved.proof is not None:
            display.show_proof(console, solved.proof)
        if solved.remark:
            console.print(f"  note    {solved.remark}", style="yellow")
        made = {
            "prepared": "prepared while nobody waited, verified again now",
            "search": f"found by the built-in search ({solved.plausible} plausible)",
            "agent": "made by Claude",
        }[solved.solver or "search"]
        if not solved.solved:
            made = made.replace(", verified again now", "")
        console.print(f"  patch   {made}: {solved.patch.summary or ', '.join(solved.patch.paths)}")
    for answer in solved.others[:RUNNERS_UP]:
        console.print(f"  or      {_in_a_line(answer)}", style="dim")
    if len(solved.others) > RUNNERS_UP:
        console.print(f"          and {len(solved.others) - RUNNERS_UP} more", style="dim")
    _show_test(console, solved)
    if not solved.solved:
        console.print(f"No verified patch: {solved.why}", style="yellow")
        for result in solved.failing[:3]:
            console.print(f"  fails   {result.test_id}: {result.message}")
        for suspicion in solved.suspicions[:5]:
            console.print(f"  suspect {suspicion.place}  {suspicion.score:.2f}  {suspicion.why}")
    if solved.notes:
        console.print(f"  notes   {', '.join(dict.fromkeys(solved.notes))}")
    console.print(f"  cost    {output.cost(solved.usage)}")


def _show_test(console: Console, solved: Solved) -> None:
    made = solved.reproduction
    if made is None:
        return
    console.print(f"  reproduced by {made.path}, {made.by}:")
    for line in made.source.rstrip().split("\n"):
        console.print(f"    {line}".rstrip(), style="dim")
    if solved.weak:
        console.print(f"  weak    {solved.weak}", style="yellow")


def place_of(answer: Answer) -> str:
    """The first line that a patch changes."""
    from swe_sleep.errors import RepositoryError
    from swe_sleep.repo.diff import files_of

    try:
        for file in files_of(answer.patch.diff):
            lines = [block.old_start for block in file.blocks]
            return f"{file.path}:{lines[0]}" if lines else file.path
    except RepositoryError:
        pass
    return ", ".join(answer.patch.paths)


def _in_a_line(answer: Answer) -> str:
    said = answer.patch.summary or "a patch"
    return output.one_line(f"{place_of(answer)}  {said} ({answer.standing})")


def _short(proof: Proof | None) -> Proof | None:
    """A proof that names no more than a few of the tests that a cut run did not come to; how many
    there are is in the run's problem."""
    if proof is None or proof.suite is None:
        return proof
    suite = replace(proof.suite, unfinished=proof.suite.unfinished[:MOST_UNFINISHED])
    return replace(proof, suite=suite)


def plain(solved: Solved) -> dict[str, object]:
    """The same for a program."""
    made = solved.reproduction
    return {
        "solved": solved.solved,
        "solver": solved.solver,
        "why": solved.why,
        "remark": solved.remark,
        "weak": solved.weak,
        "diff": solved.patch.diff if solved.patch else "",
        "summary": solved.patch.summary if solved.patch else "",
        "proof": _short(solved.proof),
        "failing": solved.failing,
        "reproduction": None
        if made is None
        else {
            "by": made.by,
            "path": made.path,
            "source": made.source,
            "tests": made.test_ids,
            "weak": made.weak,
        },
        "suspicions": solved.suspicions,
        "notes": solved.notes,
        "plausible": solved.plausible,
        "others": [
            {
                "summary": answer.patch.summary,
                "place": place_of(answer),
                "solver": answer.solver,
                "standing": answer.standing,
                "diff": answer.patch.diff,
                "proof": _short(answer.proof),
            }
            for answer in solved.others
        ],
        "usage": solved.usage,
    }
