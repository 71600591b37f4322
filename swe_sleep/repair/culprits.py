"""Which hunks of a change make a test fail: delta debugging over the hunks.

Zeller's ddmin (Yesterday, my program worked. Today, it does not. Why?, 1999), with the hunks that
the failing test runs tried first. A mixture of old and new hunks may not even import; one that
fails in another way than the whole change does tells nothing, and counts as not failing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from swe_sleep.records import Place
from swe_sleep.repair.history import Hunk, hunks

MOST_RUNS = 40

Contents = Mapping[str, bytes]
Fails = Callable[[Contents], bool]
"""Whether the test fails, as it does with the whole change, with these contents of the changed
files."""


@dataclass(frozen=True, slots=True)
class Culprits:
    """The hunks that it takes for the test to fail. Empty where the change as a whole is not why
    it fails, as far as the old contents can show."""

    places: tuple[Place, ...] = ()
    """Lines of the present text; where the hunk only took lines away, the line after them."""
    hunks: int = 0
    """Of the whole change."""
    runs: int = 0
    smallest: bool = False
    """None of them can be left out. False where the runs came to their end before."""


def culprits(
    before: Contents,
    after: Contents,
    fails: Fails,
    *,
    ran: Mapping[str, Collection[int]] | None = None,
    most_runs: int = MOST_RUNS,
    stop: Callable[[], bool] = lambda: False,
) -> Culprits:
    """Find them between two contents of the same files. `ran` are the lines of the present text
    that the failing test runs, by path."""
    every = [hunk for path in sorted(before) for hunk in hunks(path, before[path], after[path])]
    trial = _Trial(after, every, fails, most_runs, stop)
    if not every or trial.fails([]) or not trial.fails(every):
        return Culprits(hunks=len(every), runs=trial.runs)
    left: Sequence[Hunk] = every
    if ran is not None:
        reached = [hunk for hunk in every if _is_run(hunk, after, ran.get(hunk.path, ()))]
        if 0 < len(reached) < len(every) and trial.fails(reached):
            left = reached
    left = _smallest(left, trial)
    return Culprits(
        tuple(place_of(hunk, after) for hunk in left), len(every), trial.runs, not trial.over
    )


class _Trial:
    """Runs the test on mixtures, each once."""

    def __init__(
        self,
        after: Contents,
        every: Sequence[Hunk],
        fails: Fails,
        most_runs: int,
        stop: Callable[[], bool],
    ) -> None:
        self._after = after
        self._every = every
        self._fails = fails
        self._most_runs = most_runs
        self._stop = stop
        self._known: dict[frozenset[Hunk], bool] = {}
        self.runs = 0

    @property
    def over(self) -> bool:
        return self.runs >= self._most_runs or self._stop()

    def fails(self, present: Sequence[Hunk]) -> bool:
        """Whether it fails with only these hunks of the change; False once the runs are over."""
        chosen = frozenset(present)
        if chosen not in self._known:
            if self.over:
                return False
            self.runs += 1
            self._known[chosen] = self._fails(mixture(self._after, self._every, chosen))
        return self._known[chosen]


def mixture(after: Contents, every: Sequence[Hunk], present: Collection[Hunk]) -> dict[str, bytes]:
    """The present contents with every hunk taken back but those in `present`."""
    mixed = dict(after)
    for hunk in sorted(every, key=lambda h: (h.path, -h.start, -h.end)):
        if hunk not in present:
            text = mixed[hunk.path]
            mixed[hunk.path] = text[: hunk.start] + hunk.old + text[hunk.end :]
    return mixed


def _smallest(hunks: Sequence[Hunk], trial: _Trial) -> Sequence[Hunk]:
    parts = 2
    while len(hunks) > 1 and not trial.over:
        size = -(-len(hunks) // parts)
        chunks = [hunks[i : i + size] for i in range(0, len(hunks), size)]
        rests = [[h for h in hunks if h not in chunk] for chunk in chunks]
        if (found := next((c for c in chunks if trial.fails(c)), None)) is not None:
            hunks, parts = found, 2
        elif parts > 2 and (rest := next((r for r in rests if trial.fails(r)), None)) is not None:
            hunks, parts = rest, max(parts - 1, 2)
        elif parts >= len(hunks):
            break
        else:
            parts = min(len(hunks), 2 * parts)
    return hunks


def place_of(hunk: Hunk, after: Contents) -> Place:
    """A hunk's lines in the present text."""
    content = after[hunk.path]
    added = content[hunk.start : hunk.end].splitlines()
    last = max(1, len(content.splitlines()))
    first = min(hunk.line, last)
    return Place(hunk.path, first, first + len(added) - 1 if len(added) > 1 else None)


def _is_run(hunk: Hunk, after: Contents, lines: Collection[int]) -> bool:
    place = place_of(hunk, after)
    first, last = place.line or 1, place.end_line or place.line or 1
    if not after[hunk.path][hunk.start : hunk.end]:
        first -= 1  # lines were taken away: what ran around the gap
    return any(line in lines for line in range(first, last + 1))
