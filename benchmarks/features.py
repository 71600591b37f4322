"""How well the files of features are foretold without a model, with older changes and without.

    python -m benchmarks.features measure TASKS.jsonl --repos DIR --work FILE.json [--jobs N]
    python -m benchmarks.features fit WORK.json
    python -m benchmarks.features report WORK.json

TASKS.jsonl is of `swe-sleep tasks features`. `measure` ranks every task at its base commit, from
that commit and its ancestors alone, with all features of the locator and without those that older
changes teach, and keeps what a prediction needs; a killed run goes on. `fit` looks for the cut of
each arm on these tasks; `report` says what the shipped cuts are worth on tasks that they were not
fitted on: the mean F1 of the modified files in both arms, and the paired bootstrap interval of the
difference (resampling tasks, and whole repositories).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import product, starmap
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from swe_sleep.errors import SweSleepError
from swe_sleep.evaluate.features import CUT, Cut, Score, predicted_files, score
from swe_sleep.evaluate.mirrors import Mirrors
from swe_sleep.evaluate.tasks.swebench import read_instances
from swe_sleep.evaluate.tasks.task import Case
from swe_sleep.locate.locator import Locator
from swe_sleep.notes.store import Store
from swe_sleep.records import Place
from swe_sleep.repo.repository import Repository

LIMIT = 60
WITHOUT = frozenset({"past", "activity"})
"""The features of the locator that older changes teach; the arm `off` is without them."""
ALONE = Cut(share=0.08, least=3, most=8)
"""The best cut of that arm."""
DRAWS = 10_000


@dataclass(frozen=True)
class Found:
    place: Place
    score: float


@dataclass(frozen=True)
class Ranked:
    """A ranking as it was kept."""

    files: tuple[Found, ...]


def measured(case: Case, store: Path) -> dict[str, Any]:
    """What a prediction for one task needs, in both arms."""
    task = case.task
    with (
        tempfile.TemporaryDirectory(prefix="swe-sleep-features-") as folder,
        Repository.at_commit(task.sources[0], task.base_commit, Path(folder)) as repository,
    ):
        notes = Store(store)
        try:
            locator = Locator.of_commit(
                repository, task.base_commit, notes, progress=lambda line: None
            )
        finally:
            notes.close()
        on = locator.locate(task.text, limit=LIMIT)
        off = locator.locate(task.text, limit=LIMIT, without=WITHOUT)
    return {
        "id": case.id,
        "repo": task.repo,
        "right": list(case.answer.files),
        "on": [[each.place.path, each.score] for each in on.files],
        "off": [[each.place.path, each.score] for each in off.files],
    }


@dataclass(frozen=True)
class Question:
    """A task as it is asked in one arm."""

    ranking: Ranked
    right: tuple[str, ...]

    @classmethod
    def of(cls, row: Mapping[str, Any], arm: str) -> Question:
        found = tuple(Found(Place(path), score) for path, score in row[arm])
        return cls(Ranked(found), tuple(row["right"]))

    def score(self, cut: Cut) -> Score:
        return score(predicted_files(self.ranking, cut), self.right)


def scores(rows: Sequence[Mapping[str, Any]], arm: str, cut: Cut) -> list[Score]:
    return [Question.of(row, arm).score(cut) for row in rows]


def cuts() -> Iterator[Cut]:
    """Those that are tried."""
    return starmap(Cut, product((0.03, 0.05, 0.08, 0.12, 0.17, 0.25), (2, 3, 4), (5, 6, 8)))


def fit(rows: Sequence[Mapping[str, Any]]) -> None:
    """The best cut of each arm, every repository counting alike."""
    repos = np.array([row["repo"] for row in rows])
    for arm in ("off", "on"):
        asked = [Question.of(row, arm) for row in rows]
        best: list[tuple[float, Cut]] = []
        for cut in cuts():
            f1 = np.array([each.score(cut).f1 for each in asked])
            best.append((float(np.mean([f1[repos == repo].mean() for repo in set(repos)])), cut))
        best.sort(key=lambda each: -each[0])
        print(arm, *(f"{value:.4f} {cut}" for value, cut in best[:5]), sep="\n  ")


def report(rows: Sequence[Mapping[str, Any]]) -> None:
    arms = {"off": scores(rows, "off", ALONE), "on": scores(rows, "on", CUT)}
    for name, found in arms.items():
        means = np.array(found).mean(axis=0)
        print(f"{name:4} precision {means[0]:.3f}  recall {means[1]:.3f}  F1 {means[2]:.3f}")
    repos = np.array([row["repo"] for row in rows])
    f1 = {arm: np.array([each.f1 for each in found]) for arm, found in arms.items()}
    gain = f1["on"] - f1["off"]
    for repo in sorted(set(repos)):
        mine = repos == repo
        off, on = f1["off"][mine].mean(), f1["on"][mine].mean()
        print(f"  {repo:32}{int(mine.sum()):4} tasks  F1 off {off:.3f}  on {on:.3f}")
    chance = np.random.default_rng(20261122)
    names = sorted(set(repos))

    def tasks() -> float:
        return float(gain[chance.integers(0, len(gain), len(gain))].mean())

    def groups() -> float:
        drawn = chance.choice(names, len(names))
        return float(np.concatenate([gain[repos == name] for name in drawn]).mean())

    print(f"{len(rows)} tasks of {len(names)} repositories; on - off: {gain.mean():+.3f}")
    for what, draw in (("tasks", tasks), ("repositories", groups)):
        low, high = interval(draw)
        print(f"  95 % interval, paired bootstrap over {what}: {low:+.3f} to {high:+.3f}")
    better, worse = int((gain > 0).sum()), int((gain < 0).sum())
    print(f"  better {better}, worse {worse}, the same {len(gain) - better - worse}")


def interval(draw: Callable[[], float]) -> tuple[float, float]:
    low, high = np.quantile([draw() for _ in range(DRAWS)], [0.025, 0.975])
    return float(low), float(high)


def read(work: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(work.read_text()) if work.exists() else []
    return found


def measure(tasks: Path, repos: Path, work: Path, jobs: int) -> None:
    rows = read(work)
    done = {row["id"] for row in rows}
    cases = [c for c in read_instances(str(tasks), Mirrors(repos)).cases if c.id not in done]
    stores = work.with_suffix(".notes")
    stores.mkdir(exist_ok=True)
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        waiting = {
            pool.submit(measured, case, stores / f"{case.task.repo.replace('/', '+')}.db"): case
            for case in cases
        }
        for number, future in enumerate(as_completed(waiting), 1):
            name = waiting[future].id
            try:
                rows.append(future.result())
            except SweSleepError as error:
                print(f"{name}: {error}", flush=True)
                continue
            work.write_text(json.dumps(rows))
            print(f"{number} of {len(cases)}: {name}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    commands = parser.add_subparsers(required=True, dest="command")
    measuring = commands.add_parser("measure")
    measuring.add_argument("tasks", type=Path)
    measuring.add_argument("--repos", type=Path, required=True)
    measuring.add_argument("--work", type=Path, required=True)
    measuring.add_argument("--jobs", type=int, default=1)
    for name in ("fit", "report"):
        commands.add_parser(name).add_argument("work", type=Path)
    wanted = parser.parse_args()
    if wanted.command == "measure":
        measure(wanted.tasks, wanted.repos, wanted.work, wanted.jobs)
    elif wanted.command == "fit":
        fit(read(wanted.work))
    else:
        report(read(wanted.work))


if __name__ == "__main__":
    main()
