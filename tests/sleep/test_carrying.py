"""Fresh test notes say what a whole run of the tests would say, after a fraction of the work."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from swe_sleep.records import Outcome

FILES = {
    "kit/__init__.py": "",
    "kit/consts.py": "RATE = 2\nNAMES = ['a', 'b']\n",
    "kit/core.py": (
        "from kit import consts\n\n\n"
        "def double(n):\n    return n * consts.RATE\n\n\n"
        "def clamp(n, low=0, high=10):\n    if n < low:\n        return low\n"
        "    if n > high:\n        return high\n    return n\n\n\n"
        "class Box:\n    size = 3\n\n    def __init__(self, items):\n        self.items = items\n\n"
        "    def full(self):\n        return len(self.items) >= self.size\n"
    ),
    "kit/text.py": (
        "from kit.core import clamp\n\n\n"
        "def short(text, most=5):\n    return text[: clamp(most)]\n\n\n"
        "def shout(text):\n    return text.upper() + '!'\n"
    ),
    "tests/conftest.py": (
        "import pytest\n\nSTART = 4\n\n\n@pytest.fixture\ndef number():\n    return START\n"
    ),
    "tests/test_core.py": (
        "import pytest\n\nfrom kit import consts\nfrom kit.core import Box, clamp, double\n\n\n"
        "def test_double(number):\n    assert double(number) == 8\n\n\n"
        "@pytest.mark.parametrize('n, wanted', [(-1, 0), (5, 5), (11, 10)])\n"
        "def test_clamp(n, wanted):\n    assert clamp(n) == wanted\n\n\n"
        "@pytest.mark.parametrize('name', consts.NAMES)\n"
        "def test_name(name):\n    assert len(name) == 1\n\n\n"
        "def test_box():\n    assert Box([1, 2, 3]).full()\n"
    ),
    "tests/test_text.py": (
        "def test_short():\n    from kit.text import short\n\n"
        "    assert short('abcdefg') == 'abcde'\n"
        "\n\ndef test_shout():\n    from kit.text import shout\n\n    assert shout('a') == 'A!'\n"
    ),
    "tests/test_alone.py": "def test_alone(number):\n    assert number == 4\n",
}

EDITS: dict[str, tuple[str, str, str]] = {
    "constant": ("kit/consts.py", "RATE = 2", "RATE = 3"),
    "parameters": ("kit/consts.py", "['a', 'b']", "['a', 'bb', 'c']"),
    "body": ("kit/core.py", "n < low", "n <= low"),
    "bad body": ("kit/core.py", "return high", "return high + 1"),
    "default": ("kit/core.py", "high=10", "high=9"),
    "class body": ("kit/core.py", "size = 3", "size = 4"),
    "method": ("kit/core.py", ">= self.size", "> self.size"),
    "comment": ("kit/core.py", "def double(n):\n", "def double(n):\n    # twice\n"),
    "raises": ("kit/text.py", "text.upper()", "text.uper()"),
    "syntax": ("kit/text.py", "def shout(text):", "def shout(text:"),
    "slice": ("kit/text.py", "[: clamp(most)]", "[: clamp(most) - 1]"),
    "package": ("kit/__init__.py", "", "raise ImportError('not today')\n"),
    "conftest": ("tests/conftest.py", "START = 4", "START = 5"),
    "broken conftest": ("tests/conftest.py", "import pytest\n", "import pytest, no_such\n"),
    "test": ("tests/test_text.py", "'A!'", "'a!'"),
    "broken test": ("tests/test_alone.py", "def test_alone(number):", "def test_alone(number:"),
    "renamed test": ("tests/test_alone.py", "test_alone", "test_lonely"),
}
"""By name: path, text before, text after; each is made, or taken back."""

NEW_FILES = {
    "tests/test_more.py": (
        "from kit.core import double\n\n\ndef test_more():\n    assert double(0) == 0\n"
    ),
    "tests/test_early.py": "from kit.later import x\n\n\ndef test_early():\n    assert x == 1\n",
    "kit/later.py": "x = 1\n",
    "tests/deep/test_deep.py": "def test_deep(number):\n    assert number > 3\n",
    "tests/deep/conftest.py": "import pytest\n\n\n@pytest.fixture\ndef number():\n    return 1\n",
}
"""Files that come and go."""

MOVED = (
    "\n\nclass Box:\n    size = 3\n\n    def __init__(self, items):\n        self.items = items\n\n"
    "    def full(self):\n        return len(self.items) >= self.size\n"
)


class Editor:
    """Makes random edits, and takes them back."""

    def __init__(self, project: Any, seed: int) -> None:
        self.project = project
        self.random = random.Random(seed)

    def step(self) -> str:
        """One edit; its name."""
        kind = self.random.choice(["edit", "edit", "edit", "file", "move", "delete"])
        return str(getattr(self, kind)())

    def edit(self) -> str:
        names = [name for name, (path, *_) in EDITS.items() if (self.project.root / path).exists()]
        name = self.random.choice(names)
        path, before, after = EDITS[name]
        text = self.project.read(path)
        if before == "":
            before, after = ("", after) if text == "" else (after, "")
        elif after in text:
            before, after = after, before
        self.project.write(path, text.replace(before, after, 1))
        return name

    def file(self) -> str:
        path = self.random.choice(list(NEW_FILES))
        if (self.project.root / path).exists():
            self.project.delete(path)
            return f"without {path}"
        self.project.write(path, NEW_FILES[path])
        return f"with {path}"

    def move(self) -> str:
        """A class from one end of the file to the other, or a new function before all others."""
        text = self.project.read("kit/core.py")
        if self.random.random() < 0.5:
            head, mark, rest = text.partition("\n\n\ndef double")
            more = "\n\n\ndef extra():\n    return 1"
            text = head.replace(more, "") if more in head else head + more
            self.project.write("kit/core.py", text + mark + rest)
            return "a function more or less"
        start = text.find("\n\nclass Box")
        if start > 0 and text.endswith("self.size\n"):
            head, mark, rest = text.partition("\n\n\ndef double")
            box = text[start:].rstrip("\n")
            self.project.write("kit/core.py", head + box + mark + rest.replace(box, ""))
        return "the class moved"

    def delete(self) -> str:
        """A module goes, or comes back as it was."""
        path = self.random.choice(["kit/consts.py", "tests/test_text.py", "kit/text.py"])
        if (self.project.root / path).exists():
            self.project.delete(path)
            return f"deleted {path}"
        self.project.write(path, FILES[path])
        return f"restored {path}"


def check(project: Any, seed: int, steps: int) -> tuple[int, int]:
    """Tests run by sleep, and by running everything each time."""
    editor = Editor(project, seed)
    ran: list[str] = []
    real = project.count_tests(ran)
    everything = 0
    with real:
        project.sleep()
        assert project.outcomes() == project.truth()
        ran.clear()
        done: list[str] = []
        for _ in range(steps):
            done.append(editor.step())
            report = project.sleep()
            assert not report.problems, done
            truth = project.truth()
            everything += len(truth)
            assert project.outcomes() == truth, done[-6:]
    return len(ran), everything


@pytest.mark.parametrize("seed", [1, 2])
def test_fresh_notes_say_what_a_whole_run_would(
    make_project: Callable[..., Any], seed: int
) -> None:
    ran, everything = check(make_project(FILES), seed, steps=5)

    assert ran < everything


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [11, 12, 13])
def test_fresh_notes_say_what_a_whole_run_would_at_length(
    make_project: Callable[..., Any], seed: int
) -> None:
    check(make_project(FILES), seed, steps=25)


def test_outcome_of_a_moved_module_constant(make_project: Callable[..., Any]) -> None:
    project = make_project(FILES)
    project.sleep()
    project.edit("kit/consts.py", "['a', 'b']", "['bb', 'c']")

    project.sleep()

    assert "tests/test_core.py::test_name[a]" not in project.outcomes()
    assert project.outcomes()["tests/test_core.py::test_name[bb]"] is Outcome.FAILED
    assert project.outcomes()["tests/test_core.py::test_name[c]"] is Outcome.PASSED
