"""What is read off sources without running them: known calls, targets, properties, rank."""

from __future__ import annotations

import ast
from pathlib import PurePosixPath

import pytest

from swe_sleep.anticipate.hunting import seen
from swe_sleep.anticipate.hunting.ranking import ranked
from swe_sleep.anticipate.hunting.siblings import Property
from swe_sleep.anticipate.hunting.targets import Target, targets, within_reach
from swe_sleep.index.outline import outline

NAMES = frozenset({"make", "use"})

TESTS = b"""
import pytest
from lib.core import make, Maker

TEXT = "abc"

def test_plain():
    value = {"a": [1, 2]}
    assert make(value, deep=True)
    value["b"] = 3
    other = []
    other.append(1)
    assert make(other)

def test_unknown(tmp_path):
    make(tmp_path)

@pytest.mark.parametrize("text, size", [("x", 1), pytest.param("y", 2)])
def test_rows(text, size):
    make(text, size)

def test_wrong():
    with pytest.raises((ValueError, KeyError)):
        make(None)

def test_object():
    maker = Maker(TEXT)
    maker.use("z")
"""


def calls(content: bytes) -> list[str]:
    found = seen.in_tests("tests/test_core.py", content, NAMES).calls
    written = []
    for example in (e for each in found.values() for e in each):
        parts = [*example.arguments, *(f"{k}={v}" for k, v in example.keywords.items())]
        written.append(f"{example.receiver}|{example.name}({', '.join(parts)})")
    return written


def test_reads_calls_whose_arguments_are_written_out() -> None:
    assert calls(TESTS) == [
        "make|make({'a': [1, 2]}, deep=True)",
        "make|make('x', 1)",
        "make|make('y', 2)",
        "Maker('abc')|use('z')",
    ]


def test_knows_which_errors_are_meant() -> None:
    found = seen.in_tests("tests/test_core.py", TESTS, NAMES)
    assert found.meant == {"make": {"ValueError", "KeyError"}}
    imports = {line for each in found.calls["make"] for line in each.imports}
    assert imports == {"from lib.core import make"}


def test_reads_doctests() -> None:
    tree = ast.parse(
        'def make(n):\n    """Make.\n\n    >>> x = 3\n    >>> make(x)\n    4\n    >>> make(None)\n'
        '    Traceback (most recent call last):\n    TypeError: no\n    """\n'
    )
    found = seen.in_docstrings("lib/core.py", tree, "lib.core", NAMES)
    (example,) = found.calls["make"]
    assert example.arguments == ("3",)
    assert example.imports == ("from lib.core import make",)
    assert found.meant == {"make": {"TypeError"}}


@pytest.mark.parametrize("content", [b"", b"def (", b"\x00", b"# \xff"])
def test_bad_sources_hold_nothing(content: bytes) -> None:
    assert seen.in_tests("tests/test_x.py", content, NAMES).calls == {}


SOURCE = '''
import os, subprocess

def encode(text): return text
def decode(text): return text
def normalize_name(name): return name
def words(text): return list(iter_words(text))
def iter_words(text): yield text
def _private(text): return text
def writes(text): open(text, "w")
def calls_writer(text): return writes(text)
def lists(path): return os.listdir(path)
def joins(path): return os.path.join(path, "a")
async def later(text): return text
@property
def strange(self): return 1
@staticmethod
def documented(text, n):
    """Cut.

    :param str text: what
    :param n: how many
    :type n: int
    :raises KeyError: never
    """

class Bag:
    def __init__(self, items): self.items = items
    def __eq__(self, other): return True
    def __len__(self): return 1
    def __iter__(self): return iter(())
    def take(self, n: int): return self._give(n)
    def save(self, n: int): return self._write(n)
    def _give(self, n): return n
    def _write(self, n): subprocess.run(["x"])
'''


def found() -> dict[str, Target]:
    return {t.qualname: t for t in targets("lib/core.py", "lib.core", ast.parse(SOURCE))}


def test_takes_public_functions_that_only_compute() -> None:
    assert set(found()) == {
        "encode", "decode", "normalize_name", "words", "iter_words", "joins", "documented",
        "Bag", "Bag.take",
    }  # fmt: skip


def test_tells_what_else_must_hold_from_names() -> None:
    known = found()
    assert Property("round trip", "decode") in known["encode"].properties
    assert Property("idempotence") in known["normalize_name"].properties
    assert Property("agreement", "iter_words") in known["words"].properties
    assert Property("protocol", "len") in known["Bag"].properties


def test_reads_docstrings() -> None:
    known = found()["documented"]
    assert known.documented == {"text": "str", "n": "int"}
    assert known.expected == {"KeyError"}


def test_of_a_private_module_only_what_is_given_on_is_public() -> None:
    tree = ast.parse("def one(a): return a\ndef two(a): return a\n")
    assert [t.qualname for t in targets("lib/_a.py", "lib._a", tree)] == []
    assert [t.qualname for t in targets("lib/_a.py", "lib._a", tree, {"two"})] == ["two"]


@pytest.mark.parametrize(
    "path",
    ["docs/conf.py", "lib/_vendor/six.py", "setup.py", "tests/test_a.py", "lib/__main__.py"],
)
def test_scripts_and_the_like_are_out_of_reach(path: str) -> None:
    assert not within_reach(path, PurePosixPath(path).stem)
    assert within_reach("lib/core.py", "lib.core")


def test_what_no_test_runs_comes_first() -> None:
    text = b"def one(a):\n    b = a\n    return b\n\n\ndef two(a):\n    b = a\n    return b\n"
    files = [("lib/core.py", "lib.core", outline(text, "python"))]
    order = ranked(files, {"lib/core.py": {2, 3}}, {})
    assert [each.qualname for each in order] == ["two", "one"]
    order = ranked(files, {"lib/core.py": {2, 3, 7, 8}}, {("lib/core.py", "one"): 1.0})
    assert [each.qualname for each in order] == ["one", "two"]
