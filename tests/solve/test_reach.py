"""Which tests a patch can reach."""

from __future__ import annotations

from collections.abc import Iterable

from swe_sleep.records import Coverage, Outcome, Patch, TestResult
from swe_sleep.repo.diff import diff
from swe_sleep.solve.knowledge import Nothing
from swe_sleep.solve.reach import UNKNOWN, Reach, Reached

OLD = b"LIMIT = 3\n\ndef one():\n    return 1\n\ndef two():\n    return 2\n"


class Covered(Nothing):
    def coverage_of(self, paths: Iterable[str]) -> tuple[Coverage, list[TestResult]]:
        lines: dict[str, dict[str, tuple[int, ...]]] = {
            "": {"a.py": (1, 3, 6)},
            "t.py::wide": {"a.py": (4, 7), "b.py": (1, 2, 3)},
            "t.py::one": {"a.py": (4,)},
            "t.py::two": {"a.py": (7,)},
            "t.py::none": {"b.py": (1,)},
        }
        results = [TestResult(test, Outcome.PASSED, 50.0) for test in lines if test]
        return Coverage(lines), results


def patch(path: str, old: bytes | None, new: bytes | None) -> Patch:
    return Patch(diff({path: old}, {path: new}), (path,), "test")


def test_those_that_ran_a_changed_line_the_narrowest_first() -> None:
    change = patch("a.py", OLD, OLD.replace(b"return 2", b"return 3"))
    assert Reach(Covered())(change) == Reached(("t.py::two", "t.py::wide"))


def test_what_runs_at_import_is_reached_by_all_of_the_file() -> None:
    change = patch("a.py", OLD, OLD.replace(b"LIMIT = 3", b"LIMIT = 4"))
    assert set(Reach(Covered(), most_s=500)(change).tests) == {
        "t.py::one",
        "t.py::two",
        "t.py::wide",
    }


def test_what_would_take_too_long_is_left_out_and_said() -> None:
    change = patch("a.py", OLD, OLD.replace(b"LIMIT = 3", b"LIMIT = 4"))
    reached = Reach(Covered(), most_s=100)(change)
    assert len(reached.tests) == 2
    assert reached.remark.startswith("1 more tests reach")


def test_where_nothing_is_known_that_is_said() -> None:
    change = patch("a.py", OLD, OLD + b"\n")
    assert Reach(Nothing())(change) == Reached((), UNKNOWN)
    assert Reach(Nothing())(Patch("", (), "test")) == Reached()


def test_a_test_of_ones_own_is_run_whole() -> None:
    change = patch("tests/test_new.py", None, b"def test():\n    pass\n")
    assert Reach(Nothing())(change) == Reached(("tests/test_new.py",))
