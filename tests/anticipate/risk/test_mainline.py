"""Reading the main line of a history: what each step changed, and whether it mends something."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swe_sleep.anticipate.risk.fixes import says_fix
from swe_sleep.anticipate.risk.mainline import ADDED, REMOVED, Mainline, read
from swe_sleep.repo.plumbing import Git


def line_of(root: Path, revision: str = "HEAD", **more: Any) -> Mainline:
    git = Git(root / ".git", root)
    head = git.run("rev-parse", revision).decode().strip()
    return read(git, head, ["py"], limit=more.pop("limit", 100), **more)


@pytest.mark.parametrize(
    ("title", "body", "mends"),
    [
        ("Fix crash on empty input (#12)", "", True),
        ("Fixed #12 -- wrong rounding", "", True),
        ("Handle missing key error", "", True),
        ("Fix typo in the docs", "", False),
        ("fix mypy lint", "", False),
        ("Add support for widgets", "Closes #12", False),
        ("Rounding of totals", "Fixed a bug where totals were cut.", True),
        ("Revert 'Fix crash'", "", False),
        ("Bump fixtures from 1 to 2", "", False),
    ],
)
def test_what_says_that_it_mends(title: str, body: str, mends: bool) -> None:
    assert says_fix(title, body) is mends


def test_steps_tell_code_from_looks(write_history: Callable[..., Path]) -> None:
    root = write_history(
        [
            (10, "ann", "Begin", {"a.py": "x = 'one'\ny = 2\n", "note.txt": "n\n"}),
            (20, "bob", "Quotes", {"a.py": 'x = "one"\ny = 2\n'}),
            (30, "bob", "Comment", {"a.py": 'x = "one"\n# so\ny = 2\n'}),
            (40, "bob", "Fix wrong y", {"a.py": 'x = "one"\n# so\ny = 3\n'}),
            (50, "bob", "Only prose", {"note.txt": "m\n"}),
            (60, "ann", "Move", {"a.py": None, "pkg/b.py": 'x = "one"\n# so\ny = 3\n'}),
        ]
    )
    steps = line_of(root).steps
    assert [step.title for step in steps] == ["Begin", "Quotes", "Comment", "Fix wrong y", "Move"]
    weights = [[(h[ADDED], h[REMOVED]) for _, _, _, hunks in s.files for h in hunks] for s in steps]
    assert weights == [[(2, 0)], [(0, 0)], [(0, 0)], [(1, 1)], []]
    assert [step.fix for step in steps] == [False, False, False, True, False]
    assert steps[3].author == "bob@example.org"
    assert steps[4].files == [("pkg/b.py", "a.py", "R", [])]


def test_a_merge_is_one_step_told_by_what_it_brought(
    make_repository: Callable[..., Path], git: Callable[..., str]
) -> None:
    root = make_repository({"a.py": "x = 1\n"})
    git(root, "switch", "-qc", "work")
    for n, said in enumerate(("Fix crash of x", "Fix wrong x again")):
        (root / "a.py").write_text(f"x = {n + 5}\n")
        git(root, "commit", "-qam", said, "--author", "Eve <eve@example.org>")
    git(root, "switch", "-q", "main")
    git(root, "merge", "-q", "--no-ff", "-m", "Merge branch 'work'", "work")
    last = line_of(root).steps[-1]
    assert (last.fix, last.author) == (True, "eve@example.org")
    assert [path for path, *_ in last.files] == ["a.py"]
    assert len(line_of(root).steps) == 2


def test_what_is_known_is_not_read_again(
    write_history: Callable[..., Path], living: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_history(living)
    whole = line_of(root)
    earlier = line_of(root, "HEAD~20")
    asked: list[tuple[str, ...]] = []
    start = Git.start

    def told(git: Git, *arguments: str, **more: Any) -> Any:
        asked.append(arguments)
        return start(git, *arguments, **more)

    monkeypatch.setattr(Git, "start", told)
    assert line_of(root, known=Mainline.decode(earlier.encode())) == whole
    logs = [arguments for arguments in asked if "log" in arguments]
    assert len(logs) == 2
    assert all(f"^{earlier.head}" in arguments for arguments in logs)
    asked.clear()
    assert line_of(root, known=whole) == whole
    assert not [arguments for arguments in asked if "-p" in arguments and "-U0" not in arguments]


def test_a_rewritten_past_keeps_what_still_leads_there(
    write_history: Callable[..., Path], living: list[Any], git: Callable[..., str]
) -> None:
    root = write_history(living)
    known = line_of(root)
    git(root, "reset", "-q", "--hard", "HEAD~10")
    (root / "app" / "hot.py").write_text("def sore(value):\n    return value\n")
    git(root, "commit", "-qam", "Start over")
    assert line_of(root, known=known) == line_of(root)
