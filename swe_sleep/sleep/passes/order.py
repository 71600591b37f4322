"""Which tests run first."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

import msgspec

from swe_sleep.sleep.passes.carrying import Carried
from swe_sleep.sleep.situation import Situation

SLICE_S = 10.0
"""Seconds of pending tests (as they took last time) that one unit runs."""
FIRST_SLICE_S = 2.0
"""The same for what a change touched, at first: whoever made it waits for what it broke."""
UNKNOWN_S = 1.0
"""What a test is taken to last that never ran; one that the time ended before is seldom quick."""
MANY, LEAST_S = 20, 0.02
"""Where so many beside it have run, twice their median is taken, but no less than this."""


def by_interest(work: Situation, files: list[str]) -> tuple[list[str], list[str]]:
    """Test files near what changed last (changed themselves, named after it, or importing
    it), nearest first; and the others."""
    changed = {path for path in work.changed() if path in work.outlines.languages}
    graph = work.outlines.graph()
    importing = {file for path in changed for file in graph.importers_of(path)}
    names = {_stem(path) for path in changed}

    def distance(file: str) -> int:
        if file in changed:
            return 0
        return 1 if _stem(file) in names else 2 if file in importing else 3

    order = sorted(files, key=lambda file: (distance(file), file))
    return [f for f in order if distance(f) < 3], [f for f in order if distance(f) == 3]


def touched(carried: Sequence[Carried]) -> list[Carried]:
    """The same files, with nothing pending but what the last change may have touched."""
    return [
        replace(each, data=msgspec.structs.replace(each.data, pending=each.touched))
        for each in carried
    ]


def choose(carried: Sequence[Carried], slice_s: float | None = None) -> list[str]:
    """The pending tests that fit into one slice of time, most telling first, each file in turn.
    A file whose run was broken off by itself runs alone: it may take its neighbours down."""
    waiting = [each for each in carried if each.data.pending]
    queues = [list(each.data.pending) for each in waiting if not each.data.problem]
    if not queues:
        return list(waiting[0].data.pending) if waiting else []
    durations = {r.test_id: r.duration_s for each in waiting for r in each.data.results}
    unknown_s = UNKNOWN_S
    if len(durations) >= MANY:
        unknown_s = min(UNKNOWN_S, max(LEAST_S, 2 * statistics.median(durations.values())))
    for each in waiting:
        known = [r.duration_s for r in each.data.results]
        durations[each.path] = sum(known) or unknown_s * max(1, len(known))
    chosen: list[str] = []
    seconds = 0.0
    while any(queues):
        for tests in queues:
            if not tests:
                continue
            seconds += durations.get(tests[0], unknown_s)
            if seconds > (SLICE_S if slice_s is None else slice_s) and chosen:
                return chosen
            chosen.append(tests.pop(0))
    return chosen


def _stem(path: str) -> str:
    """What a source file and the tests named after it have in common."""
    name = PurePosixPath(path).stem
    return name.removeprefix("test_").removesuffix("_test").lstrip("_")
