"""A commit taken apart: the fix, which may not be seen, and the tests that show it; and whether
somebody who sees only the statement can pass them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from swe_sleep.evaluate.tasks.changes import Change
from swe_sleep.evaluate.tasks.statement import Secrets
from swe_sleep.repo.diff import diff
from swe_sleep.repo.history import FileChange
from swe_sleep.repo.snapshot import REGULAR_FILES, Snapshot
from swe_sleep.testing.discovery import is_test_path, layout

_BESIDE = re.compile(r"(^|/)(docs?|examples?|benchmarks?|\.github)/")
_IDENTIFIER = re.compile(r"[^\W\d]\w*")

Files = Mapping[str, bytes | None]


def is_of_tests(path: str) -> bool:
    """Whether a file belongs to the tests: a test, or what lies with them."""
    *folders, name = path.split("/")
    named = is_test_path(path) and name != "setup.py"
    return named or not {"test", "tests"}.isdisjoint(folders)


def is_code(path: str) -> bool:
    """Whether a file is the project's own Python."""
    return path.endswith(".py") and not is_of_tests(path) and not _BESIDE.search(path)


def lines_of(files: Iterable[FileChange]) -> int:
    """How many lines were added and removed."""
    return sum((each.added or 0) + (each.removed or 0) for each in files)


@dataclass(frozen=True)
class Parts:
    """The two sides of a change, apart: what tests it, and all the rest."""

    code: tuple[str, ...]
    """Python of the project's own."""
    before: Files
    after: Files
    """Of every file of the change."""
    modes: Mapping[str, int]
    old_modes: Mapping[str, int]
    tests: tuple[str, ...]
    """The test files that pytest reads, as the change leaves them."""

    @classmethod
    def of(cls, change: Change, base: Snapshot, fixed: Snapshot) -> Parts | None:
        """None where something of it is no plain file. Raises RepositoryError."""
        named = {each.path for each in change.files}
        named |= {each.old_path for each in change.files if each.old_path}
        paths = sorted(named)
        for snapshot in (base, fixed):
            entries = [snapshot.files.get(path) for path in paths]
            if any(entry and entry.mode not in REGULAR_FILES for entry in entries):
                return None
        where = layout(fixed)
        return cls(
            code=tuple(filter(is_code, paths)),
            before=_contents(base, paths),
            after=_contents(fixed, paths),
            modes={p: fixed.files[p].mode for p in paths if p in fixed.files},
            old_modes={p: base.files[p].mode for p in paths if p in base.files},
            tests=tuple(p for p in paths if is_of_tests(p) and p in fixed.files and where.holds(p)),
        )

    @cached_property
    def patch(self) -> str:
        """Everything but the tests."""
        return self._diff(path for path in self.before if not is_of_tests(path))

    @cached_property
    def test_patch(self) -> str:
        return self._diff(filter(is_of_tests, self.before))

    def _diff(self, paths: Iterable[str]) -> str:
        chosen = list(paths)
        before, after = ({p: side[p] for p in chosen} for side in (self.before, self.after))
        return diff(before, after, modes=self.modes, old_modes=self.old_modes)

    @cached_property
    def names(self) -> frozenset[str]:
        """What the code defines now and did not before."""
        before, after = (
            {name for path in self.code for name in defined(side[path])}
            for side in (self.before, self.after)
        )
        return frozenset(after - before)

    @cached_property
    def _tested(self) -> frozenset[str]:
        """Names that the tests use now and did not before."""
        sides = [
            {name for p in self.before if is_of_tests(p) for name in used(side[p])}
            for side in (self.before, self.after)
        ]
        return frozenset(sides[1] - sides[0])

    def untold(self, statement: str) -> list[str]:
        """Names that the fix brings and the tests use, and that the statement does not say: nobody
        could guess them."""
        said = set(_IDENTIFIER.findall(statement))
        return sorted((self.names & self._tested) - said)

    def secrets(self) -> Secrets:
        """What the statement must not say."""
        chosen = [p for p in self.before if not is_of_tests(p)]
        sides = [(_lines(self.before[p]), _lines(self.after[p])) for p in chosen]
        added = (line for before, after in sides for line in after - before)
        removed = (line for before, after in sides for line in before - after)
        return Secrets.of(added, self.code, self.names - self._tested, removed)


def _contents(snapshot: Snapshot, paths: Iterable[str]) -> Files:
    return {path: snapshot.read(path) if path in snapshot.files else None for path in paths}


def _lines(content: bytes | None) -> set[str]:
    return set((content or b"").decode("utf-8", "replace").splitlines())


def defined(content: bytes | None) -> set[str]:
    """The names that others can use: of functions, classes, parameters, attributes, and of what
    stands at the level of the module or of a class. Empty for what is no Python."""
    tree = _tree(content)
    if tree is None:
        return set()
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found.add(node.name)
            if not node.name.startswith("_") or node.name == "__init__":
                found |= {each.arg for each in [*node.args.args, *node.args.kwonlyargs]}
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            found.add(node.attr)
        elif isinstance(node, ast.ClassDef):
            found |= {node.name, *_assigned(node.body)}
        elif isinstance(node, ast.Module):
            found |= _assigned(node.body)
    return {name for name in found if not (name.startswith("__") and name.endswith("__"))}


def used(content: bytes | None) -> set[str]:
    """The names that stand in Python code: imported, called, accessed, or given by keyword."""
    tree = _tree(content)
    found: set[str] = set()
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.keyword) and node.arg:
            found.add(node.arg)
        elif isinstance(node, ast.alias):
            found |= set(node.name.split("."))
    return found


def _assigned(body: Iterable[ast.stmt]) -> set[str]:
    targets: list[ast.expr] = []
    for node in body:
        if isinstance(node, ast.Assign):
            targets += node.targets
        elif isinstance(node, ast.AnnAssign):
            targets.append(node.target)
    return {each.id for each in targets if isinstance(each, ast.Name)}


def _tree(content: bytes | None) -> ast.Module | None:
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes in the code that is read
            return ast.parse(content or b"")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
