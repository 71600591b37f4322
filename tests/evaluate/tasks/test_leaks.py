"""That nothing a solver sees gives a hidden test away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from swe_sleep.evaluate.tasks.bundled import read_bundled
from swe_sleep.evaluate.tasks.leaks import functions, leaks, plain
from swe_sleep.repo.repository import Repository

HIDDEN = "tests/test_hidden_twice.py"
LONG = """\
from counter import twice


def test_of_several():
    for number in (1, 2, 3, 4):
        expected = number + number
        assert twice(number) == expected
"""
COPIED = """\
import counter


class TestCounter:
    def test_of_another_name(self):
        for number in (1, 2, 3, 4):

            expected = number + number
            assert twice(number) == expected
"""


@pytest.fixture
def found(built: Path, tasks: Any, tmp_path: Path) -> Callable[..., list[str]]:
    """`found(...)` is what the task gives away."""

    def run(
        hidden: Mapping[str, str] | None = None, text: str = "", *, past: bool = True
    ) -> list[str]:
        (case,) = read_bundled(tasks.folder, scratch=built).cases
        if text:
            case = replace(case, task=replace(case.task, text=text))
        files = {path: content.encode() for path, content in (hidden or {HIDDEN: LONG}).items()}
        folder = tmp_path / f"opened{len(list(tmp_path.iterdir()))}"
        source, commit = case.task.sources[0], case.task.base_commit
        with Repository.at_commit(source, commit, folder) as repository:
            return leaks(case, files, repository, repository.snapshot(), past=past)

    return run


def rewrite(tasks: Any, number: str, old: str, new: str) -> None:
    patch = next((tasks.package / "history").glob(f"{number}-*"))
    text = patch.read_text("utf-8")
    assert old in text
    patch.write_text(text.replace(old, new, 1), "utf-8")


def test_nothing_is_given_away(found: Callable[..., list[str]]) -> None:
    assert found() == []


def test_by_the_issue(found: Callable[..., list[str]]) -> None:
    assert found(text="see test_of_several") == ["the issue names the hidden test_of_several"]
    assert found(text=f"add {HIDDEN}") == [f"the issue names the hidden {HIDDEN}"]
    told = f"# Wrong\n\nThis fails:\n\n{LONG.partition('def ')[2].partition(chr(10))[2]}"
    assert found(text=told) == ["the issue has the text of the hidden test_of_several"]
    assert found(text="test_of_several_things is another word") == []


def test_by_the_message_of_a_commit(found: Callable[..., list[str]], tasks: Any) -> None:
    rewrite(tasks, "0003", "Add twice", "Add twice, and test_of_several later")
    (said,) = found()
    assert said.startswith("the message of ")
    assert said.endswith(" names the hidden test_of_several")
    assert found(past=False) == []


def test_by_its_text_under_another_name(
    found: Callable[..., list[str]], tasks: Any, write_history: Any
) -> None:
    for file in (tasks.package / "history").iterdir():
        file.unlink()
    story = (
        ("Begin", {"counter/__init__.py": "def twice(n):\n    return n + 2\n"}),
        ("Test it", {"tests/test_all.py": COPIED}),
        ("Think again", {"tests/test_all.py": "def test_nothing():\n    pass\n"}),
    )
    write_history(tasks.package / "history", story)
    (said,) = found()
    assert said.startswith("tests/test_all.py of ")
    assert said.endswith(" has the hidden test_of_several")
    assert found(past=False) == []
    tasks.change("task.toml", 'title = "', 'base = "0002"\ntitle = "')
    assert found(past=False) == ["tests/test_all.py has the hidden test_of_several"]


def test_by_its_place(found: Callable[..., list[str]]) -> None:
    """A test of the same name in the same file, with another text, is no new one."""
    other = "def test_start():\n    assert True\n"
    assert found({"tests/test_counter.py": other}) == [
        "tests/test_counter.py has the hidden test_start"
    ]
    assert found({"tests/test_other.py": other}) == []


def test_what_was_there_before_is_not_hidden(found: Callable[..., list[str]]) -> None:
    same = "import counter\n\n\ndef test_start():\n    assert counter.START == 0\n"
    new = f"{same}\n\ndef test_that_is_new():\n    assert counter.twice(3) == 6\n"
    assert found({"tests/test_counter.py": new}) == []


def test_functions_of_any_text() -> None:
    assert dict(functions("class A:\n    async def b(self):\n        return 1\n")) == {
        "A.b": "return 1"
    }
    assert list(functions("def broken(:")) == []
    assert list(functions("\0")) == []
    assert plain("  a\n\n    b  \n") == "a\nb"
