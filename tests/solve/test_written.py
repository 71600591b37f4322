"""Issues that no test shows: a test is written, used by search, model and proof, and reported."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import pytest

from swe_sleep.errors import EngineLost, UsageError
from swe_sleep.records import ContextLine, Issue, Patch, Usage
from swe_sleep.repo.diff import diff
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.solve.knowledge import Nothing
from swe_sleep.solve.solve import Asks, Limits, Prove, Solve, Solved

SHOP = {
    "shop.py": (
        "def postage(total):\n    if total > 5000:\n        return 0\n    return 490\n\n\n"
        "def first(basket):\n    return basket[0]\n"
    ),
    "tests/test_shop.py": (
        "from shop import postage\n\n\ndef test_charged():\n    assert postage(4999) == 490\n\n\n"
        "def test_free():\n    assert postage(6000) == 0\n"
    ),
}
STATED = "Postage\n\n`postage(5000)` returns 490, it should return 0.\n"
CRASHES = (
    "first fails\n\n```python\n>>> from shop import first\n>>> first([])\n"
    "Traceback (most recent call last):\n  ...\nIndexError: list index out of range\n```\n"
)
MENDED = SHOP["shop.py"].replace("> 5000", ">= 5000")
HIDDEN = SHOP["shop.py"].replace(
    "    return basket[0]\n",
    "    try:\n        return basket[0]\n    except IndexError:\n        return None\n",
)


def patch_to(text: str, path: str = "shop.py") -> Patch:
    made = diff({path: SHOP[path].encode()}, {path: text.encode()})
    return Patch(made, (path,), "test", "a patch")


Go = Callable[..., Solved]


@pytest.fixture
def go(open_site: Callable[..., Any]) -> Go:
    site = open_site(SHOP)

    def run(issue: Issue, **values: Any) -> Solved:
        values.setdefault("limits", Limits(search_s=0))
        run = Solve(site.snapshot, site.sandbox, Nothing(), **values)
        try:
            return run.run(issue)
        finally:
            assert site.sandbox.changes() == {}

    return run


def gives(*patches: Patch, seen: list[Any] | None = None) -> Asks:
    """A model that has the patch, and tells what it was given."""

    def asks(
        issue: Issue,
        known: Sequence[ContextLine],
        snapshot: Snapshot,
        prove: Prove,
        known_bad: Collection[str],
    ) -> tuple[Patch, str, Usage]:
        if seen is not None:
            seen.extend((issue, known, snapshot))
        return patches[0], "Done.", Usage()

    return asks


def test_the_search_mends_what_only_the_text_shows(go: Go) -> None:
    solved = go(Issue(STATED), limits=Limits(search_s=60))
    assert solved.solved and solved.solver == "search"
    assert solved.reproduction is not None and solved.weak == ""
    assert [result.test_id for result in solved.failing] == list(solved.reproduction.test_ids)
    assert solved.patch is not None and "test_issue" not in solved.patch.diff
    assert solved.proof is not None
    assert solved.proof.after.passed == set(solved.reproduction.test_ids)
    assert len(solved.answers) == solved.plausible == len(solved.others) + 1


def test_the_model_has_the_written_test_and_its_patch_is_proven_by_it(go: Go) -> None:
    seen: list[Any] = []
    solved = go(Issue(STATED), asks=gives(patch_to(MENDED), seen=seen))
    issue, known, snapshot = seen
    assert solved.solved and solved.solver == "agent"
    made = solved.reproduction
    assert made is not None
    assert issue.test_ids == made.test_ids
    assert snapshot.read(made.path).decode() == made.source
    assert str(known[0].place) == made.path
    assert known[0].text == "written from the issue's text, fails now"


def test_a_patch_that_does_not_pass_the_written_test_is_not_offered_as_sure(go: Go) -> None:
    solved = go(Issue(STATED), asks=gives(patch_to(SHOP["shop.py"].replace("490", "480"))))
    assert not solved.solved
    assert "still fails" in solved.why
    assert solved.patch is not None  # a person may build on it


def test_what_a_model_does_to_the_written_test_is_left_out(go: Go) -> None:
    def asks(
        issue: Issue,
        known: Sequence[ContextLine],
        snapshot: Snapshot,
        prove: Prove,
        known_bad: Collection[str],
    ) -> tuple[Patch, str, Usage]:
        (name,) = {test.partition("::")[0] for test in issue.test_ids}
        before = {"shop.py": SHOP["shop.py"].encode(), name: snapshot.read(name)}
        text = diff(before, {"shop.py": MENDED.encode(), name: b"def test_it(): pass\n"})
        return Patch(text, ("shop.py", name), "test"), "Done.", Usage()

    solved = go(Issue(STATED), asks=asks)
    assert solved.solved
    assert solved.patch is not None and solved.patch.paths == ("shop.py",)


def test_what_merely_hides_the_exception_is_said_to(go: Go) -> None:
    solved = go(Issue(CRASHES), asks=gives(patch_to(HIDDEN)))
    assert solved.solved
    assert solved.weak == (
        "only that it no longer raises IndexError; it may merely hide the exception"
    )


def test_a_weak_test_does_not_keep_the_model_from_being_asked(go: Go) -> None:
    better = SHOP["shop.py"].replace("basket[0]", "next(iter(basket), None)")
    limits = Limits(search_s=60)
    solved = go(Issue(CRASHES), asks=gives(patch_to(better)), limits=limits)
    assert solved.solved and solved.solver == "agent"
    assert solved.weak == "only that it no longer raises IndexError"


def test_packaging_is_the_issues_to_ask_for(go: Go) -> None:
    both = diff(
        {"shop.py": SHOP["shop.py"].encode(), "setup.cfg": None},
        {"shop.py": MENDED.encode(), "setup.cfg": b"[tool:pytest]\naddopts = -k charged\n"},
    )
    patch = Patch(both, ("setup.cfg", "shop.py"), "test")
    solved = go(Issue(STATED), asks=gives(patch))
    assert solved.why == "the patch changes setup.cfg, which the issue does not ask for"
    asked = go(Issue(f"{STATED}\nAlso write setup.cfg."), asks=gives(patch))
    assert asked.solved


def test_where_every_place_is_closed_nothing_is_searched(go: Go) -> None:
    with pytest.raises(UsageError, match=r"uncommitted changes \(shop.py\)"):
        go(Issue(STATED), closed=["shop.py"])
    assert go(Issue(STATED), closed=["other.py"]).patch is None


def test_what_was_found_outlives_a_lost_sandbox(go: Go, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*arguments: object, **values: object) -> None:
        raise EngineLost("The engine is gone.")

    monkeypatch.setattr("swe_sleep.solve.proving.verify", lost)
    solved = go(Issue(STATED), asks=gives(patch_to(MENDED)))
    assert not solved.solved
    assert solved.patch is not None and ">= 5000" in solved.patch.diff
    assert solved.proof is None
    assert solved.why == "the patch was found, but not verified before the run ended"


def test_what_was_found_outlives_a_stop(go: Go) -> None:
    stopped: list[bool] = []

    def asks(
        issue: Issue,
        known: Sequence[ContextLine],
        snapshot: Snapshot,
        prove: Prove,
        known_bad: Collection[str],
    ) -> tuple[Patch, str, Usage]:
        stopped.append(True)
        return patch_to(MENDED), "It was stopped.", Usage()

    limits = Limits(search_s=0, stop=lambda: bool(stopped))
    solved = go(Issue(STATED), asks=asks, limits=limits)
    assert not solved.solved
    assert solved.patch is not None and ">= 5000" in solved.patch.diff
    assert [answer.standing for answer in solved.answers] == ["not verified"]
