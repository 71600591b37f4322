"""Which tests a change reaches, and in which order."""

from __future__ import annotations

from swe_sleep.records import Coverage
from swe_sleep.testing.impact import Changed, Impacted, Reach, impacted_tests

# shop.py: 1 import, 3-6 def total (lines 4-6 its body), 8-9 def other, 11 CONSTANT
COVERAGE = Coverage(
    {
        "": {"shop.py": (1, 3, 8, 11), "tests/test_a.py": (1, 2)},
        "tests/test_a.py::test_line": {"shop.py": (4, 5), "tests/test_a.py": (3,)},
        "tests/test_a.py::test_both": {"shop.py": (4, 5, 6), "lib.py": (1, 2, 3)},
        "tests/test_a.py::test_same_function": {"shop.py": (4,)},
        "tests/test_a.py::test_same_file": {"shop.py": (9,)},
        "tests/test_b.py::test_elsewhere": {"lib.py": (2,)},
    }
)
TEST_FILES = {
    "tests/test_a.py": [
        "tests/test_a.py::test_line",
        "tests/test_a.py::test_both",
        "tests/test_a.py::test_same_function",
        "tests/test_a.py::test_same_file",
    ],
    "tests/test_b.py": ["tests/test_b.py::test_elsewhere"],
    "tests/deep/test_c.py": ["tests/deep/test_c.py::test_never_run"],
}
IMPORTERS = {"shop.py": ("tests/test_a.py", "lib.py", "tests/deep/test_c.py")}


def function_of(path: str, line: int) -> tuple[int, int] | None:
    return next((s for s in ((3, 6), (8, 9)) if s[0] <= line <= s[1]), None)


def impacted(changed: Changed) -> list[tuple[str, Reach]]:
    found = impacted_tests(
        changed, COVERAGE, TEST_FILES, lambda path: IMPORTERS.get(path, ()), function_of
    )
    return [(i.test_id.rpartition("::")[2], i.reach) for i in found]


def test_a_changed_body_reaches_who_ran_it_first() -> None:
    assert impacted({"shop.py": {5, 6}}) == [
        ("test_both", Reach.LINE),
        ("test_line", Reach.LINE),
        ("test_same_function", Reach.FUNCTION),
        ("test_same_file", Reach.FILE),
        ("test_never_run", Reach.IMPORT),
    ]


def test_of_two_that_run_a_line_the_smaller_is_first() -> None:
    assert [name for name, _ in impacted({"shop.py": {5}})][:2] == ["test_line", "test_both"]


def test_what_runs_at_import_reaches_all_who_run_or_import_the_file() -> None:
    for lines in ({11}, {3}, {10}, None):
        reached = impacted({"shop.py": lines})
        assert {name for name, _ in reached} == {
            "test_line", "test_both", "test_same_function", "test_same_file", "test_never_run",
        }  # fmt: skip
        assert ("test_never_run", Reach.MODULE) in reached
        assert Reach.FILE not in {reach for _, reach in reached}


def test_test_files_and_conftests_reach_their_own_tests() -> None:
    assert impacted({"tests/test_b.py": {1}}) == [("test_elsewhere", Reach.ITSELF)]
    assert impacted({"tests/deep/conftest.py": {1}}) == [("test_never_run", Reach.ITSELF)]
    assert len(impacted({"conftest.py": None})) == 6


def test_an_unknown_file_reaches_nothing() -> None:
    assert impacted({"README.md": None}) == []
    assert impacted({}) == []


def test_the_reason_is_said() -> None:
    found = impacted_tests({"shop.py": {5}}, COVERAGE, TEST_FILES, lambda path: (), function_of)
    assert found[0] == Impacted("tests/test_a.py::test_line", Reach.LINE, "runs shop.py:5")
