"""The tasks that come with swe-sleep: what can be said of all without running them, and one of each
package proven. `swe-sleep tasks check` proves them all."""

from __future__ import annotations

from pathlib import Path

import pytest

from swe_sleep.evaluate.grading import hidden_files
from swe_sleep.evaluate.tasks.bundled import bundled_folder, read_bundled
from swe_sleep.evaluate.tasks.check import Request, check, gold_problems
from swe_sleep.evaluate.tasks.leaks import leaks
from swe_sleep.evaluate.tasks.task import Suite
from swe_sleep.repo.replay import COMMITTER
from swe_sleep.repo.repository import Repository

PACKAGES = sorted(each.parent.name for each in bundled_folder().glob("*/history"))


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    return read_bundled(bundled_folder(), scratch=tmp_path_factory.mktemp("bundled"))


def test_there_are_enough(suite: Suite) -> None:
    assert len(PACKAGES) >= 6
    assert len(suite.cases) >= 24
    by_package = {name: [c for c in suite.cases if c.task.repo == name] for name in PACKAGES}
    assert all(len(cases) > 1 for cases in by_package.values())
    assert {case.task.difficulty for case in suite.cases} == {"easy", "medium", "hard"}
    shared = {case.task.base_commit for case in suite.cases}
    assert len(shared) <= len(suite.cases) / 2  # sleep is shared


@pytest.mark.parametrize("package", PACKAGES)
def test_what_can_be_told_without_running(suite: Suite, package: str, tmp_path: Path) -> None:
    for number, case in enumerate(each for each in suite.cases if each.task.repo == package):
        task = case.task
        with Repository.at_commit(
            task.sources[0], task.base_commit, tmp_path / str(number)
        ) as repository:
            snapshot = repository.snapshot()
            assert gold_problems(case.answer, snapshot) == [], case.id
            hidden = hidden_files(case.answer, snapshot)
            assert leaks(case, hidden, repository, snapshot, past=True) == [], case.id
            commits = list(repository.commits())
            assert len(commits) >= 3
            assert COMMITTER[0] not in {each.author for each in commits}
            assert task.older in {each.id for each in commits[1:]}


@pytest.mark.slow
@pytest.mark.parametrize("package", PACKAGES)
def test_one_of_each_is_proven(suite: Suite, package: str) -> None:
    case = next(each for each in suite.cases if each.task.repo == package)
    found = check(Request(case, "local"), lambda line: None)
    assert found.problems == ()
    assert found.fail_to_pass
    assert found.pass_to_pass
