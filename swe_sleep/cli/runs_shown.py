"""What `swe-sleep eval run` says of a run: to a person, and to a program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from swe_sleep.cli import output

if TYPE_CHECKING:
    from rich.console import Console

    from swe_sleep.evaluate.runs.plan import Plan
    from swe_sleep.evaluate.runs.run import Summary

SHOWN_LOST = 10


def plain_plan(planned: Plan, most_usd: float | None) -> dict[str, object]:
    """What would be done, for a program; `most_usd` is what Claude may cost."""
    return {
        "trials": [each.trial for each in planned.asked],
        "sleeps": [
            {"repo": each.repo, "commit": each.commit, "sleep": each.sleep, "seed": each.seed}
            for each in planned.naps
        ],
        "lost": planned.lost,
        "left_out": planned.left_out,
        "most_usd": most_usd,
    }


def plain(folder: Path, summary: Summary, suite: str) -> dict[str, object]:
    """What came of it, for a program."""
    return {
        "run": str(folder),
        "suite": suite,
        "results": list(summary.results.values()),
        "sleeps": list(summary.sleeps.values()),
        "lost": summary.lost,
        "left": summary.left,
        "made": summary.made,
        "wall_s": summary.wall_s,
    }


def show(console: Console, folder: str, summary: Summary) -> None:
    """What came of it, in a few lines; `eval report` says the rest. `folder` is as a person may
    paste it."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    columns = ("arm", "budget", "sleep", "trials", "resolved", "test runs", "tokens", "seconds")
    for number, name in enumerate(columns):
        # What tells two rows apart is never cut.
        justify: Literal["left", "right"] = "left" if number < 3 else "right"
        table.add_column(name, justify=justify, overflow="fold", no_wrap=number > 3)
    groups: dict[tuple[str, str, str], list[Any]] = {}
    for each in summary.results.values():
        trial = each.trial
        groups.setdefault((trial.arm, trial.budget, trial.sleep), []).append(each)
    for (arm, budget, sleep), results in groups.items():
        table.add_row(
            arm,
            budget.replace(",", ", "),  # broken there where the terminal is narrow
            sleep.replace(",", ", "),
            str(len(results)),
            str(sum(each.resolved for each in results)),
            f"{sum(each.usage.test_runs for each in results):,}",
            f"{sum(each.usage.tokens for each in results):,}",
            f"{sum(each.usage.wall_s for each in results):,.0f}",
        )
    console.print(table)
    slept = {each.slept for each in summary.results.values()} & summary.sleeps.keys()
    seconds = sum(summary.sleeps[key].wall_s for key in slept)
    console.print(
        f"{output.count(len(slept), 'sleep')}, {seconds:,.0f} s; "
        f"{output.count(summary.made, 'trial')} made now, in {summary.wall_s:,.0f} s",
        style="dim",
    )
    troubled = [problems for key in slept if (problems := summary.sleeps[key].problems)]
    if troubled:
        first = output.one_line(troubled[0][0])
        what = output.count(len(troubled), "sleep")
        console.print(f"{what} with a problem, such as: {first}", style="yellow")
    for lost in summary.lost[:SHOWN_LOST]:
        console.print(f"lost: {lost.what}: {output.one_line(lost.reason)}", style="red")
    if len(summary.lost) > SHOWN_LOST:
        console.print(f"lost: {len(summary.lost) - SHOWN_LOST} more", style="red")
    if summary.left:
        console.print(
            f"stopped: {output.count(summary.left, 'trial')} left; the same command goes on from "
            "there",
            style="yellow",
        )
    console.print(f"For the figures: swe-sleep eval report {folder}")
