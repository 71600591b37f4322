"""Which tests to take inputs from."""

from __future__ import annotations

from swe_sleep.anticipate.proving.changed import ChangedFunction
from swe_sleep.records import Coverage, TestResult, file_of

MOST = 40
MOST_S = 15.0


def covering(
    coverage: Coverage, results: dict[str, TestResult], change: ChangedFunction
) -> list[str]:
    """Tests that run the function's body, those that run its changed lines and little else first;
    few and quick ones, from different files in turn."""
    first, last = change.new.body[0].lineno, change.span[1]
    ranked: dict[str, list[tuple[float, str]]] = {}
    for test, files in coverage.lines.items():
        lines = [n for n in files.get(change.path, ()) if first <= n <= last]
        if not test or not lines:
            continue
        hit = bool(change.added.intersection(lines))
        size = sum(map(len, files.values()))
        ranked.setdefault(file_of(test), []).append((size - 1e6 * hit, test))
    queues = [sorted(group) for group in ranked.values()]
    chosen: list[str] = []
    seconds = 0.0
    while queues and len(chosen) < MOST:
        queues.sort(key=lambda q: q[0])
        for queue in list(queues):
            test = queue.pop(0)[1]
            took = results[test].duration_s if test in results else 0.1
            if seconds + took <= MOST_S or not chosen:
                chosen.append(test)
                seconds += took
        queues = [queue for queue in queues if queue]
    return chosen[:MOST]
