"""Which tests a change can reach, the surest first.

A pure function of what the sleep pass has: coverage by test, the test files with their tests, and
who imports whom. Line numbers are those before the change.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from swe_sleep.records import Coverage

Changed = Mapping[str, Collection[int] | None]
"""Changed lines by path, None for the whole file. For lines that are only added, the lines they
stand between."""

Importers = Callable[[str], Iterable[str]]
"""The files that import a file, directly or through others."""

FunctionOf = Callable[[str, int], tuple[int, int] | None]
"""The first and last line of the innermost function around a line; None outside of any."""


class Reach(IntEnum):
    """How sure it is that a change can act on a test; smaller is surer."""

    ITSELF = 0
    """The test's own file, or a conftest above it, changed."""
    LINE = 1
    FUNCTION = 2
    MODULE = 3
    """Lines that run at import changed, and the test runs the file, or imports it."""
    FILE = 4
    IMPORT = 5


@dataclass(frozen=True, slots=True)
class Impacted:
    """A test that the change can reach, and why in a few words."""

    test_id: str
    reach: Reach
    why: str


def impacted_tests(
    changed: Changed,
    coverage: Coverage,
    test_files: Mapping[str, Sequence[str]],
    importers: Importers,
    function_of: FunctionOf = lambda path, line: None,
) -> tuple[Impacted, ...]:
    """The tests that a change can reach: the surest first; of two that are as sure, the one that
    runs more of the changed lines, then the one that runs less else.

    `test_files` has the ids of the tests in each test file. A test that never ran with coverage
    is found by its imports alone.
    """
    best: dict[str, tuple[Reach, int, str]] = {}

    def found(test_id: str, reach: Reach, why: str, hits: int = 0) -> None:
        before = best.get(test_id)
        if before is None or (reach, -hits) < (before[0], before[1]):
            best[test_id] = (reach, -hits, why)

    for path, lines in sorted(changed.items()):
        _by_test_file(path, test_files, found)
        at_import = acts_at_import(path, lines, coverage, function_of)
        _by_coverage(path, lines, coverage, function_of, at_import, found)
        reach = Reach.MODULE if at_import else Reach.IMPORT
        for importer in {path, *importers(path)}:
            for test_id in test_files.get(importer, ()):
                found(test_id, reach, f"imports {path}")
    size = {
        test_id: sum(map(len, coverage.lines.get(test_id, {}).values()), start=0)
        for test_id in best
    }
    order = sorted(best, key=lambda test_id: (*best[test_id][:2], size[test_id], test_id))
    return tuple(Impacted(test_id, best[test_id][0], best[test_id][2]) for test_id in order)


_Found = Callable[..., None]


def _by_test_file(path: str, test_files: Mapping[str, Sequence[str]], found: _Found) -> None:
    for test_id in test_files.get(path, ()):
        found(test_id, Reach.ITSELF, "its own file changed")
    folder, _, name = path.rpartition("/")
    if name == "conftest.py":
        for file, test_ids in test_files.items():
            if not folder or file.startswith(f"{folder}/"):
                for test_id in test_ids:
                    found(test_id, Reach.ITSELF, f"{path} changed")


def acts_at_import(
    path: str, lines: Collection[int] | None, coverage: Coverage, function_of: FunctionOf
) -> bool:
    """Whether the change acts when the module is imported. A `def` line runs at import too."""
    if lines is None:
        return True
    imported = set(coverage.lines.get("", {}).get(path, ()))
    return any(line in imported or function_of(path, line) is None for line in lines)


def _by_coverage(
    path: str,
    lines: Collection[int] | None,
    coverage: Coverage,
    function_of: FunctionOf,
    at_import: bool,
    found: _Found,
) -> None:
    wanted = set(lines or ())
    around: set[int] = set()
    for span in {function_of(path, line) for line in wanted} - {None}:
        if span is not None:
            # The `def` line runs at import: it says nothing about who calls the function.
            around.update(range(span[0] + 1, span[1] + 1))
    for test_id, files in coverage.lines.items():
        ran = files.get(path)
        if not test_id or not ran:
            continue
        hits = wanted.intersection(ran)
        if hits:
            text = ", ".join(map(str, sorted(hits)[:3])) + (", ..." if len(hits) > 3 else "")
            found(test_id, Reach.LINE, f"runs {path}:{text}", len(hits))
        elif not around.isdisjoint(ran):
            found(test_id, Reach.FUNCTION, f"runs the same function of {path}")
        elif at_import:
            found(test_id, Reach.MODULE, f"runs {path}, which changed where it is imported")
        else:
            found(test_id, Reach.FILE, f"runs {path}")
