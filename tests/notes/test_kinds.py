from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from swe_sleep.notes import kinds
from swe_sleep.records import (
    AnticipatedIssue,
    Coverage,
    Outcome,
    Patch,
    Place,
    Proof,
    State,
    Suspicion,
    TestResult,
    TestRun,
)

LINES = st.lists(st.integers(1, 5000), min_size=1, unique=True).map(lambda ns: tuple(sorted(ns)))
FILES = st.dictionaries(st.text(min_size=1), LINES, max_size=4)


@given(st.dictionaries(st.text(), FILES, max_size=5))
def test_coverage_survives_packing(lines: dict[str, dict[str, tuple[int, ...]]]) -> None:
    assert kinds.unpack_coverage(kinds.pack_coverage(Coverage(lines))).lines == lines


def test_nothing_packed_is_no_coverage() -> None:
    assert kinds.unpack_coverage(b"") == Coverage()


def test_an_issue_survives_its_note() -> None:
    result = TestResult("t.py::t", Outcome.FAILED, 0.1, "AssertionError", (Place("a.py", 3),))
    run = TestRun((result,), 1.0, coverage=Coverage({"t.py::t": {"a.py": (1, 2)}}))
    issue = AnticipatedIssue(
        title="Totals are wrong",
        state=State.PATCHED,
        symptom="assert 3 == 4",
        tests=("t.py::t",),
        suspicions=(Suspicion(Place("a.py", 3), 0.7, "ran only when it failed"),),
        cause=(Place("a.py", 3, 4),),
        patches=(Patch("--- a\n", ("a.py",), "repair"),),
        proof=Proof(run, run),
    )
    assert kinds.decode(kinds.encode(issue), AnticipatedIssue) == issue
