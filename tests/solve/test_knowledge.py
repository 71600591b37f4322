"""What a run may know: fresh notes alone, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from swe_sleep.notes import kinds
from swe_sleep.notes.contents import Contents
from swe_sleep.notes.evidence import Evidence
from swe_sleep.notes.kinds import TestsOfFile
from swe_sleep.notes.store import Store
from swe_sleep.notes.view import SeenIssue, View
from swe_sleep.records import (
    AnticipatedIssue,
    ContextLine,
    Coverage,
    Note,
    Outcome,
    Place,
    State,
    Suspicion,
    TestResult,
)
from swe_sleep.repo.repository import Repository
from swe_sleep.solve.knowledge import FromNotes, Nothing, context, failing_anyway

TEST = "test_a.py::test_one"


class Site:
    """A repository of one module with one test file, and notes that the test writes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.repository = Repository.open(root)
        self.store = Store(self.repository.state_dir / "notes.db")

    def note(self, kind: str, subject: str, data: object, body: str = "said") -> None:
        snapshot = self.repository.snapshot()
        inputs: Mapping[str, str] = {path: snapshot.blob(path) for path in ("a.py", "test_a.py")}
        place = Place("a.py", 1)
        made = Note(kind, subject, body, "test@1", inputs, kinds.encode(data), (place,))
        self.store.record(notes=[made])

    def tests(self, *outcomes: Outcome, pending: tuple[str, ...] = (), problem: str = "") -> None:
        ids = [TEST, "test_a.py::test_two"]
        results = tuple(TestResult(i, o) for i, o in zip(ids, outcomes, strict=False))
        lines = {TEST: {"a.py": (1,)}}
        data = TestsOfFile(
            results,
            kinds.pack_coverage(Coverage(lines)),
            problem=problem,
            pending=pending,
            passed_with={TEST: {"a.py": self.repository.snapshot().blob("test_a.py")}},
        )
        self.note(kinds.TESTS, "test_a.py", data)

    def known(self) -> FromNotes:
        snapshot = self.repository.snapshot()
        view = View(self.store, snapshot)
        evidence = Evidence(view, snapshot, Contents(self.store, self.repository))
        return FromNotes(view, snapshot, evidence)


@pytest.fixture
def site(make_repository: Callable[..., Path]) -> Iterator[Site]:
    with ExitStack() as stack:
        site = Site(make_repository({"a.py": "x = 1\n", "test_a.py": "old = 1\n"}))
        stack.callback(site.repository.close)
        stack.callback(site.store.close)
        yield site


def test_failing_tests_with_their_coverage_and_past(site: Site) -> None:
    site.tests(Outcome.FAILED, Outcome.PASSED)

    (failing,) = site.known().failing()

    assert (failing.id, failing.covered) == (TEST, {"a.py": (1,)})
    assert site.known().old_texts([failing]) == {"a.py": b"old = 1\n"}
    coverage, results = site.known().coverage_of(["a.py"])
    assert list(coverage.lines) == [TEST]
    assert len(results) == 2


def test_nothing_stale_is_known(site: Site) -> None:
    site.tests(Outcome.FAILED, Outcome.PASSED)
    issue = AnticipatedIssue("one", State.REPRODUCED, "it fails", (TEST,))
    site.note(kinds.ISSUE, TEST, issue, "one fails")
    assert site.known().issues() and site.known().complete()
    assert site.known().search("fails", 5) and site.known().about("a.py", 5)

    (site.root / "a.py").write_text("x = 2\n")

    known = site.known()
    assert not known.failing() and not known.issues() and not known.complete()
    assert known.coverage_of(["a.py"]) == (Coverage(), [])
    assert not known.search("fails", 5) and not known.about("a.py", 5)


@pytest.mark.parametrize("pending", [TEST, "test_a.py"])
def test_pending_tests_are_not_known(site: Site, pending: str) -> None:
    site.tests(Outcome.FAILED, Outcome.PASSED, pending=(pending,))

    assert not site.known().failing()
    assert not site.known().complete()
    assert len(site.known().coverage_of(["a.py"])[1]) == (1 if pending == TEST else 0)


def test_file_that_could_not_be_run_whole_is_not_complete(site: Site) -> None:
    site.tests(Outcome.PASSED, problem="stopped")

    assert not site.known().complete()


def test_suspicions_are_no_proven_issues(site: Site) -> None:
    site.note(kinds.ISSUE, "a.py", AnticipatedIssue("maybe", State.SUSPECTED, "who knows"))

    assert not site.known().issues()


def test_lines_for_a_prompt_have_a_place_and_say_how_sure_they_are(site: Site) -> None:
    issue = AnticipatedIssue(
        "one",
        State.REPRODUCED,
        "AssertionError: assert 1 == 2",
        (TEST,),
        (Suspicion(Place("a.py", 1), 0.9, "every failing test runs it"),),
        (Place("a.py", 1),),
    )
    site.note(kinds.ISSUE, TEST, issue)

    lines = context(site.known().issues())

    assert [(line.place, line.standing) for line in lines] == [
        (Place("test_a.py"), "proven"),
        (Place("a.py", 1), "proven"),
        (Place("a.py", 1), "suspicion"),
    ]
    assert lines[0].text == f"{TEST} fails: AssertionError: assert 1 == 2"
    many: list[SeenIssue] = [*site.known().issues()] * 20
    assert len(context(many)) == 12


def test_likely_places_are_those_that_it_was_given(site: Site) -> None:
    snapshot = site.repository.snapshot()
    view = View(site.store, snapshot)
    evidence = Evidence(view, snapshot, Contents(site.store, site.repository))
    known = FromNotes(view, snapshot, evidence, lambda text: [ContextLine(Place("a.py", 1), text)])

    assert known.located("x is 1") == [ContextLine(Place("a.py", 1), "x is 1")]
    assert not site.known().located("x is 1")


def test_cold_run_knows_nothing() -> None:
    nothing = Nothing()

    assert not (nothing.issues() or nothing.failing() or nothing.complete())
    assert nothing.coverage_of(["a.py"]) == (Coverage(), [])
    assert nothing.old_texts([]) == {}
    assert not (nothing.search("x", 1) or nothing.about("x", 1) or nothing.located("a.py"))


def test_the_length_of_the_suite_is_judged_by_what_ran(site: Site) -> None:
    assert site.known().suite_s() is None
    results = tuple(TestResult(f"test_a.py::t{n}", Outcome.PASSED, 2.0) for n in range(3))
    site.note(kinds.TESTS, "test_a.py", TestsOfFile(results))
    assert site.known().suite_s() == 6.0
    assert site.known().complete()
    site.note(kinds.TESTS, "test_a.py", TestsOfFile(results, pending=("test_a.py::t3",)))
    assert site.known().suite_s() == 8.0
    assert not site.known().complete()
    (site.root / "test_b.py").write_text("def test(): pass\n")
    assert site.known().suite_s() == 16.0


def test_what_fails_anyway_has_a_line_a_file() -> None:
    tests = [*(f"test_b.py::test_{n}" for n in range(5)), "test_a.py", "c/test_c.py::test_x[1]"]

    lines = failing_anyway(tests)

    assert [str(line.place) for line in lines] == ["c/test_c.py", "test_a.py", "test_b.py"]
    assert lines[0].text == "fails without any change too: test_x[1]"
    assert lines[2].text == "fails without any change too: test_0, test_1, test_2 and 2 more"
    assert len(failing_anyway(f"test_{n}.py" for n in range(9))) == 5
