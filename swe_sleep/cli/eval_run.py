"""`swe-sleep eval run`: the same tasks with notes and without, under the same budgets."""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from swe_sleep.cli import output, runs_shown
from swe_sleep.cli.sleep import BackendName
from swe_sleep.cli.suites import Fetch, Limit, Only, Pull, Repos, Split, Tasks, load
from swe_sleep.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from swe_sleep.evaluate.executors.protocol import Executor
    from swe_sleep.evaluate.runs.budgets import Kind
    from swe_sleep.evaluate.runs.conditions import Conditions
    from swe_sleep.evaluate.runs.folder import RunFolder
    from swe_sleep.evaluate.runs.plan import Plan
    from swe_sleep.evaluate.runs.records import Arm, Lost, Manifest
    from swe_sleep.evaluate.runs.run import Told
    from swe_sleep.evaluate.tasks.task import Suite

ARMS = "off,on,stale,shuffled"


def run(
    context: typer.Context,
    tasks: Tasks = "",
    repos: Repos = None,
    arms: Annotated[
        str,
        typer.Option(
            "--arms",
            help="off (no notes), on, behind (of an older commit, what is stale withheld), stale "
            "(of an older commit, taken for fresh), shuffled (of another repository or issue).",
        ),
    ] = ARMS,
    budget: Annotated[
        list[str] | None,
        typer.Option(
            "--budget",
            metavar="NAME=N,...",
            help="At test time: seconds, candidates, turns, tokens, usd, effort; repeatable. What "
            "is not named is as in the settings.",
        ),
    ] = None,
    sleep_budget: Annotated[
        list[str] | None,
        typer.Option(
            "--sleep-budget",
            metavar="NAME=N,...",
            help="At sleep time: seconds, cpu, tokens, usd, effort, and follow, the commits before "
            "the last one that it follows; repeatable.",
        ),
    ] = None,
    seeds: Annotated[
        int,
        typer.Option(
            "--seeds",
            min=1,
            help="Repetitions. Claude answers anew in each; search only gets another placebo.",
        ),
    ] = 1,
    solver: Annotated[
        Literal["search", "agent", "auto"],
        typer.Option(help="search is built in and needs no model; agent is Claude; auto is both."),
    ] = "search",
    folder: Annotated[
        Path | None,
        typer.Option(
            "--run",
            metavar="DIR",
            help="The run's folder; by default runs/TASKS-TIME. One that is there is gone on with: "
            "nothing is done twice.",
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            "-j",
            min=1,
            help="Processes at work: one; of a cluster, as many as each node has cores.",
        ),
    ] = None,
    executor: Annotated[
        Literal["local", "ray"],
        typer.Option(help="Processes of this machine, or a Ray cluster (the extra `ray`)."),
    ] = "local",
    ray_address: Annotated[
        str,
        typer.Option(
            "--ray-address", help="Of the cluster; `local` starts one of this machine alone."
        ),
    ] = "auto",
    only: Only = None,
    limit: Limit = None,
    split: Split = "test",
    fetch: Fetch = "",
    pull: Pull = False,
    model: Annotated[str | None, typer.Option("--model", help="Another model of Claude's.")] = None,
    base_url: Annotated[
        str | None, typer.Option("--base-url", help="Ask this server instead of Anthropic's.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and what it may cost.")
    ] = False,
    backend: BackendName = None,
    as_json: output.Json = False,
) -> None:
    """Run tasks with known answers, with notes and without, and keep everything.

    Each task is solved in each arm, by each budget. Hidden tests judge the patch; they are put into
    a sandbox only then. Notes are made once per commit and shared by its tasks. A run that was
    stopped or killed goes on when the same command names its folder again.

    \b
    swe-sleep eval run --run runs/first --jobs 2
    swe-sleep eval run --run runs/first --jobs 2 --budget candidates=100 --budget candidates=400
    swe-sleep eval run --tasks lite.jsonl --repos ~/mirrors --solver agent --budget usd=0.5
    swe-sleep eval report runs/first

    The folder has the patches as predictions too, for `eval grade` and the official harness.
    Exits with 1 where a trial gave nothing; `lost.jsonl` in the folder says why. An arm for which
    a suite has no notes (of a single task there is no other's) is left out, and that is said.
    """
    from swe_sleep.cli import wiring
    from swe_sleep.cli.display import Display
    from swe_sleep.evaluate.runs import predictions
    from swe_sleep.evaluate.runs.conditions import Conditions
    from swe_sleep.evaluate.runs.folder import RunFolder, new_folder
    from swe_sleep.evaluate.runs.plan import plan
    from swe_sleep.evaluate.runs.run import run as carry_out

    flags: dict[str, Any] = {
        "sandbox.backend": backend,
        "model.name": model,
        "model.base_url": base_url,
    }
    given = {key: each for key, each in flags.items() if each is not None}
    conditions = Conditions(solver, given, pull=pull)
    display = Display(output.console(stderr=True))
    try:
        suite = load(tasks, split, only, limit, repos, fetch, display.progress)
    finally:
        display.quiet()
    folder = folder or new_folder(suite.name)
    run_folder = RunFolder(folder.absolute())
    planned = plan(
        suite,
        arms=_arms(arms),
        budgets=_budgets("test", budget, conditions),
        sleeps=_budgets("sleep", sleep_budget, conditions),
        seeds=range(seeds),
        conditions=conditions,
        stores=run_folder.stores,
    )
    if not planned.asked:
        raise UsageError(f"no trial can be made: {_reasons(planned)}")
    if dry_run and as_json:
        output.print_json(runs_shown.plain_plan(planned, _most_usd(planned, conditions)))
        return
    _announce(output.console(stderr=not dry_run), planned, run_folder, conditions, jobs)
    if dry_run:
        return
    _check_model(conditions)
    by = _executor(executor, jobs, ray_address, conditions, run_folder.path, display.console)
    with run_folder.lock():
        manifest = run_folder.begin(_manifest(suite, planned, conditions))
        display.console.print(f"run folder: {output.shown(run_folder.path)}", style="dim")
        try:
            with wiring.stopping() as stop:
                summary = carry_out(
                    planned,
                    run_folder,
                    by,
                    tell=lambda told: display.progress(_line(told)),
                    stop=stop.is_set,
                )
                predictions.write(run_folder, run_folder.results().values(), _by(manifest))
        finally:
            display.quiet()
    if as_json:
        output.print_json(runs_shown.plain(run_folder.path, summary, manifest.suite))
    else:
        runs_shown.show(output.console(), output.pasted(folder, context), summary)
    if stop.is_set():
        raise typer.Exit(130)
    if not summary.whole:
        raise typer.Exit(1)


def _check_model(conditions: Conditions) -> None:
    if conditions.solver == "search":
        return
    from swe_sleep.wiring.asking import KEYS, can_ask

    if not can_ask(conditions.settings()):
        raise UsageError(
            f"Claude cannot be asked, so there is nothing for --solver {conditions.solver}.",
            f"Set {KEYS[0]}, or run the built-in solver: --solver search.",
        )


def _arms(text: str) -> list[Arm]:
    from swe_sleep.evaluate.runs.records import Arm

    found: list[Arm] = []
    for name in text.split(","):
        try:
            found.append(Arm(name.strip()))
        except ValueError:
            names = ", ".join(Arm)
            raise UsageError(f"there is no arm {name.strip()!r}.", f"There are {names}.") from None
    return list(dict.fromkeys(found))


def _budgets(kind: Kind, texts: Iterable[str] | None, conditions: Conditions) -> list[str]:
    """Raises UsageError, or ConfigError for an amount that the settings don't allow: every trial
    would be lost for it."""
    from swe_sleep.evaluate.runs.budgets import budget

    found = dict.fromkeys(budget(kind, text) for text in texts or ("default",))
    for each in found:
        conditions.settings(each.flags())
    return [each.text for each in found]


def _executor(
    name: str,
    jobs: int | None,
    address: str,
    conditions: Conditions,
    folder: Path,
    console: Console,
) -> Executor:
    if name == "ray":
        from swe_sleep.evaluate.executors.ray_cluster import RayExecutor
        from swe_sleep.evaluate.executors.ray_run import Needs

        wanted = conditions.settings().sandbox
        return RayExecutor(
            address,
            jobs_per_node=jobs,
            needs=Needs(backend=wanted.backend, memory_mb=wanted.memory_mb),
            logs=folder / "logs",
            progress=lambda line: console.print(output.one_line(line), style="dim", markup=False),
        )
    from swe_sleep.evaluate.executors.local import LocalExecutor

    return LocalExecutor(jobs or 1)


def _manifest(suite: Suite, planned: Plan, conditions: Conditions) -> Manifest:
    from swe_sleep.evaluate.runs import circumstances
    from swe_sleep.evaluate.runs.records import Manifest

    settings = conditions.settings()
    trials = [each.trial for each in planned.asked]
    return Manifest(
        created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        suite=suite.name,
        suite_digest=suite.digest(),
        tasks=tuple(dict.fromkeys(each.task for each in trials)),
        arms=tuple(dict.fromkeys(each.arm for each in trials)),
        budgets=tuple(dict.fromkeys(each.budget for each in trials)),
        sleeps=tuple(dict.fromkeys(each.sleep for each in trials if each.sleep)),
        seeds=tuple(dict.fromkeys(each.seed for each in trials)),
        solver=conditions.solver,
        model="" if conditions.solver == "search" else settings.model.name,
        settings=settings.model_dump(mode="json"),
        versions=circumstances.versions(settings),
        command=("swe-sleep", *sys.argv[1:]),
        machine=circumstances.machine(),
    )


def _by(manifest: Manifest) -> str:
    """Whose patches these are, for who reads the predictions."""
    return f"swe-sleep-{manifest.model or manifest.solver}"


def _announce(
    console: Console,
    planned: Plan,
    folder: RunFolder,
    conditions: Conditions,
    jobs: int | None,
) -> None:
    tasks = len({each.case.id for each in planned.asked})
    left = planned.without(folder.results(), folder.sleeps())
    made = len(planned.asked) - len(left.asked)
    slept = len({each.key for each in planned.naps} & folder.sleeps().keys())
    line = (
        f"{output.count(len(planned.asked), 'trial')} on {output.count(tasks, 'task')}"
        + f" ({made} made)" * bool(made)
        + f", {output.count(len(planned.naps), 'sleep')}"
        + f" ({slept} made)" * bool(slept)
    )
    most = _most_usd(left, conditions)
    if most is not None:
        line += f"; Claude may cost at most ${most:,.2f}"
    console.print(line)
    hours = _most_s(left, conditions) / (jobs or 1) / 3600
    by = f" with {output.count(jobs, 'job')}" if jobs else ""
    longest = f"{hours:.1f} h" if hours >= 1 else f"{max(1.0, hours * 60):.0f} min"
    if left.asked:
        console.print(
            f"by the budgets at most {longest}{by}, runs of whole suites apart", style="dim"
        )
    for arm in sorted(
        {arm for each in planned.left_out if (arm := _arm(each)) not in planned.arms}
    ):
        reasons = [each.reason for each in planned.left_out if _arm(each) == arm]
        console.print(f"left out is the arm {arm}: {output.one_line(reasons[0])}", style="yellow")
    single = [each for each in planned.left_out if _arm(each) in planned.arms]
    for reason, count in Counter(each.reason for each in (*planned.lost, *single)).items():
        what = output.count(count, "trial")
        console.print(f"{what} more cannot be made: {output.one_line(reason)}", style="yellow")


def _arm(lost: Lost) -> str:
    return str(lost.trial.arm) if lost.trial else ""


def _reasons(planned: Plan) -> str:
    reasons = dict.fromkeys(each.reason for each in (*planned.lost, *planned.left_out))
    return " ".join(reasons) or "there is no task."


def _most_usd(planned: Plan, conditions: Conditions) -> float | None:
    """What Claude may cost at most; None where it is not asked."""
    if conditions.solver == "search":
        return None
    awake = sum(
        conditions.settings(_flags("test", each.trial.budget)).model.budget_usd
        for each in planned.asked
    )
    asleep = sum(
        conditions.settings(_flags("sleep", each.sleep)).sleep.budget_usd for each in planned.naps
    )
    return awake + asleep


def _most_s(planned: Plan, conditions: Conditions) -> float:
    """Seconds that searching, asking and sleeping may take at most, one after another."""
    search, ask = conditions.solver != "agent", conditions.solver != "search"
    total = 0.0
    for each in planned.asked:
        settings = conditions.settings(_flags("test", each.trial.budget))
        total += search * settings.solve.search_s + ask * settings.model.budget_s
    for nap in planned.naps:
        total += conditions.settings(_flags("sleep", nap.sleep)).sleep.budget_s
    return total


def _flags(kind: Kind, text: str) -> dict[str, Any]:
    from swe_sleep.evaluate.runs.budgets import budget

    return budget(kind, text).flags()


def _line(told: Told) -> str:
    line = f"{told.doing}: {told.done}/{told.total} done"
    if told.doing == "solving" and told.done:
        line += f", {told.resolved} resolved"
    if told.lost:
        line += f", {told.lost} lost"
    if told.seconds_left is not None and told.done < told.total:
        left = told.seconds_left
        line += f", about {left:.0f} s left" if left < 120 else f", about {left / 60:.0f} min left"
    return f"{line}; {told.text}" if told.text else line
