"""How often the report's intervals hold the truth, and how often it claims a difference that is not
there.

    python -m benchmarks.coverage [--draws N] [--seed N] [--json FILE]

Paired differences are drawn of which the truth is known: of yes and no, many or few of which
differ; of costs that have a tail; by repository, where all tasks of one are alike; and break-even.
Each is judged by the same functions as a report's. `held`: of the intervals, those that hold the
truth (95 % is what they promise); `below` and `above`: those that the truth is below, or above;
`none`: draws that have no interval; `claimed`: the draws of a second series, without any difference
in truth, of which a report would say that there is one (at most 5 % is promised).
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from swe_sleep.evaluate.figures.costs import break_even
from swe_sleep.evaluate.figures.statistics import Chance, Interval, mcnemar, shown

SIZES = (12, 24, 60)
REPOSITORIES = 7
SLEEP, SAVED = 60.0, 4.0
"""Of the break-even that is drawn: what a sleep takes, and what an issue saves."""

Lots = np.random.Generator
Floats = NDArray[np.float64]
Draw = Callable[[Lots, int], Floats]


@dataclass(frozen=True)
class Line:
    kind: str
    pairs: int
    held: float
    below: float
    above: float
    none: float
    claimed: float | None


@dataclass(frozen=True)
class Kind:
    """Differences, the mean that they have in truth, and the same without a difference."""

    name: str
    draw: Draw
    truth: float
    null: Draw
    binary: bool = False


def yes_no(worse: float, better: float) -> Kind:
    """Pairs of which so many are worse and so many better."""
    name = f"resolved: {better:.0%} better, {worse:.0%} worse"
    half = (worse + better) / 2

    def draw(lots: Lots, n: int, worse: float = worse, better: float = better) -> Floats:
        return lots.choice([-1.0, 0.0, 1.0], n, p=[worse, 1 - worse - better, better])

    return Kind(name, draw, better - worse, partial(draw, worse=half, better=half), True)


def costs(spread: float) -> Kind:
    """Of costs that are log-normal in both arms."""

    def draw(lots: Lots, n: int, mean: float = 0.8) -> Floats:
        return lots.lognormal(1, spread, n) - lots.lognormal(mean, spread, n)

    truth = (math.exp(1) - math.exp(0.8)) * math.exp(spread**2 / 2)
    return Kind(f"costs: spread {spread:g}", draw, truth, partial(draw, mean=1.0))


def rare_gains() -> Kind:
    """Costs that differ by noise, but for three tasks in ten, of which notes save much."""

    def draw(lots: Lots, n: int, share: float = 0.3) -> Floats:
        much = np.where(lots.random(n) < share, lots.lognormal(1, 1, n), 0.0)
        return much + lots.normal(0, 0.2, n)

    return Kind("costs: much saved of 30 %", draw, 0.3 * math.exp(1.5), partial(draw, share=0.0))


KINDS = (
    yes_no(0.15, 0.30),
    yes_no(0.02, 0.06),
    yes_no(0.0, 0.10),
    costs(0.6),
    costs(1.2),
    rare_gains(),
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    print(f"{'':34}{'pairs':>6}{'held':>8}{'below':>8}{'above':>8}{'none':>8}{'claimed':>9}")
    found = []
    for line in lines(given.draws, np.random.default_rng(given.seed)):
        found.append(line)
        rest = "-" if line.claimed is None else f"{line.claimed:.1%}"
        shares = "".join(f"{each:8.1%}" for each in (line.held, line.below, line.above, line.none))
        print(f"{line.kind:34}{line.pairs:6}{shares}{rest:>9}", flush=True)
    if given.json:
        given.json.write_text(json.dumps([asdict(line) for line in found], indent=1) + "\n")


def lines(draws: int, lots: Lots) -> Iterator[Line]:
    chance = Chance(0)
    for kind in KINDS:
        for size in SIZES:
            found = [interval(kind, kind.draw(lots, size), chance) for _ in range(draws)]
            claims = sum(claimed(kind, kind.null(lots, size), chance) for _ in range(draws))
            yield line(kind.name, size, found, kind.truth, claims / draws)
    for size in SIZES[1:]:
        together = [by_repository(lots, size, chance) for _ in range(draws)]
        yield line(f"costs: by repository, of {REPOSITORIES}", size, together, 0.0)
    for size in SIZES:
        evens = [even(lots, size, chance) for _ in range(draws)]
        yield line("break-even N", size, evens, SLEEP / SAVED)


def line(
    kind: str,
    size: int,
    intervals: Sequence[Interval | None],
    truth: float,
    claims: float | None = None,
) -> Line:
    known = [each for each in intervals if each is not None]
    count = max(1, len(known))
    return Line(
        kind,
        size,
        sum(each.holds(truth) for each in known) / count,
        sum(truth < each.low for each in known) / count,
        sum(truth > each.high for each in known) / count,
        1 - len(known) / len(intervals),
        claims,
    )


def interval(kind: Kind, given: Floats, chance: Chance) -> Interval | None:
    judge = chance.gain_interval if kind.binary else chance.mean_interval
    return judge(list(given))


def claimed(kind: Kind, given: Floats, chance: Chance) -> bool:
    better, worse = int(np.sum(given > 0)), int(np.sum(given < 0))
    p = mcnemar(better, worse) if kind.binary else chance.sign_flips(list(given))
    return shown(interval(kind, given, chance), p)


def by_repository(lots: Lots, size: int, chance: Chance) -> Interval | None:
    """Half of what differs is the repository's."""
    names = [f"r{n % REPOSITORIES}" for n in range(size)]
    common = lots.normal(0, 1, REPOSITORIES)
    given = common[np.arange(size) % REPOSITORIES] + lots.normal(0, 1, size)
    return chance.mean_interval(list(given), names)


def even(lots: Lots, size: int, chance: Chance) -> Interval | None:
    """What an issue saves has a tail to either side; sleeps take about as much."""
    saved = SAVED + lots.lognormal(1, 0.8, size) - lots.lognormal(1, 0.8, size)
    sleeps = SLEEP * lots.uniform(0.8, 1.2, REPOSITORIES)[np.arange(size) % REPOSITORIES]
    members = np.bincount(np.arange(size) % REPOSITORIES)[np.arange(size) % REPOSITORIES]
    return break_even(1, list(saved), list(sleeps), list(1 / members), chance).interval


if __name__ == "__main__":
    main()
