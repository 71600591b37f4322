"""A small folder of tasks: one package with a history of three commits, and two issues."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

TABLE = """\
id = "counter-twice"
repository = "counter"
title = "twice adds two"
difficulty = "easy"
tags = ["wrong-operator"]
fail_to_pass = ["tests/test_hidden_twice.py::test_doubling_of_three"]
"""
ISSUE = """\
# twice(3) is 5

I had expected 6.
"""
GOLD = """\
diff --git a/counter/__init__.py b/counter/__init__.py
--- a/counter/__init__.py
+++ b/counter/__init__.py
@@ -4,2 +4,2 @@
 def twice(n):
-    return n + 2
+    return n * 2
"""
HIDDEN = """\
from counter import twice


def test_doubling_of_three():
    expected = 6
    assert twice(3) == expected


def test_doubling_of_two():
    assert twice(2) == 4
"""
STORY: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("Begin", {"counter/__init__.py": "START = 0\n", ".gitignore": "__pycache__/\n"}),
    (
        "[core] Count — from anywhere",
        {
            "tests/test_counter.py": "import counter\n\n\ndef test_start():\n"
            "    assert counter.START == 0\n"
        },
    ),
    ("Add twice", {"counter/__init__.py": "START = 0\n\n\ndef twice(n):\n    return n + 2\n"}),
)


@dataclass(frozen=True)
class Tasks:
    """A folder of tasks, to be changed."""

    folder: Path
    package: Path
    issue: Path

    def change(self, name: str, old: str, new: str) -> Path:
        """Edit a file of the issue."""
        file = self.issue / name
        text = file.read_text("utf-8")
        assert old in text
        file.write_text(text.replace(old, new), "utf-8")
        return file


@pytest.fixture(scope="session")
def write_history(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., None]:
    """`write_history(folder, story)`: its commits as patches, as an author makes them."""

    def write(folder: Path, story: tuple[tuple[str, Mapping[str, str]], ...]) -> None:
        source = tmp_path_factory.mktemp("authored")

        def git(*arguments: str) -> None:
            subprocess.run(["git", *arguments], cwd=source, check=True)

        git("init", "-q", "-b", "main")
        for number, (subject, files) in enumerate(story, 1):
            for path, content in files.items():
                (source / path).parent.mkdir(parents=True, exist_ok=True)
                (source / path).write_text(content, "utf-8")
            git("add", "-A")
            day = f"2024-03-{number:02d}T09:00:00+0100"
            person = "Ann Author <ann@counter.example>"
            git("commit", "-q", "-m", subject, f"--author={person}", f"--date={day}")
        options = ("--root", "--zero-commit", "--no-signature", "--full-index", "-q", "-o")
        git("format-patch", *options, str(folder), "main")

    return write


@pytest.fixture(scope="session")
def right(tmp_path_factory: pytest.TempPathFactory, write_history: Callable[..., None]) -> Path:
    """A right folder of one package and one issue, for copies of it to be changed."""
    folder = tmp_path_factory.mktemp("right")
    issue = folder / "counter" / "twice"
    (issue / "tests").mkdir(parents=True)
    write_history(folder / "counter" / "history", STORY)
    for name, text in (("task.toml", TABLE), ("issue.md", ISSUE), ("gold.patch", GOLD)):
        (issue / name).write_text(text, "utf-8")
    (issue / "tests" / "test_hidden_twice.py").write_text(HIDDEN, "utf-8")
    return folder


@pytest.fixture
def tasks(tmp_path: Path, right: Path) -> Tasks:
    """The test's own."""
    folder = tmp_path / "tasks"
    shutil.copytree(right, folder)
    return Tasks(folder, folder / "counter", folder / "counter" / "twice")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where repositories are built, once for all tests that are not about that."""
    return tmp_path_factory.mktemp("built")
