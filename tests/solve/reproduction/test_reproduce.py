"""Tests written from issues, run in real sandboxes on a small library."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox.local import LocalBackend
from swe_sleep.solve.reproduction.overlay import with_files
from swe_sleep.solve.reproduction.reproduce import Attempt, Reproduction, reproduce
from swe_sleep.testing.tests import Tests

LIB = {
    "lib/__init__.py": "",
    "lib/text.py": (
        "def first(words):\n    return words[0]\n\n\n"
        "def size(n):\n    return f'{n}B' if n <= 1024 else f'{n // 1024}K'\n\n\n"
        "def show(n):\n    print('size', size(n))\n\n\n"
        "def spin():\n    while True:\n        pass\n"
    ),
    "lib/words.py": (
        "def table(n):\n    return list(range(n))\n\n\n"
        "def plural(word):\n    return word + 's'\n\n\nTABLE = table(3)\n"
    ),
    "tests/__init__.py": "",
    "tests/test_text.py": (
        "from lib.text import size\n\n\ndef test_size():\n    assert size(1) == '1B'\n"
    ),
}
Try = Callable[..., Attempt]


@pytest.fixture(scope="module")
def opened() -> Iterator[tuple[Snapshot, Tests]]:
    from swe_sleep.records import Entry
    from swe_sleep.repo.hashing import blob_of
    from swe_sleep.repo.snapshot import REGULAR

    contents = {path: text.encode() for path, text in LIB.items()}

    class InMemory:
        def read(self, path: str, entry: Entry) -> bytes:
            return contents[path]

    entries = {p: Entry(blob_of(c, "sha1"), REGULAR) for p, c in contents.items()}
    snapshot = Snapshot(entries, None, None, InMemory())
    backend = LocalBackend()
    environment = backend.prepare(snapshot, progress=lambda line: None)
    with backend.open(snapshot, environment) as sandbox:
        yield snapshot, Tests(sandbox)


@pytest.fixture
def attempt(opened: tuple[Snapshot, Tests]) -> Try:
    def run(text: str, **values: Any) -> Attempt:
        snapshot, tests = opened
        found = reproduce(text, snapshot, tests, **values)
        assert tests.sandbox.changes() == {}
        return found

    return run


def written(attempt: Attempt) -> Reproduction:
    assert attempt.reproduction is not None, attempt.why
    return attempt.reproduction


def test_a_value_that_is_wrong_today(attempt: Try, opened: tuple[Snapshot, Tests]) -> None:
    made = written(attempt("size(1024)\n\n`size(1024)` returns '1024B' instead of '1K'.\n"))
    assert made.weak == ""
    assert made.path.startswith("tests/test_issue_")
    assert made.path not in opened[0].files
    assert made.source == (
        '"""From the text of the issue: size(1024)."""\n\nfrom lib.text import size\n\n\n'
        "def test_as_the_issue_says():\n    result = size(1024)\n    assert result == '1K'\n"
    )
    (test,) = made.failing
    assert test.result.message.startswith("AssertionError: assert '1024B' == '1K'")
    assert 6 in test.covered["lib/text.py"]


def test_a_value_where_the_text_names_the_exception_that_comes_instead(attempt: Try) -> None:
    text = "IndexError without words\n\n`first('')` should return `None`."
    made = written(attempt(text))
    assert "assert result is None" in made.source or "assert result == None" in made.source
    assert attempt(text.replace("IndexError", "An error")).reproduction is None


def test_the_whole_of_a_tuple_is_expected(attempt: Try) -> None:
    made = written(
        attempt(">>> (size(1), size(1024))\n('1B', '1024B')\n\nExpected: `(size(1), '1K')`\n")
    )
    assert "(size(1), '1K')" in made.source


def test_what_the_right_value_needs_is_imported_too(attempt: Try) -> None:
    made = written(attempt("`size(1024)` returns '1024B' instead of `Decimal(1)`.\n"))
    assert "from decimal import Decimal" in made.source


@pytest.mark.parametrize(
    "text",
    [
        "`size(1024)` returns '7B' instead of '1K'.",  # it does not
        "`size(1)` returns '1B', as it should be '1B'.",
        "`size(1024)` returns '1024B'.",  # which may be an explanation
        "`size(2048)` should return '2K'.",  # it does
        "`size(1024, 3)` should return '1K'.",  # fails for another reason
        "`sizes(1024)` should return '1K'.",  # no such name
        "`first([])` raises `KeyError`.",
    ],
)
def test_what_is_not_as_the_text_says_is_no_test(attempt: Try, text: str) -> None:
    found = attempt(f"A title\n\n{text}\n")
    assert found.reproduction is None
    assert found.why


def test_a_stated_exception_is_weak(attempt: Try) -> None:
    text = (
        "first fails\n\n```python\nfrom lib.text import first\nfirst([])\n```\n\n```\n"
        'Traceback (most recent call last):\n  File "a.py", line 2, in <module>\n    first([])\n'
        "IndexError: list index out of range\n```\n"
    )
    made = written(attempt(text))
    assert made.weak == "only that it no longer raises IndexError"
    assert made.silences
    other = attempt(text.replace("list index out of range", "no such person in the office"))
    assert other.reproduction is None


def test_with_a_wish_an_exception_is_no_weakness(attempt: Try) -> None:
    text = "first\n\n>>> first([])\nTraceback (most recent call last):\n  ...\nIndexError: list index out of range\n\nI'd expect `None`.\n"  # noqa: E501
    made = written(attempt(text))
    assert (made.weak, made.silences) == ("", False)
    assert "assert result is None" in made.source


def test_what_is_printed(attempt: Try) -> None:
    text = (
        "show\n\n```python\nfrom lib.text import show\nshow(1024)\nprint('done')\n```\n\n"
        "Expected output:\n\n```\nsize 1K\ndone\n```\n"
    )
    made = written(attempt(text))
    assert made.weak == ""
    assert "capsys" in made.source


def test_an_exception_that_should_come(attempt: Try) -> None:
    made = written(attempt("No check\n\n`size(-1)` should raise `ValueError`.\n"))
    assert "with pytest.raises(ValueError) as error:" not in made.source
    assert "with pytest.raises(ValueError):\n        size(-1)" in made.source


def test_what_never_ends(attempt: Try) -> None:
    text = "spin hangs\n\n```python\nfrom lib.text import spin\nspin()\n```\n"
    made = written(attempt(text, test_s=1.0))
    assert made.weak == "only that it comes to an end"


def test_only_what_should_not_be(attempt: Try) -> None:
    text = "size\n\n```python\n>>> from lib.text import size\n>>> size(1024)\n'1024B'\n```\nThat is a surprise.\n"  # noqa: E501
    made = written(attempt(text))
    assert made.weak == "only that it no longer gives '1024B'"


def test_what_an_example_shows_on_its_way_is_no_complaint(attempt: Try) -> None:
    text = (
        "size\n\n```python\n>>> from lib.text import size\n>>> seen = [3]\n>>> seen.pop()\n3\n"
        ">>> size(1024)\n'1024B'\n```\nThat is a surprise.\n"
    )
    made = written(attempt(text))
    assert made.weak == "only that it no longer gives '1024B'"
    assert "!= 3" not in made.source


def test_code_of_an_issue_stays_in_the_sandbox(attempt: Try, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    text = (
        f"T\n\n```python\nimport os, lib.text\nopen({str(mark)!r}, 'w').write('here')\n"
        "os.remove('lib/text.py')\nassert lib.text.size(1024) == '1K'\n```\n"
    )
    attempt(text)
    assert not mark.exists()


def test_the_tests_name_is_nobodys(opened: tuple[Snapshot, Tests], attempt: Try) -> None:
    snapshot, tests = opened
    text = "T\n\n`size(1024)` should return '1K'.\n"
    first = written(attempt(text))
    taken = with_files(snapshot, {f"other/{first.path.rpartition('/')[2]}": b""})
    assert taken.read("lib/text.py") == LIB["lib/text.py"].encode()
    again = written(reproduce(text, taken, tests))
    assert again.path not in taken.files
    assert again.path.rpartition("/")[2] != first.path.rpartition("/")[2]


def test_what_runs_at_an_import_is_no_part_of_the_test(attempt: Try) -> None:
    """It would be suspected like what is wrong, and there may be much more of it."""
    text = (
        "Sizes\n\n```python\nfrom lib.words import plural\nplural('box')\n```\n"
        "Expected: 'boxes'\nActual: 'boxs'\n"
    )
    made = attempt(text).reproduction
    assert made is not None
    assert "\nfrom lib.words import plural\n" in made.source
    (failing,) = made.failing
    assert failing.covered["lib/words.py"] == (6,), "not what `table` did on import"


def test_an_import_that_fails_stays_in_the_test(attempt: Try) -> None:
    text = "`from lib.text import gone` raises ImportError: cannot import name 'gone'"
    assert "\nfrom lib.text import gone" not in getattr(attempt(text).reproduction, "source", "")
