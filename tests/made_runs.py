"""Run folders as `eval run` leaves them, with results that are made up but could be, by lot."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from swe_sleep.evaluate.runs.folder import RunFolder
from swe_sleep.evaluate.runs.records import (
    Arm,
    Lost,
    Manifest,
    Result,
    Slept,
    Trial,
    key_of,
)
from swe_sleep.records import Usage

HOSTILE = (
    "</script><script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "a\u202egnp.exe\x1b[31m",
    "$x^2$ & {{ 7*7 }} <b>",
    "../../etc/passwd",
    "javascript:alert(1)",
)
HELP = {Arm.OFF: 0.0, Arm.ON: 1.0, Arm.BEHIND: 0.7, Arm.STALE: 0.2, Arm.SHUFFLED: -0.1}
"""How much of the notes' help an arm has."""


def manifest(
    *,
    tasks: Sequence[str],
    arms: Sequence[Arm] = (Arm.OFF, Arm.ON),
    budgets: Sequence[str] = ("candidates=200",),
    sleeps: Sequence[str] = ("default",),
    seeds: Sequence[int] = (0,),
    model: str = "",
    suite: str = "bundled",
    settings: Mapping[str, object] | None = None,
) -> Manifest:
    return Manifest(
        created="2026-01-02T03:04:05Z",
        suite=suite,
        suite_digest=key_of(suite),
        tasks=tuple(tasks),
        arms=tuple(arms),
        budgets=tuple(budgets),
        sleeps=tuple(sleeps),
        seeds=tuple(seeds),
        solver="agent" if model else "search",
        model=model,
        settings=dict(settings or {"sandbox.backend": "local"}),
        versions={"swe-sleep": "0.1.0 at 0123456789ab", "python": "3.11.9", "git": "2.45.0"},
        command=("swe-sleep", "eval", "run", "--tasks", "tasks", "--run", "a run"),
        machine={"cores": "8", "system": "Linux"},
    )


def result(
    trial: Trial,
    *,
    resolved: bool = False,
    repo: str = "parser",
    usage: Usage | None = None,
    slept: str = "",
    foreseen: int | None = None,
    expected: int | None = None,
    expected_of: int = 0,
) -> Result:
    return Result(
        key=key_of(trial.task, trial.name),
        trial=trial,
        repo=repo,
        resolved=resolved,
        usage=Usage(wall_s=10.0, test_runs=5, candidates=20) if usage is None else usage,
        slept=slept,
        foreseen=foreseen,
        foreseen_of=12 if slept else 0,
        expected=expected,
        expected_of=expected_of,
    )


def slept(key: str, repo: str = "parser", sleep: str = "default", wall_s: float = 60.0) -> Slept:
    usage = Usage(wall_s=wall_s, test_runs=30, candidates=100)
    return Slept(key, repo, "c" * 40, sleep, 0, usage, wall_s, notes=40, issues=6)


def write(
    folder: Path,
    what: Manifest,
    results: Sequence[Result] = (),
    sleeps: Sequence[Slept] = (),
    lost: Sequence[Lost] = (),
) -> Path:
    """Exactly these."""
    folder.mkdir(parents=True)
    run = RunFolder(folder)
    run.begin(what)
    for each in sleeps:
        run.write_slept(each, {"log.txt": b"slept\n"})
    for one in results:
        files = {"patch.diff": b"diff\n", "log.txt": b"log\n", "grade.txt": b"grade\n"}
        if what.model:
            files["trajectory.jsonl"] = b"{}\n"
        run.write_result(one, files)
    for gone in lost:
        run.write_lost(gone)
    return folder


def draw(
    folder: Path,
    *,
    tasks: int = 24,
    repos: int = 6,
    arms: Sequence[Arm] = tuple(Arm),
    budgets: Sequence[str] = ("candidates=50", "candidates=200"),
    sleeps: Sequence[str] = ("default",),
    seeds: Sequence[int] = (0,),
    model: str = "",
    suite: str = "bundled",
    help_: float = 0.35,
    lose: float = 0.0,
    leave: float = 0.0,
    hostile: bool = False,
    priced: bool = True,
    resolved: bool | None = None,
    by_files: bool = False,
    settings: Mapping[str, object] | None = None,
    seed: int = 0,
) -> Path:
    """A whole run, by lot. `help_` is by how much notes raise the chance of being resolved."""
    lots = random.Random(seed)
    repositories = ["parser", "cache", "scheduler", "shell", "web", "heaps"][:repos]
    names = [f"{repositories[n % repos]}-issue-{n // repos + 1}" for n in range(tasks)]
    if hostile:
        names[: len(HOSTILE)] = HOSTILE[:tasks]
    what = manifest(
        tasks=names, arms=arms, budgets=budgets, sleeps=sleeps, seeds=seeds, model=model,
        suite=suite, settings=settings,
    )  # fmt: skip
    made: dict[str, Slept] = {}
    results: list[Result] = []
    lost: list[Lost] = []
    hard = {name: lots.random() for name in names}
    ranks = {name: lots.choice([1, 1, 2, 3, 4, 6, 9, None, None]) for name in names}
    trials = [
        Trial(name, arm, budget, sleep, number)
        for arm in arms
        for name in names
        for budget in budgets
        for sleep in (sleeps if arm is not Arm.OFF else ("",))
        for number in seeds
    ]
    for trial in trials:
        place = names.index(trial.task)
        repo = repositories[place % repos]
        chance = lots.random()
        if chance < lose:
            reason = "sandbox: the engine stopped half-way"
            known = trial if chance < lose / 2 else None
            key = key_of(trial.task, trial.name)
            lost.append(Lost(key, f"{trial.task} {trial.name}", reason, "", known))
            continue
        if chance < lose + leave:
            continue
        rank = ranks[trial.task]
        level = budgets.index(trial.budget) + 1
        helped = HELP[trial.arm] * help_ * (1.4 if rank and rank <= 3 else 0.5)
        right = lots.random() < 0.75 - 0.7 * hard[trial.task] + 0.08 * level + helped
        right = right if resolved is None else resolved
        work = max(0.15, (0.4 + hard[trial.task]) * level * (1 - helped)) * lots.uniform(0.8, 1.2)
        usage = Usage(
            wall_s=round(14 * work, 2), test_runs=round(9 * work), candidates=round(60 * work)
        )
        if model:
            notes = 2_500 if trial.arm is not Arm.OFF else 0
            usage = replace(
                usage,
                input_tokens=round(3_000 * work),
                cache_read_tokens=round(40_000 * work) + notes,
                cache_write_tokens=round(5_000 * work) + notes,
                output_tokens=round(2_500 * work),
                turns=max(1, round(12 * work)),
                cost_usd=round(0.12 * work, 4) if priced or lots.random() < 0.8 else None,
            )
        asleep = ""
        if trial.arm is not Arm.OFF:
            other = repositories[(place + 1) % repos] if trial.arm is Arm.SHUFFLED else repo
            asleep = key_of(
                other, trial.sleep, (trial.arm in (Arm.BEHIND, Arm.STALE) and "old") or ""
            )
            if asleep not in made:
                money = 0.4 if model else 0.0
                spent = Usage(
                    input_tokens=90_000 if model else 0,
                    output_tokens=20_000 if model else 0,
                    cost_usd=money,
                    wall_s=round(lots.uniform(40, 90), 1),
                    test_runs=lots.randint(30, 60),
                    candidates=lots.randint(80, 200),
                )
                made[asleep] = Slept(
                    asleep, other, "c" * 40, trial.sleep, 0, spent, spent.wall_s, 60, 8
                )
        told = trial.arm is not Arm.OFF
        one = result(trial, resolved=right, repo=repo, usage=usage, slept=asleep)
        results.append(
            replace(
                one,
                proven=right or lots.random() < 0.1,
                solver="agent" if model else "search",
                patch_s=usage.wall_s if right or lots.random() < 0.4 else None,
                applied=True,
                fail_to_pass=(2 if right else 0, 2),
                pass_to_pass=(40, 40),
                gold_files=1,
                hit_files=int(right or lots.random() < 0.3),
                gold_functions=2,
                hit_functions=lots.randint(0, 2),
                first_right=lots.choice([1, 1, 2, 3, None]) if told else None,
                f1=lots.choice([0.0, 0.5, 0.8, 1.0]) if by_files else None,
                precision=0.5 if by_files else None,
                recall=0.75 if by_files else None,
                shown=lots.randint(3, 12) if told else 0,
                used=lots.randint(0, 3) if told else 0,
                shown_chars=lots.randint(500, 4000) if told else 0,
                foreseen=rank if trial.arm is Arm.ON else None,
                foreseen_of=12 if told else 0,
                foreseen_score=0.6 if rank else 0.0,
                why="" if right else "no candidate passed every test",
                wall_s=usage.wall_s + 3,
            )
        )
    return write(folder, what, results, list(made.values()), lost)
