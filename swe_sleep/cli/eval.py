"""`swe-sleep eval`: how good it is, measured on tasks with known answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swe_sleep.cli import eval_grade, eval_report, eval_run, eval_texts, output
from swe_sleep.cli.suites import Jobs, Limit

if TYPE_CHECKING:
    from rich.console import Console

    from swe_sleep.evaluate.localisation import Calibration, Score
    from swe_sleep.evaluate.run import Report

LOCATOR = "swe_sleep.locate.locator:Locator"
"""What is judged."""
SHOWN_FAILURES = 20

app = typer.Typer(
    help="Measure how good swe-sleep is, on tasks whose answers are known.",
    no_args_is_help=True,
)


@app.callback()
def _eval() -> None:
    pass  # with this, one command alone is still a group's


app.command()(eval_run.run)
app.command()(eval_texts.texts)
app.command()(eval_report.report)
app.command()(eval_grade.grade)


@app.command()
def locate(
    instances: Annotated[
        Path,
        typer.Option(
            "--instances", metavar="FILE", help="Issues with known answers, as JSON lines."
        ),
    ],
    repos: Annotated[
        Path,
        typer.Option(
            "--repos", metavar="DIR", help="Clones or mirrors, as owner/name or owner__name."
        ),
    ],
    jobs: Jobs = 1,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="REPO", help="Only this repository; may be given again."),
    ] = None,
    limit: Limit = None,
    ablate: Annotated[
        list[str] | None,
        typer.Option(
            "--ablate",
            metavar="NAME",
            help="Switch off a feature of the ranking; repeatable. A wrong name lists them all.",
        ),
    ] = None,
    work: Annotated[
        Path | None,
        typer.Option(
            "--work", metavar="DIR", help="Where notes and results are kept, to go on from."
        ),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Rank again what an earlier run has ranked.")
    ] = False,
    as_json: output.Json = False,
) -> None:
    """How often `locate` finds what a fix touched.

    Every issue is ranked at its base commit, from that commit and its ancestors alone. FILE has one
    JSON object a line: instance_id, repo (owner/name), base_commit, problem_statement, and either
    gold_py_files with gold_functions (path::Qual.name), or the patch, as SWE-bench has it. The
    repositories are only read. A run that was stopped goes on where it was.

    \b
    swe-sleep eval locate --instances issues.jsonl --repos ~/mirrors --jobs 4
    swe-sleep eval locate --instances issues.jsonl --repos ~/mirrors --json

    Exits with 1 where an issue could not be ranked, or its repository is missing.
    """
    from swe_sleep.cli import wiring
    from swe_sleep.cli.display import Display
    from swe_sleep.evaluate.instances import read
    from swe_sleep.evaluate.mirrors import Mirrors
    from swe_sleep.evaluate.ranking import Ranker
    from swe_sleep.evaluate.run import chosen, evaluate

    found = chosen(read(instances), only or (), limit)
    mirrors = Mirrors(repos)
    display = Display(output.console(stderr=True))
    try:
        with wiring.stopping() as stop:
            report = evaluate(
                found,
                mirrors,
                Ranker(LOCATOR, frozenset(ablate or ())),
                _work() if work is None else work,
                jobs=jobs,
                again=again,
                progress=display.progress,
                stop=stop.is_set,
            )
    finally:
        display.quiet()
    if as_json:
        output.print_json(plain(report))
    else:
        show(output.console(), report)
    if stop.is_set():
        raise typer.Exit(130)
    if not report.whole:
        raise typer.Exit(1)


def _work() -> Path:
    import platformdirs

    return Path(platformdirs.user_cache_dir("swe-sleep")) / "eval"


def plain(report: Report) -> dict[str, object]:
    """Everything, for a program."""
    return {
        "summary": report.summary,
        "instances": [
            {"instance_id": each.instance_id, "first_right": each.first_right} | _fields(each)
            for each in report.results
        ],
        "failures": report.failures,
        "missing": report.missing,
        "left": report.left,
        "resumed": report.resumed,
        "wall_s": report.wall_s,
    }


def _fields(record: object) -> dict[str, object]:
    import msgspec

    fields: dict[str, object] = msgspec.to_builtins(record)
    return fields


def show(console: Console, report: Report) -> None:
    """The same in tables, for a person."""
    summary = report.summary
    if summary.total.files.n:
        groups = (summary.by_repository, summary.by_stratum, (summary.total,))
        _table(console, "files", [[(row.name, row.files) for row in group] for group in groups])
        if summary.total.functions.n:
            rows = [[(row.name, row.functions) for row in group] for group in groups]
            _table(console, "functions", rows)
        _calibration(console, summary.calibration)
        _times(console, report)
    _remarks(console, report)


def _table(console: Console, title: str, groups: Sequence[Sequence[tuple[str, Score]]]) -> None:
    columns = [f"{kind}@{k}" for kind in ("all", "any") for k in groups[-1][0][1].all_at]
    width = max(len(name) for group in groups for name, _ in group)
    heads = "".join(f"{name:>7}" for name in columns)
    console.print(f"{title:<{width}}{'n':>5}{heads}{'MRR':>7}", style="bold")
    for number, group in enumerate(groups):
        if number:
            console.print("-" * (width + 12 + 7 * len(columns)), style="dim")
        for name, score in group:
            shares = [*score.all_at.values(), *score.any_at.values()]
            cells = "".join(f"{100 * share:>7.1f}" for share in shares)
            console.print(f"{name:<{width}}{score.n:>5}{cells}{score.mrr:>7.3f}")
    console.print()


def _calibration(console: Console, calibration: Calibration) -> None:
    console.print("confidence      n   said  right", style="bold")
    for each in calibration.bins:
        shares = f"{each.confidence:>7.2f}{each.right:>7.2f}" if each.n else f"{'-':>7}{'-':>7}"
        console.print(f"{each.low:.1f} to {each.high:.1f}{each.n:>7}{shares}")
    sure = f"sure of {calibration.sure} of {calibration.n}"
    if calibration.sure:
        sure += f", and the first file is right in {100 * calibration.sure_right:.1f} % of these"
    console.print(f"{sure}; Brier score {calibration.brier:.3f}")
    console.print()


def _times(console: Console, report: Report) -> None:
    from statistics import median

    notes = [each.notes_s for each in report.results]
    ranks = [each.locate_s for each in report.results]
    console.print(
        f"time: notes {median(notes):.2f} s an issue (most {max(notes):.1f}), "
        f"ranking {1000 * median(ranks):.0f} ms (most {1000 * max(ranks):.0f}); "
        f"this run {report.wall_s:.0f} s, {report.resumed} of {len(report.results)} "
        "from an earlier one",
        style="dim",
    )


def _remarks(console: Console, report: Report) -> None:
    nothing = report.summary.not_ranked
    if nothing:
        console.print(f"not ranked, as the fix only adds files: {_some(nothing)}")
    for each in report.missing:
        issues = output.count(len(each.instance_ids), "issue")
        console.print(
            f"missing: {each.repo} is not below --repos; {issues} not ranked", style="red"
        )
    for failure in report.failures[:SHOWN_FAILURES]:
        reason = output.one_line(failure.reason)
        console.print(f"failed: {failure.instance_id}: {reason}", style="red")
    if len(report.failures) > SHOWN_FAILURES:
        console.print(f"failed: {len(report.failures) - SHOWN_FAILURES} more", style="red")
    if report.left:
        done = len(report.results)
        console.print(
            f"stopped: {done} ranked, {report.left} left; the same command goes on from there",
            style="yellow",
        )


def _some(names: Iterable[str], most: int = 5) -> str:
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{len(names)} ({', '.join(names[:most])}{more})"
