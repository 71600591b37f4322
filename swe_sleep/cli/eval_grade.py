"""`swe-sleep eval grade`: whether patches solve their tasks, and whether SWE-bench says so too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from swe_sleep.cli import output
from swe_sleep.cli.sleep import BackendName
from swe_sleep.cli.suites import Fetch, Jobs, Limit, Only, Pull, Repos, Split, Tasks, load
from swe_sleep.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from swe_sleep.evaluate.pool import Failed
    from swe_sleep.evaluate.tasks.predictions import Prediction
    from swe_sleep.evaluate.tasks.task import Case, Suite
    from swe_sleep.evaluate.verdicts import Judged, ToGrade

SHOWN = 10


def grade(
    tasks: Tasks = "",
    predictions: Annotated[
        list[Path] | None,
        typer.Option(
            "--predictions",
            metavar="FILE",
            help="Patches as SWE-bench's harness takes them: instance_id, model_name_or_path, "
            "model_patch; repeatable.",
        ),
    ] = None,
    gold: Annotated[bool, typer.Option("--gold", help="Grade the tasks' own patches too.")] = False,
    repos: Repos = None,
    official: Annotated[
        bool,
        typer.Option(
            "--official",
            help="Run them by SWE-bench's command too, and ask the `swebench` package (an extra).",
        ),
    ] = False,
    pull: Pull = False,
    jobs: Jobs = 1,
    only: Only = None,
    limit: Limit = None,
    split: Split = "test",
    fetch: Fetch = "",
    timeout_s: Annotated[
        float, typer.Option("--timeout-s", min=1, help="For all tests of one task.")
    ] = 1800.0,
    backend: BackendName = None,
    as_json: output.Json = False,
) -> None:
    """Judge patches by the tasks' hidden tests, as SWE-bench does.

    Each patch is put on its base commit in a sandbox, and the hidden tests with it. A task whose
    own image the engine has is graded in that; for all others the environment is built. With
    --official the tests run a second time by SWE-bench's command, its package reads the log and
    judges, and what it sees otherwise is told.

    \b
    swe-sleep eval grade --gold
    swe-sleep eval grade --predictions predictions.jsonl --json
    swe-sleep eval grade --tasks lite.jsonl --repos ~/mirrors --gold --official

    Exits with 1 where a patch could not be graded, or the two verdicts differ.
    """
    from swe_sleep.cli import wiring
    from swe_sleep.cli.display import Display
    from swe_sleep.evaluate.executors.local import LocalExecutor
    from swe_sleep.evaluate.pool import Done, Failed, Said
    from swe_sleep.evaluate.tasks.suite import present
    from swe_sleep.evaluate.verdicts import carry_out

    if not predictions and not gold:
        raise UsageError("there is nothing to grade.", "Give --predictions FILE, or --gold.")
    patches = _patches(predictions or ())
    display = Display(output.console(stderr=True))
    judged: list[Judged] = []
    failed: list[Failed[ToGrade]] = []
    where: dict[str, str] = {}
    try:
        suite = load(tasks, split, only, limit, repos, fetch, display.progress)
        requests = _requests(
            present(suite, repos),
            patches,
            gold=gold,
            flags={"sandbox.backend": backend} if backend else {},
            official=official,
            pull=pull,
            timeout_s=timeout_s,
        )
        total = sum(len(each.candidates) for each in requests)
        display.progress(f"grading: 0/{total} done")
        with wiring.stopping() as stop:
            executor = LocalExecutor(jobs)
            for event in executor.run(carry_out, requests, stop=stop.is_set):
                if isinstance(event, Done):
                    judged += event.answer.judged
                    where[event.request.case.id] = event.answer.where
                elif isinstance(event, Failed):
                    failed.append(event)
                line = f"grading: {len(judged)}/{total} done"
                said = f"; {event.text}" if isinstance(event, Said) else ""
                display.progress(line + said)
    finally:
        display.quiet()
    order = {request.case.id: number for number, request in enumerate(requests)}
    judged.sort(key=lambda each: order[each.task])
    left_out = _left_out(suite, patches, gold=gold)
    done = {*where, *(each.request.case.id for each in failed)}
    left = [name for name in order if name not in done]
    if as_json:
        output.print_json(plain(judged, failed, where, left_out, left))
    else:
        show(output.console(), judged, failed, where, left_out, left)
    if stop.is_set():
        raise typer.Exit(130)
    if failed or not all(each.agree for each in judged):
        raise typer.Exit(1)


def _patches(files: Sequence[Path]) -> list[Prediction]:
    from swe_sleep.evaluate.tasks.predictions import read_predictions

    return [each for file in files for each in read_predictions(file).values()]


def _requests(
    suite: Suite,
    patches: Sequence[Prediction],
    *,
    gold: bool,
    flags: Mapping[str, Any],
    official: bool,
    pull: bool,
    timeout_s: float,
) -> list[ToGrade]:
    from swe_sleep.evaluate.grading import TEST_TIMEOUT_S
    from swe_sleep.evaluate.runs.conditions import Conditions
    from swe_sleep.evaluate.tasks.predictions import GOLD
    from swe_sleep.evaluate.verdicts import Candidate, ToGrade

    conditions = Conditions(flags=flags, grade_s=timeout_s, grade_test_s=TEST_TIMEOUT_S)
    found = []
    for case in suite.cases:
        of_gold = [Candidate(GOLD, case.answer.patch)] if gold else []
        candidates = of_gold + [
            Candidate(each.model_name_or_path, each.patch)
            for each in patches
            if each.instance_id == case.id
        ]
        if candidates and _is_judged_by_tests(case):
            found.append(ToGrade(case, tuple(candidates), conditions, official, pull))
    if not found and gold:
        raise UsageError("none of these tasks has tests that have to pass.")
    if not found:
        raise UsageError(
            "no patch is for one of these tasks that has tests.",
            "The instance_id of a prediction is a task's id.",
        )
    return found


def _is_judged_by_tests(case: Case) -> bool:
    return case.task.score == "tests" and bool(case.answer.fail_to_pass)


def _left_out(suite: Suite, patches: Sequence[Prediction], *, gold: bool) -> dict[str, str]:
    """Tasks whose patches are not graded, with the reason."""
    known = {case.id: case for case in suite.cases}
    asked = dict.fromkeys(each.instance_id for each in patches)
    reasons = {name: "there is no such task" for name in asked if name not in known}
    for case in suite.cases:
        if not gold and case.id not in asked:
            continue
        if not _is_judged_by_tests(case):
            reasons[case.id] = "it has no tests that have to pass"
        elif not case.task.sources:
            reasons[case.id] = f"the repository {case.task.repo} is not here"
    return reasons


def plain(
    judged: Sequence[Judged],
    failed: Sequence[Failed[ToGrade]],
    where: Mapping[str, str],
    left_out: Mapping[str, str],
    left: Sequence[str] = (),
) -> dict[str, object]:
    """Everything, for a program. `left` are the tasks that a stopped run did not come to."""
    import msgspec

    return {
        "verdicts": [
            {**msgspec.to_builtins(each), "agree": each.agree, "where": where[each.task]}
            for each in judged
        ],
        "failed": [
            {"task": each.request.case.id, "reason": each.reason, "detail": each.detail}
            for each in failed
        ],
        "left_out": dict(left_out),
        "left": list(left),
    }


def show(
    console: Console,
    judged: Sequence[Judged],
    failed: Sequence[Failed[ToGrade]],
    where: Mapping[str, str],
    left_out: Mapping[str, str],
    left: Sequence[str] = (),
) -> None:
    """The same, for a person."""
    if judged:
        _table(console, judged)
        _remarks(console, judged, where)
    for failure in failed[:SHOWN]:
        reason = output.one_line(failure.reason)
        console.print(f"failed: {failure.request.case.id}: {reason}", style="red")
    if len(failed) > SHOWN:
        console.print(f"failed: {len(failed) - SHOWN} more", style="red")
    for name, reason in list(left_out.items())[:SHOWN]:
        console.print(output.one_line(f"not graded: {name}: {reason}"), style="yellow")
    if len(left_out) > SHOWN:
        console.print(f"not graded: {len(left_out) - SHOWN} more", style="yellow")
    if left:
        console.print(f"stopped: {output.count(len(left), 'task')} not graded", style="yellow")


def _table(console: Console, judged: Sequence[Judged]) -> None:
    """Not `rich`'s, which cuts names where the terminal is narrow."""
    compared = any(each.official for each in judged)
    heads = ["task", "patch by", "verdict", "f2p", "p2p"]
    heads += [*(["SWE-bench"] if compared else []), "seconds"]
    rows = [[output.one_line(cell) for cell in _row(each, compared)] for each in judged]
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for number, row in enumerate([heads, *rows]):
        cells = [
            cell.rjust(width) if head in ("f2p", "p2p", "seconds") else cell.ljust(width)
            for head, cell, width in zip(heads, row, widths, strict=True)
        ]
        style = None if number else "bold"
        console.print("  ".join(cells).rstrip(), style=style, soft_wrap=True, highlight=False)


def _row(each: Judged, compared: bool) -> list[str]:
    grade = each.grade
    theirs = []
    if compared:
        said = "-" if each.official is None else _word(each.official.resolved)
        theirs = [said if each.agree else f"{said} (differs)"]
    verdict = _word(grade.resolved) if grade.applied else "not applied"
    cells = [each.task, each.by, verdict, _share(grade.fail_to_pass), _share(grade.pass_to_pass)]
    return [*cells, *theirs, f"{each.seconds:.1f}"]


def _word(resolved: bool) -> str:
    return "resolved" if resolved else "not resolved"


def _share(outcomes: Mapping[str, str]) -> str:
    if not outcomes:
        return "-"
    return f"{sum(said == 'passed' for said in outcomes.values())}/{len(outcomes)}"


def _remarks(console: Console, judged: Sequence[Judged], where: Mapping[str, str]) -> None:
    for each in judged:
        name = f"{each.task}, {each.by}"
        for line in (each.grade.problem, *each.grade.doubts):
            if line:
                console.print(output.one_line(f"{name}: {line}"), style="yellow")
        if each.official is not None and each.official.problem and each.grade.applied:
            line = f"{name}: SWE-bench: {each.official.problem}"
            console.print(output.one_line(line), style="yellow")
        for test in each.differ[:SHOWN]:
            console.print(output.one_line(f"{name}: seen otherwise: {test}"), style="red")
    resolved = sum(each.grade.resolved for each in judged)
    line = f"{resolved} of {len(judged)} resolved"
    both = [each for each in judged if each.official is not None]
    if both:
        same = sum(each.agree for each in both)
        line += f"; SWE-bench's functions say the same of {same} of {len(both)}"
    console.print(line)
    places = sorted(set(where.values()))
    console.print(output.one_line(f"in: {'; '.join(places[:SHOWN])}"), style="dim")
