"""Tests that came with a patch, and what they prove of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import pytest

from swe_sleep.records import ContextLine, Issue, Patch, Proof, Usage
from swe_sleep.repo.diff import diff
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.solve.knowledge import Nothing
from swe_sleep.solve.own_tests import failing_before, split
from swe_sleep.solve.solve import Prove, Solve
from swe_sleep.testing.tests import Tests

SHOP = {
    "shop.py": b"def total(prices):\n    return sum(prices) + 1\n",
    "tests/test_shop.py": (
        b"from shop import total\n\n\ndef test_type():\n    assert isinstance(total([1]), int)\n"
    ),
    "conftest.py": b"",
}
MENDED = b"def total(prices):\n    return sum(prices)\n"
TEST = b"from shop import total\n\n\ndef test_total():\n    assert total([1, 2]) == %d\n"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("shop.py", "source"),
        ("setup.py", "source"),
        ("tests/data.json", "tests"),
        ("tests/conftest.py", "tests"),
        ("tests/test_new.py", "runnable"),
        ("test_issue.py", "runnable"),
        ("docs/latest.py", "source"),
    ],
)
def test_files_are_told_apart_by_their_names(open_site: Any, path: str, kind: str) -> None:
    snapshot: Snapshot = open_site(SHOP).snapshot
    found = split({path: b""}, snapshot)
    assert (path in found.source) is (kind == "source")
    assert (path in found.tests) is (kind != "source")
    assert (path in found.runnable) is (kind == "runnable")
    assert not split({path: None}, snapshot).runnable


def test_what_fails_without_the_patch_shows_the_issue(open_site: Any) -> None:
    site = open_site(SHOP)
    both = TEST % 3 + b"\n\ndef test_nothing():\n    pass\n"
    own = split({"shop.py": MENDED, "tests/test_new.py": both}, site.snapshot)
    run = failing_before(Tests(site.sandbox), own)
    assert [result.test_id for result in run.results] == ["tests/test_new.py::test_total"]
    assert site.sandbox.changes() == {}
    known = {"tests/test_new.py::test_total"}
    assert not failing_before(Tests(site.sandbox), own, known_bad=known).results


@pytest.mark.parametrize(
    ("files", "before", "holds"),
    [
        ({"shop.py": MENDED, "tests/test_new.py": TEST % 3}, ["tests/test_new.py::test_total"], 1),
        ({"shop.py": MENDED, "tests/test_new.py": TEST % 7}, ["tests/test_new.py::test_total"], 0),
        ({"shop.py": MENDED, "tests/test_new.py": TEST % 4}, [], 0),
        ({"shop.py": MENDED}, [], 1),
    ],
    ids=["shows it", "wrong", "passes before", "none"],
)
def test_the_proof_takes_them_in_where_nothing_else_shows_the_issue(
    open_site: Callable[..., Any], files: Mapping[str, bytes], before: Sequence[str], holds: int
) -> None:
    site = open_site(SHOP)
    text = diff({path: SHOP.get(path) for path in files}, files)

    def asks(
        issue: Issue,
        known: Sequence[ContextLine],
        snapshot: Snapshot,
        prove: Prove,
        known_bad: Collection[str],
    ) -> tuple[Patch, str, Usage]:
        return Patch(text, tuple(files), "test"), "Done.", Usage()

    solved = Solve(site.snapshot, site.sandbox, Nothing(), asks=asks).run(Issue("One too many."))
    proof: Proof | None = solved.proof
    assert proof is not None
    assert [result.test_id for result in proof.before.results] == before
    assert proof.holds is bool(holds)
    assert solved.patch is not None
    assert set(solved.patch.paths) == set(files), "the tests stay in the patch"
