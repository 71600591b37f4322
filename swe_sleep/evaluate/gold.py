"""What the fix of an issue touched, and how much of that the issue's text gives away."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from swe_sleep.evaluate.instances import Instance
from swe_sleep.index.outline import MODULE, Outline, Symbol, outline
from swe_sleep.repo.diff import FileDiff, apply_in_memory, files_of
from swe_sleep.repo.snapshot import REGULAR_FILES, Snapshot

GOLD_VERSION = 1
"""Goes up when what counts as gold, as ranked, or as given away changes."""

_TEST_NAME = re.compile(r"test_[^/]*\.py|tests?\.py|[^/]*_test\.py|conftest\.py")
_ROOTS = ("src", "lib")
_FUNCTIONS = ("function", "method")
_SHORTEST_SYMBOL = 4
"""Shorter names are also words: `get` in a sentence is not yet a symbol."""


class Stratum(StrEnum):
    """What an issue's text gives away, the most telling first."""

    PATH = "path or traceback"
    """The path or the name of a gold file, as in a sentence, a link, or a traceback's frame."""
    MODULE = "dotted module"
    SYMBOL = "symbol"
    """The name of a gold function or its class, or of anything else a gold file defines."""
    NOTHING = "nothing of these"


@dataclass(frozen=True, slots=True)
class Gold:
    """The files, and the functions as `path::Qual.name`, that were there before the fix."""

    files: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()


def is_ranked(path: str) -> bool:
    """Whether a file takes part: Python, and no test. A folder `testing` at the top holds tests;
    one inside a package is the package's own code for its users' tests."""
    folders, _, name = path.rpartition("/")
    parts = folders.split("/")
    is_test = parts[0] == "testing" or not {"test", "tests"}.isdisjoint(parts)
    return name.endswith(".py") and not is_test and not _TEST_NAME.fullmatch(name)


def gold_of(instance: Instance, snapshot: Snapshot) -> Gold:
    """What the instance says, else what its patch touches. Raises RepositoryError where the patch
    is not for this commit."""
    files, functions = instance.gold_py_files, instance.gold_functions
    if instance.patch is not None and (files is None or functions is None):
        found = touched(instance.patch, snapshot)
        files = found.files if files is None else files
        functions = found.functions if functions is None else functions
    return Gold(tuple(dict.fromkeys(files or ())), tuple(dict.fromkeys(functions or ())))


def touched(patch: str, snapshot: Snapshot) -> Gold:
    """Which ranked files and functions of a snapshot a patch touches. Raises RepositoryError where
    the patch is not for it."""
    patch = "".join(part for part in _parts(patch) if any(map(_is_gold(snapshot), files_of(part))))
    after = apply_in_memory(patch, snapshot)
    files: list[str] = []
    functions: list[str] = []
    for each in filter(_is_gold(snapshot), files_of(patch)):
        path = each.old_path or ""
        files.append(path)
        before = outline(snapshot.read(path), "python")
        there = {symbol.qualname for symbol in before.symbols}
        names = {function.qualname for function in around(before, each.old_lines)}
        content = after.get(each.new_path or path)
        if content is not None:
            added = around(outline(content, "python"), each.new_lines)
            names |= {function.qualname for function in added} & there
        functions += sorted(f"{path}::{name}" for name in names)
    return Gold(tuple(files), tuple(functions))


def _parts(patch: str) -> list[str]:
    """The patch file by file, as a part that cannot be applied (a binary file without its
    content) need not be; whole where it has no line that begins a file."""
    return [part for part in re.split(r"^(?=diff --git )", patch, flags=re.MULTILINE) if part]


def _is_gold(snapshot: Snapshot) -> Callable[[FileDiff], bool]:
    def is_gold(each: FileDiff) -> bool:
        path = each.old_path
        return path is not None and path in snapshot.files and is_ranked(path)

    return is_gold


def around(outline: Outline, lines: Iterable[int]) -> Iterator[Symbol]:
    """The outermost functions and methods that hold any of the lines."""
    lines = sorted(lines)
    for symbol in outline.symbols:
        held = any(symbol.line <= line <= symbol.end_line for line in lines)
        if held and symbol.kind in _FUNCTIONS and not _inside_function(symbol, outline):
            yield symbol


def _inside_function(symbol: Symbol, outline: Outline) -> bool:
    while symbol.parent != MODULE:
        symbol = outline.symbols[symbol.parent]
        if symbol.kind in _FUNCTIONS:
            return True
    return False


def stratum(text: str, gold: Gold, snapshot: Snapshot) -> Stratum:
    """What the text gives away of where the fix belongs."""
    mentions = list(_mentions(text))
    if any(_names(mention, path) for path in gold.files for mention in mentions):
        return Stratum.PATH
    if any(_says_module(text, path) for path in gold.files):
        return Stratum.MODULE
    symbols = {part for name in gold.functions for part in name.partition("::")[2].split(".")}
    for path in gold.files:
        entry = snapshot.files.get(path)
        if entry is not None and entry.mode in REGULAR_FILES:
            found = outline(snapshot.read(path), "python").symbols
            symbols |= {each.name for each in found if len(each.name) >= _SHORTEST_SYMBOL}
    symbols = {name for name in symbols if not name.startswith("__")}
    if not symbols.isdisjoint(re.findall(r"[^\W\d]\w*", text)):
        return Stratum.SYMBOL
    return Stratum.NOTHING


def _mentions(text: str) -> Iterator[list[str]]:
    """The parts of everything in the text that looks like the path of a Python file."""
    # In two steps, so that a long run of letters takes no time that grows with its square.
    for token in re.findall(r"[\w.+~\\/-]+", text):
        end = re.search(r"\.py(?!\w)", token)
        if end:
            parts = token[: end.end()].replace("\\", "/").split("/")
            yield [part for part in parts if part not in ("", ".", "..")]


def _names(mention: list[str], path: str) -> bool:
    """Whether a path as people write it (from anywhere, or only its end) is this file."""
    parts = _importable(path)
    if len(mention) >= len(parts):
        return mention[-len(parts) :] == parts and (len(parts) > 1 or len(mention) == 1)
    return mention == parts[-len(mention) :] and mention != ["__init__.py"]


def _says_module(text: str, path: str) -> bool:
    parts = _importable(path)
    parts = [*parts[:-1], parts[-1].removesuffix(".py")]
    if parts[-1] == "__init__":
        parts.pop()
    module = re.escape(".".join(parts))
    return len(parts) > 1 and re.search(rf"(?<![\w.]){module}(?!\w)", text) is not None


def _importable(path: str) -> list[str]:
    """The parts of a path from where its package begins."""
    parts = path.split("/")
    return parts[1:] if len(parts) > 1 and parts[0] in _ROOTS else parts
