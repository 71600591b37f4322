"""`swe-sleep solve`: a patch, made and tested in a sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from swe_sleep.cli import issues, output
from swe_sleep.cli.sleep import BackendName
from swe_sleep.errors import RepositoryError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from swe_sleep.repo.repository import Repository
    from swe_sleep.solve.solve import Solved


def solve(
    issue: issues.Words = None,
    file: issues.File = None,
    test: Annotated[
        list[str] | None, typer.Option("--test", "-t", help="Make this failing test pass.")
    ] = None,
    notes: Annotated[bool, typer.Option(help="Use what sleep found out.")] = True,
    solver: Annotated[
        Literal["auto", "search", "agent"],
        typer.Option(help="search is built in and needs no model; agent is Claude."),
    ] = "auto",
    apply: Annotated[
        bool, typer.Option("--apply", help="Change the files of the work tree.")
    ] = False,
    branch: Annotated[
        str | None, typer.Option("--branch", help="Put the patch on a new branch of this name.")
    ] = None,
    commit: Annotated[
        bool, typer.Option("--commit", help="Commit the patch on the branch checked out.")
    ] = False,
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=1, help="Seconds for the built-in search.")
    ] = None,
    budget_usd: Annotated[
        float | None, typer.Option("--budget-usd", min=0, help="Money that Claude may cost.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", help="Instead of the settings' one.")
    ] = None,
    base_url: Annotated[
        str | None, typer.Option("--base-url", help="Another server with the Messages API.")
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            "--resume",
            metavar="ID|last",
            help="Go on with a run of Claude's that was broken off.",
        ),
    ] = None,
    backend: BackendName = None,
    as_json: output.Json = False,
) -> None:
    """Make a patch for an issue and test it.

    Your files stay as they are unless you give --apply, --branch or --commit, and changes of your
    own are never overwritten. Exits with 1 where no patch passed every check.

    \b
    swe-sleep solve "Milk is taken off the shelf one day too early"
    swe-sleep solve --test tests/test_expiry.py::test_last_day --apply
    swe-sleep solve --file issue.md --branch fix-milk
    swe-sleep solve --resume last --budget-usd 5
    """
    from swe_sleep.cli import wiring
    from swe_sleep.cli.display import Display

    if sum((apply, commit, branch is not None)) > 1:
        raise UsageError("give one of --apply, --branch and --commit.")
    text = issues.text_of(issue, file)
    if resume is not None and (text.strip() or test):
        raise UsageError("a run that is taken up again has its own issue; give none.")
    if resume is not None and solver == "search":
        raise UsageError("only a run of Claude's can be taken up again.")
    if resume is None and not text.strip() and not test:
        raise UsageError("no issue: give its text, --file, or --test.")
    resumed = None if resume is None else wiring.kept_run(resume, model)
    display = Display(output.console(stderr=as_json))
    flags = {
        "sandbox.backend": backend,
        "model.name": model,
        "model.base_url": base_url,
        "model.budget_usd": budget_usd,
        "sleep.speculate_s": seconds,
    }
    try:
        with (
            wiring.stopping() as stop,
            wiring.bench(flags, display.progress, notes=notes) as bench,
        ):
            ids = tuple(wiring.inside(bench.repository, each) for each in test or ())
            if branch is not None or commit:
                _check(bench.repository, branch)
            solved = wiring.solve(bench, text, ids, solver, display.progress, stop, resumed)
            landed, problem = "", None
            if solved.solved and (apply or commit or branch):
                try:
                    landed = _land(bench.repository, solved, branch, commit)
                except RepositoryError as error:  # the patch is shown all the same
                    problem = error
    finally:
        display.quiet()
    if as_json:
        output.print_json(plain(solved) | {"landed": landed})
    else:
        show(display.console, solved)
        if landed:
            display.console.print(landed)
        elif solved.solved and problem is None:
            display.console.print(
                "Nothing was changed; --apply puts it into your files.", style="dim"
            )
    if problem is not None:
        raise problem
    if stop.is_set():
        raise typer.Exit(130)
    if not solved.solved:
        raise typer.Exit(1)


def _check(repository: Repository, branch: str | None) -> None:
    """Whether a commit can be made at all, before anything long begins. Raises UsageError."""
    from swe_sleep.repo.landing import new_branch

    if repository.head()[0] is None:
        raise UsageError("there is no commit yet to put a patch on.", "Use --apply.")
    if branch is None:
        return
    try:
        new_branch(repository, branch)
    except RepositoryError as error:
        raise UsageError(str(error)) from error


def _land(repository: Repository, solved: Solved, branch: str | None, commit: bool) -> str:
    """Put the patch where it is wanted, and say where. Raises RepositoryError."""
    assert solved.patch is not None
    try:
        done = repository.land(solved.patch, branch=branch, commit=commit, message=_message(solved))
    except RepositoryError as error:
        if branch and set(solved.patch.paths) & set(repository.dirty_paths()):
            raise RepositoryError(
                f"the patch is for your uncommitted changes, so it cannot go on {branch}.",
                "Commit them first, or put it on top of them with --apply.",
            ) from error
        raise
    where = f"on the new branch {branch}" if branch else "in the work tree"
    at = f", commit {done.commit[:10]}" if done.commit else ""
    return f"{', '.join(done.paths)} changed {where}{at}"


def _message(solved: Solved) -> str:
    title = solved.issue.title or "Mend a failing test"
    summary = solved.patch.summary if solved.patch else ""
    tests = "\n".join(f"Now passes: {result.test_id}" for result in solved.failing[:5])
    return "\n\n".join(filter(None, (title[:70], summary, tests))) + "\n"


def show(console: Console, solved: Solved) -> None:
    """What a run gave, for a person: the diff, the proof, the notes, the cost."""
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
        console.print(f"  patch   {made}: {solved.patch.summary or ', '.join(solved.patch.paths)}")
    if not solved.solved:
        console.print(f"No verified patch: {solved.why}", style="yellow")
        for result in solved.failing[:3]:
            console.print(f"  fails   {result.test_id}: {result.message}")
        for suspicion in solved.suspicions[:5]:
            console.print(f"  suspect {suspicion.place}  {suspicion.score:.2f}  {suspicion.why}")
    if solved.notes:
        console.print(f"  notes   {', '.join(dict.fromkeys(solved.notes))}")
    console.print(f"  cost    {output.cost(solved.usage)}")


def plain(solved: Solved) -> dict[str, object]:
    """The same for a program."""
    return {
        "solved": solved.solved,
        "solver": solved.solver,
        "why": solved.why,
        "remark": solved.remark,
        "diff": solved.patch.diff if solved.patch else "",
        "summary": solved.patch.summary if solved.patch else "",
        "proof": solved.proof,
        "failing": solved.failing,
        "suspicions": solved.suspicions,
        "notes": solved.notes,
        "plausible": solved.plausible,
        "usage": solved.usage,
    }
