"""Which tests the changes so far can reach, by the coverage that sleep has measured."""

from __future__ import annotations

from dataclasses import dataclass

from swe_sleep.records import Patch
from swe_sleep.repo.diff import files_of
from swe_sleep.solve.knowledge import Knowledge
from swe_sleep.testing.discovery import is_test_path

UNKNOWN = "which other tests reach the changes is not known; `all` runs every test"


@dataclass(frozen=True, slots=True)
class Reached:
    """The tests, most telling first; `remark` says what is not in them, if anything."""

    tests: tuple[str, ...] = ()
    remark: str = ""


class Reach:
    """`most_s`: seconds that the tests may take together, by what they took before."""

    def __init__(self, knowledge: Knowledge, *, most_s: float = 120.0) -> None:
        self._knowledge = knowledge
        self._most_s = most_s

    def __call__(self, patch: Patch) -> Reached:
        files = files_of(patch.diff)
        own = [f.new_path for f in files if f.new_path is not None and is_test_path(f.new_path)]
        changed = {
            file.old_path: set(file.old_lines)
            for file in files
            if file.old_path is not None and file.old_path not in own
        }
        if not changed:
            return Reached(tuple(own))
        coverage, results = self._knowledge.coverage_of(changed)
        lines = {test: ran for test, ran in coverage.lines.items() if test}
        hits = {
            test: sum(len(changed[path].intersection(ran.get(path, ()))) for path in changed)
            for test, ran in lines.items()
        }
        exact = [test for test, count in hits.items() if count]
        # what runs at import only, such as a constant, is reached by all that run the file
        found = exact or [test for test, ran in lines.items() if not ran.keys().isdisjoint(changed)]
        if not found:
            return Reached(tuple(own), UNKNOWN)
        size = {test: sum(map(len, lines[test].values())) for test in found}
        found.sort(key=lambda test: (-hits[test], size[test], test))
        seconds = {result.test_id: result.duration_s for result in results}
        kept: list[str] = []
        total = 0.0
        for test in found:
            total += seconds.get(test, 0.0)
            if kept and total > self._most_s:
                break
            kept.append(test)
        left = len(found) - len(kept)
        remark = f"{left} more tests reach the changes; `all` runs every test" if left else ""
        return Reached((*own, *kept), remark)
