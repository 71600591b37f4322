"""Fault localisation against values worked out by hand."""

from __future__ import annotations

import math

import pytest

from swe_sleep.records import Coverage, Outcome, Place, Suspicion, TestResult
from swe_sleep.repair.source import Library
from swe_sleep.repair.spectrum import (
    CHANGED,
    MOST_FILES,
    SPECTRUM,
    TOLD,
    UNCHANGED,
    Counts,
    combine,
    dstar,
    localise,
    ochiai,
    tarantula,
)

CODE = b"""\
LIMIT = 3


def mid(a, b, c):
    m = c
    if b < c:
        if a < b:
            m = b
        elif a < c:
            m = b
    else:
        if a > b:
            m = b
    return m
"""


def bad(test_id: str, *frames: Place) -> TestResult:
    return TestResult(test_id, Outcome.FAILED, frames=frames)


@pytest.mark.parametrize(
    ("ef", "ep", "values"),
    [
        (2, 0, (1.0, 1.0, math.inf)),
        (2, 4, (2 / math.sqrt(2 * 6), 0.5, 1.0)),
        (1, 2, (1 / math.sqrt(2 * 3), 0.5 / (0.5 + 0.5), 1 / 3)),
        (0, 3, (0.0, 0.0, 0.0)),
    ],
)
def test_formulas(ef: int, ep: int, values: tuple[float, float, float]) -> None:
    got = tuple(f(ef, ep, 2, 4) for f in (ochiai, tarantula, dstar))
    assert got == pytest.approx(values)


def test_no_passing_tests_is_no_division_by_zero() -> None:
    assert (ochiai(1, 0, 1, 0), tarantula(1, 0, 1, 0)) == (1.0, 1.0)


def test_combined_order_and_scale() -> None:
    counts = {("m.py", 1): Counts(1, 0), ("m.py", 2): Counts(1, 3), ("m.py", 3): Counts(1, 3)}
    scores = combine(counts, 1, 3)
    assert scores["m.py", 1] == pytest.approx(1.0)
    assert scores["m.py", 2] == scores["m.py", 3] == pytest.approx(0.5)


def coverage() -> Coverage:
    """The textbook example: line 10 is wrong, only test 5 (a=2, b=1, c=3) goes through it."""
    runs = {
        "test_m.py::t1": (5, 6, 7, 9, 10, 14),
        "test_m.py::t2": (5, 6, 7, 8, 14),
        "test_m.py::t3": (5, 6, 12, 13, 14),
        "test_m.py::t5": (5, 6, 7, 9, 10, 14),
    }
    lines = {test: {"m.py": ran, "test_m.py": (1, 2)} for test, ran in runs.items()}
    return Coverage({**lines, "": {"m.py": (1, 4), "other.py": (1,)}})


PASSING = ("test_m.py::t1", "test_m.py::t2", "test_m.py::t3")


def test_the_line_only_the_failing_test_shares_comes_first() -> None:
    ranked = localise(coverage(), [bad("test_m.py::t5")], PASSING, Library({"m.py": CODE}))
    assert [s.place.line for s in ranked[:2]] == [9, 10]
    assert ranked[0].score == pytest.approx(SPECTRUM / math.sqrt(2))
    assert ranked[0].why == "run by 1 of 1 failing and 1 of 3 passing tests"
    by_line = {s.place.line: s.score for s in ranked}
    assert by_line[5] == pytest.approx(SPECTRUM / 2)
    assert by_line[1] == pytest.approx(SPECTRUM / 2)  # run at import: as if every test ran it
    assert 8 not in by_line
    assert all(s.place.path == "m.py" for s in ranked)


def test_the_frame_that_raised_and_changed_lines_count_more() -> None:
    frames = (Place("test_m.py", 2), Place("m.py", 14))
    failing = [bad("test_m.py::t5", *frames)]
    library = Library({"m.py": CODE, "test_m.py": b"a\nb\n"})
    ranked = localise(coverage(), failing, PASSING, library)
    assert ranked[0].place == Place("m.py", 14)
    assert "raised here" in ranked[0].why
    ranked = localise(coverage(), failing, PASSING, library, {"m.py": [5]})
    assert ranked[0].place == Place("m.py", 5)
    assert ranked[0].score == pytest.approx(1 - (1 - SPECTRUM / 2 * UNCHANGED) * (1 - CHANGED))


def test_what_raised_is_told_from_what_only_the_failing_test_runs_too() -> None:
    cover = Coverage({"t.py::t": {"m.py": (5, 6, 14)}, "t.py::good": {"m.py": (2,)}})
    failing = [bad("t.py::t", Place("t.py", 1), Place("m.py", 6))]
    ranked = localise(cover, failing, ["t.py::good"], Library({"m.py": CODE}))
    assert ranked[0].place.line == 6
    assert ranked[0].score > ranked[1].score


def test_the_places_that_an_issue_points_at_count_more() -> None:
    told = [Suspicion(Place("m.py", 13, 14), 1.0, "the issue points here")]
    failing, library = [bad("test_m.py::t5")], Library({"m.py": CODE})
    ranked = localise(coverage(), failing, PASSING, library, told=told)
    by_line = {s.place.line: s for s in ranked}
    assert by_line[14].score == pytest.approx(1 - (1 - SPECTRUM / 2) * (1 - TOLD))
    assert by_line[14].why.endswith("the issue points here")
    assert by_line[5].score == pytest.approx(SPECTRUM / 2)


def test_without_coverage_the_traceback_speaks() -> None:
    failing = [bad("test_m.py::t5", Place("m.py", 4), Place("m.py", 10))]
    ranked = localise(Coverage(), failing, (), Library({"m.py": CODE}))
    assert [s.place.line for s in ranked] == [10, 4]


def test_the_head_of_a_suspicious_function_is_suspicious() -> None:
    cover = Coverage({"t.py::t": {"m.py": (5, 14)}})
    ranked = localise(cover, [bad("t.py::t")], (), Library({"m.py": CODE}))
    head = next(s for s in ranked if s.place.line == 4)
    assert head.score == pytest.approx(SPECTRUM / 2)


def test_a_file_is_a_test_file_if_the_test_ids_say_so() -> None:
    cover = Coverage({"checks.py::t": {"checks.py": (1,)}})
    failing = [bad("checks.py::t")]
    assert localise(cover, failing, (), Library({"checks.py": b"x = 1\n"})) == ()


def test_the_first_to_import_a_module_is_not_blamed_on_it() -> None:
    """A module's top level runs in whichever test imports it first."""
    lazy = b"import os\n\nNAME = os.sep\n\n\ndef used():\n    return NAME\n"
    library = Library({"m.py": CODE, "lazy.py": lazy, "test_m.py": b"a\nb\n"})
    lines = {test: dict(files) for test, files in coverage().lines.items()}
    lines["test_m.py::t5"]["lazy.py"] = (1, 3, 6)
    ranked = localise(Coverage(lines), [bad("test_m.py::t5")], PASSING, library)
    assert ranked[0].place.path == "m.py"


def test_of_many_files_only_the_likeliest_are_parsed() -> None:
    sources = {f"f{n}.py": b"def f():\n    return 1\n" for n in range(3 * MOST_FILES)}
    lines = {
        "test_m.py::bad": dict.fromkeys(sources, (2,)),
        "test_m.py::good": {path: (2,) for path in sources if path != "f99.py"},
    }
    ranked = localise(
        Coverage(lines),
        [bad("test_m.py::bad", Place("f98.py", 2))],
        ["test_m.py::good"],
        Library(sources),
    )
    assert {s.place.path for s in ranked[:2]} == {"f98.py", "f99.py"}
    assert len({s.place.path for s in ranked}) == MOST_FILES
