"""The flow from an issue to a verified patch, with notes and without."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from swe_sleep.config import load
from swe_sleep.errors import SnapshotChanged, UnknownTest, UsageError
from swe_sleep.notes.contents import Contents
from swe_sleep.notes.evidence import Evidence
from swe_sleep.notes.store import Store
from swe_sleep.notes.view import SeenIssue, View
from swe_sleep.records import ContextLine, Issue, Patch, Place, Usage
from swe_sleep.repo.repository import Repository
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox.local import LocalBackend
from swe_sleep.sandbox.protocol import Sandbox
from swe_sleep.sleep.engine import Pass
from swe_sleep.sleep.passes.diagnose import DiagnosePass
from swe_sleep.sleep.passes.outline import OutlinePass
from swe_sleep.sleep.passes.speculate import SpeculatePass
from swe_sleep.sleep.passes.tests import TestsPass
from swe_sleep.sleep.sleeper import Sleeper
from swe_sleep.solve.knowledge import FromNotes, Knowledge, Nothing
from swe_sleep.solve.solve import Asks, Limits, Prove, Solve, Solved
from swe_sleep.wiring.asking import Asking

FILES = {
    "till.py": (
        "def is_full(prices, limit=3):\n    return len(prices) >= limit\n\n\n"
        "def total(prices):\n    return sum(prices)\n"
    ),
    "test_till.py": (
        "import pytest\n\nfrom till import is_full, total\n\n\n"
        "@pytest.mark.parametrize('count', [3, 4])\n"
        "def test_full_basket(count):\n    assert is_full([1] * count)\n\n\n"
        "def test_empty_basket():\n    assert not is_full([])\n\n\n"
        "def test_total():\n    assert total([1, 2]) == 3\n"
    ),
}
FULL = "test_till.py::test_full_basket[3]"
REPORT = "A full basket of three is not full: is_full says False for a count of 3."
DIAGNOSING: Sequence[Pass] = (OutlinePass(), TestsPass(), DiagnosePass())
ALL: Sequence[Pass] = (*DIAGNOSING, SpeculatePass())


class Till:
    """A repository whose `>=` became `>`, uncommitted, as sleep and solve see it."""

    def __init__(self, root: Path, backend: LocalBackend) -> None:
        self.root, self.backend = root, backend
        self.repository = Repository.open(root)
        self.store = Store(self.repository.state_dir / "notes.db")
        self.said: list[str] = []

    def edit(self, before: str, after: str) -> None:
        file = self.root / "till.py"
        assert before in file.read_text()
        file.write_text(file.read_text().replace(before, after))

    def sleep(self, passes: Sequence[Pass]) -> None:
        settings = load(flags={"sleep.speculate_s": 90})
        sleeper = Sleeper(self.repository, self.store, settings, self.backend, passes)
        assert not sleeper.sleep(self.repository.snapshot()).problems

    def knowledge(
        self, locate: Callable[[str], Sequence[ContextLine]] = lambda text: ()
    ) -> FromNotes:
        snapshot = self.repository.snapshot()
        view = View(self.store, snapshot)
        evidence = Evidence(view, snapshot, Contents(self.store, self.repository))
        return FromNotes(view, snapshot, evidence, locate)

    def solve(
        self,
        issue: Issue,
        knowledge: Knowledge | None = None,
        *,
        asks: Asks | None = None,
        limits: Limits | None = None,
    ) -> Solved:
        """With the notes, or with what is given."""
        limits = limits or Limits(search_s=120)
        with self.open() as sandbox:
            run = Solve(
                self.repository.snapshot(),
                sandbox,
                knowledge or self.knowledge(),
                asks=asks,
                limits=limits,
                progress=self.said.append,
            )
            solved = run.run(issue)
            assert sandbox.changes() == {}
        return solved

    def open(self, snapshot: Snapshot | None = None) -> Sandbox:
        snapshot = snapshot or self.repository.snapshot()
        environment = self.backend.prepare(snapshot, progress=lambda line: None)
        return self.backend.open(snapshot, environment)

    def close(self) -> None:
        self.store.close()
        self.repository.close()


@pytest.fixture
def till(make_repository: Callable[..., Path], backend: LocalBackend) -> Iterator[Till]:
    with ExitStack() as stack:
        till = Till(make_repository(FILES), backend)
        stack.callback(till.close)
        yield till


@pytest.fixture
def broken(till: Till) -> Till:
    till.edit(">= limit", "> limit")
    return till


class WithPatches:
    """Notes whose prepared patches are others."""

    def __init__(self, knowledge: FromNotes, diff: str) -> None:
        self._knowledge, self._diff = knowledge, diff

    def __getattr__(self, name: str) -> Any:
        return getattr(self._knowledge, name)

    def issues(self) -> list[SeenIssue]:
        patch = Patch(self._diff, ("till.py",), "test", "another patch")
        return [
            dataclasses.replace(each, issue=dataclasses.replace(each.issue, patches=(patch,)))
            for each in self._knowledge.issues()
        ]


def mended(solved: Solved) -> bool:
    return (
        solved.solved
        and solved.patch is not None
        and "+    return len(prices) >= limit" in solved.patch.diff
    )


def test_prepared_patch_is_verified_and_offered(broken: Till) -> None:
    broken.sleep(ALL)
    before = (broken.root / "till.py").read_bytes()

    solved = broken.solve(Issue(REPORT))

    assert mended(solved)
    assert solved.solver == "prepared"
    assert solved.notes
    assert (solved.usage.candidates, solved.usage.test_runs) == (0, 3)
    assert solved.proof is not None
    assert solved.proof.before.bad == solved.proof.after.passed == {FULL}
    assert solved.proof.suite is not None and len(solved.proof.suite.passed) == 4
    assert (broken.root / "till.py").read_bytes() == before


@pytest.mark.parametrize(
    ("before", "after"),
    [("not there", "at all"), ("return len(prices) > limit", "return len(prices) != limit")],
    ids=["does not apply", "does not pass"],
)
def test_prepared_patch_that_is_refused_falls_back_to_the_search(
    broken: Till, before: str, after: str
) -> None:
    broken.sleep(DIAGNOSING)
    diff = (
        "diff --git a/till.py b/till.py\n--- a/till.py\n+++ b/till.py\n@@ -2 +2 @@\n"
        f"-    {before}\n+    {after}\n"
    )
    knowledge: Any = WithPatches(broken.knowledge(), diff)

    solved = broken.solve(Issue(REPORT), knowledge)

    assert "verifying the prepared patch: another patch" in broken.said
    assert mended(solved)
    assert solved.solver == "search"


def test_search_takes_the_coverage_from_the_notes(broken: Till) -> None:
    broken.sleep(DIAGNOSING)

    solved = broken.solve(Issue(REPORT))

    assert mended(solved) and solved.solver == "search"
    assert solved.notes
    assert not any("running" in line and "suite to see" in line for line in broken.said)
    assert not any("measured" in line for line in broken.said)


def test_flaky_tests_of_the_notes_are_told_apart(broken: Till) -> None:
    """It fails at every second time, and so at first with the patch."""
    (broken.root / "test_flaky.py").write_text(
        "import pathlib, tempfile\n\n\ndef test_every_second_time():\n"
        "    mark = pathlib.Path(tempfile.gettempdir(), 'turns')\n"
        "    turns = len(mark.read_text()) if mark.exists() else 0\n"
        "    mark.write_text('x' * (turns + 1))\n    assert turns % 2\n"
    )
    broken.sleep(DIAGNOSING)
    name = "test_flaky.py::test_every_second_time"
    assert broken.knowledge().flaky() == {name}

    solved = broken.solve(Issue(REPORT), limits=Limits(search_s=60))

    assert mended(solved)
    assert solved.proof is not None and solved.proof.suite is not None
    assert solved.proof.flaky == ((name,) if name in solved.proof.suite.bad else ())
    assert solved.proof.broken == solved.proof.known_failures == ()


def test_cold_run_finds_out_what_fails_by_itself(broken: Till) -> None:
    solved = broken.solve(Issue(REPORT), Nothing())

    assert mended(solved) and solved.solver == "search"
    assert "running the whole suite to see what fails" in broken.said
    assert solved.notes == ()
    assert [result.test_id for result in solved.failing] == [FULL]


@pytest.mark.parametrize("notes", [True, False], ids=["notes", "cold"])
@pytest.mark.parametrize("name", [FULL, "test_till.py::test_full_basket", "test_till.py"])
def test_named_by_test_function_or_file(broken: Till, name: str, notes: bool) -> None:
    if notes:
        broken.sleep(DIAGNOSING)

    knowledge = None if notes else Nothing()
    solved = broken.solve(Issue(test_ids=(name,)), knowledge, limits=Limits(search_s=0.01))

    assert [result.test_id for result in solved.failing] == [FULL]


def test_unknown_test(till: Till) -> None:
    with pytest.raises(UnknownTest, match="There is no test"):
        till.solve(Issue(test_ids=("test_till.py::test_totl",)))


def test_passing_test(till: Till) -> None:
    with pytest.raises(UsageError, match="nothing to mend"):
        till.solve(Issue(test_ids=("test_till.py::test_total",)))


@pytest.mark.parametrize("notes", [True, False], ids=["notes", "cold"])
def test_text_about_something_else_gets_no_answer(broken: Till, notes: bool) -> None:
    if notes:
        broken.sleep(DIAGNOSING)
    issue = Issue("The login page crashes when a password holds unicode characters.")

    solved = broken.solve(issue, None if notes else Nothing())

    assert not solved.solved and solved.patch is None
    assert solved.why.startswith("1 test fails, but it does not seem to be about this issue")


@pytest.mark.parametrize("notes", [True, False], ids=["notes", "cold"])
def test_text_while_nothing_fails(till: Till, notes: bool) -> None:
    if notes:
        till.sleep(DIAGNOSING)

    solved = till.solve(Issue(REPORT), None if notes else Nothing())

    assert not solved.solved
    assert solved.why.startswith("no failing test shows this issue")
    assert solved.usage.test_runs == (0 if notes else 1)


def test_search_that_finds_nothing_says_so(till: Till) -> None:
    till.edit("return sum(prices)", "raise RuntimeError('closed')")
    till.sleep([OutlinePass(), TestsPass()])
    issue = Issue(test_ids=("test_till.py::test_total",))

    solved = till.solve(issue, limits=Limits(search_s=0.01))

    assert not solved.solved
    assert "no plausible patches" in solved.why


def test_model_is_asked_with_what_the_notes_know(
    broken: Till, messages_api: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "test-key-of-no-one")
    settings = load(flags={"model.base_url": messages_api.url})
    broken.sleep(DIAGNOSING)
    asks = Asking(settings, broken.knowledge(), broken.open, tmp_path / "runs", broken.said.append)
    messages_api.reply(
        messages_api.call(
            "str_replace_based_edit_tool",
            command="str_replace",
            path="till.py",
            old_str="> limit",
            new_str=">= limit",
        )
    )
    messages_api.reply(messages_api.call("submit", summary="Full at the limit."))

    solved = broken.solve(Issue(REPORT), asks=asks, limits=Limits(search_s=0.0))

    assert mended(solved) and solved.solver == "agent"
    assert solved.proof is not None and solved.proof.after.passed == {FULL}
    assert solved.usage.tokens > 0
    first = str(messages_api.requests[0].body["messages"])
    assert f"{FULL} fails" in first
    assert "till.py:2" in first


@pytest.mark.parametrize(
    ("issue", "asked_for"),
    [(Issue(REPORT), REPORT), (Issue(test_ids=(FULL,)), "till.py"), (Issue("?", (FULL,)), "?")],
    ids=["text", "test", "both"],
)
def test_model_is_told_likely_places_after_what_is_proven(
    broken: Till, issue: Issue, asked_for: str
) -> None:
    broken.sleep(DIAGNOSING)
    asked: list[str] = []
    told: list[ContextLine] = []
    line = ContextLine(Place("till.py", 1, 2), "likely to be touched", "suspicion")

    def locate(text: str) -> Sequence[ContextLine]:
        asked.append(text)
        return [line]

    def asks(
        issue: Issue,
        known: Sequence[ContextLine],
        snapshot: Snapshot,
        prove: Prove,
        known_bad: Collection[str],
    ) -> tuple[Patch, str, Usage]:
        told.extend(known)
        return Patch("", (), "test"), "No idea.", Usage()

    broken.solve(issue, broken.knowledge(locate), asks=asks, limits=Limits(search_s=0.0))

    (text,) = asked
    assert asked_for in text
    assert told[0].standing == "proven"
    assert told[-1] == line


@pytest.mark.parametrize("notes", [True, False], ids=["notes", "cold"])
def test_model_is_told_what_fails_anyway(broken: Till, notes: bool) -> None:
    (broken.root / "test_data.py").write_text("open('data-that-is-missing')\n")
    told: list[ContextLine] = []
    if notes:
        broken.sleep(DIAGNOSING)

    def asks(
        issue: Issue,
        known: Sequence[ContextLine],
        snapshot: Snapshot,
        prove: Prove,
        known_bad: Collection[str],
    ) -> tuple[Patch, str, Usage]:
        told.extend(known)
        return Patch("", (), "test"), "No idea.", Usage()

    known = broken.knowledge() if notes else Nothing()
    broken.solve(Issue(REPORT), known, asks=asks, limits=Limits(search_s=0.0))

    anyway = [str(line.place) for line in told if "without any change" in line.text]
    assert anyway == ["test_data.py"]


def test_model_is_asked_though_the_places_cannot_be_looked_for(broken: Till) -> None:
    def locate(text: str) -> Sequence[ContextLine]:
        raise SnapshotChanged("till.py has moved on.")

    def asks(
        issue: Issue,
        known: Sequence[ContextLine],
        snapshot: Snapshot,
        prove: Prove,
        known_bad: Collection[str],
    ) -> tuple[Patch, str, Usage]:
        return Patch("", (), "test"), "No idea.", Usage()

    knowledge = broken.knowledge(locate)
    solved = broken.solve(Issue("?"), knowledge, asks=asks, limits=Limits(search_s=0.0))

    assert solved.why == "No idea."
    assert "the place of the issue could not be looked for: till.py has moved on." in broken.said


def test_model_without_a_price_is_asked_once_a_list_has_one(
    broken: Till, messages_api: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "test-key-of-no-one")
    own = tmp_path / "prices.toml"
    own.write_text(
        '[[price]]\nmodels = ["house"]\ninput = 1\ncache_write = 1\ncache_read = 1\noutput = 1\n'
    )
    flags = {"model.base_url": messages_api.url, "model.name": "house"}
    twice = [messages_api.call("submit", summary="Nothing to do.") for _ in range(2)]
    messages_api.reply(*twice)  # the test still fails, and the first is told so
    said = []
    for more in ({}, {"model.prices": str(own)}):
        asks = Asking(
            load(flags=flags | more), Nothing(), broken.open, tmp_path / "runs", broken.said.append
        )
        solved = broken.solve(
            Issue(test_ids=(FULL,)), Nothing(), asks=asks, limits=Limits(search_s=0.0)
        )
        said.append(solved.why)

    assert "SWE_SLEEP_MODEL__PRICES" in said[0] and said[1] == "Nothing to do."


def test_patch_of_the_model_that_breaks_a_test_is_shown_but_not_solved(
    broken: Till, messages_api: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "test-key-of-no-one")
    settings = load(flags={"model.base_url": messages_api.url})
    asks = Asking(settings, Nothing(), broken.open, tmp_path / "runs", broken.said.append)
    messages_api.reply(
        messages_api.call(
            "str_replace_based_edit_tool",
            command="str_replace",
            path="till.py",
            old_str="len(prices) > limit",
            new_str="True",
        )
    )
    messages_api.reply(messages_api.call("submit", summary="Always full."))

    limits = Limits(search_s=0.0)
    solved = broken.solve(Issue(test_ids=(FULL,)), Nothing(), asks=asks, limits=limits)

    assert not solved.solved and solved.patch is not None
    assert solved.why == "it breaks test_till.py::test_empty_basket"


def test_a_suite_longer_than_its_limit_is_not_begun_and_that_is_said(
    broken: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken.sleep(ALL)
    monkeypatch.setattr(FromNotes, "suite_s", lambda knowledge: 1000.0)

    solved = broken.solve(Issue(REPORT))

    assert mended(solved)
    assert solved.proof is not None and solved.proof.suite is None
    assert "it would take about 17 min, and the limit is 180 s" in solved.remark
