"""Best-first order of candidates over many suspicious places.

A candidate's score is its place's share of the suspicion times its prior times a preference for
small edits. The share falls with the place's rank: the first ten places hold most of the faults,
whatever the values of the formulas. Places are opened only when their best possible score comes
up, and each candidate taken from a place makes the next one from there wait longer, so that a hot
line with hundreds of candidates does not starve the others.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from swe_sleep.records import Place, Suspicion
from swe_sleep.repair.candidates import Candidate, candidates_at
from swe_sleep.repair.lessons import Lesson
from swe_sleep.repair.source import Source, compiles_quietly
from swe_sleep.repair.spot import Spot
from swe_sleep.repair.templates import TEMPLATES, Template

TIERS = (0.75, 0.6, 0.5, 0.4)
PATIENCE = 40
"""So many candidates from one place halve the score of its next."""
HALF = 6
"""The rank at which a place's share is half the first one's."""


@dataclass(frozen=True, slots=True)
class Ranked:
    candidate: Candidate
    score: float


def smallness(candidate: Candidate) -> float:
    """1 for a tiny edit, falling slowly: 40 bytes 0.83, 200 bytes 0.5."""
    return 200 / (200 + candidate.size)


def best_first(
    suspicions: Sequence[Suspicion],
    sources: Mapping[str, Source],
    *,
    past: Mapping[str, Source] | None = None,
    lessons: Sequence[Lesson] = (),
    types: Mapping[Place, Mapping[str, frozenset[str]]] | None = None,
    first: Iterable[Candidate] = (),
    templates: Sequence[Template] = TEMPLATES,
) -> Iterator[Ranked]:
    """Every candidate that compiles, changes something and was not given before.

    `first` are candidates that stand on their own evidence (the recent change put back); they
    come with the full suspiciousness of 1. `past` are earlier versions of files, `lessons` what
    past fixes replaced, `types` the types of values seen in runs, per place and name."""
    order = itertools.count()
    seen: set[bytes] = set()
    tiers = _tiers(templates)
    # Entries: (-score now, order, place, templates if not opened yet, taken, rest of the list)
    queue: list[_Entry] = []
    own = sorted((Ranked(c, c.prior * smallness(c)) for c in first), key=lambda r: -r.score)
    if own:
        heapq.heappush(queue, (-own[0].score, next(order), None, (), 0, own))
    for suspicion in _shared(suspicions):
        for tier in tiers:
            best = -suspicion.score * tier[0].prior
            heapq.heappush(queue, (best, next(order), suspicion, tier, 0, []))
    while queue:
        _, _, place, closed, taken, rest = heapq.heappop(queue)
        if closed and place is not None:
            spot = _spot(place, sources, past or {}, tuple(lessons), types)
            rest = _open(place, spot, closed) if spot is not None else []
        else:
            ranked = rest.pop(0)
            shape = _shape(ranked.candidate, sources)
            if shape is not None and shape not in seen:
                seen.add(shape)
                taken += 1
                yield ranked
        if rest:
            waiting = 1.0 if place is None else PATIENCE / (PATIENCE + taken)
            heapq.heappush(queue, (-rest[0].score * waiting, next(order), place, (), taken, rest))


def _shared(suspicions: Sequence[Suspicion]) -> list[Suspicion]:
    """The suspicions with their share instead of their score: 1 for the first, half of it at rank
    `HALF`. Equal scores share the mean of their ranks."""
    if not suspicions:
        return []
    most = suspicions[0].score
    shared: list[Suspicion] = []
    for score, group in itertools.groupby(suspicions, key=lambda s: round(s.score, 6)):
        equal = list(group)
        rank = len(shared) + (len(equal) - 1) / 2
        shared += [replace(s, score=score / most / (1 + rank / HALF)) for s in equal]
    return shared


_Entry = tuple[float, int, Suspicion | None, Sequence[Template], int, list[Ranked]]


def _tiers(templates: Sequence[Template]) -> list[tuple[Template, ...]]:
    """The templates in groups by prior, each group's highest first: a place's unlikely templates
    are not run before their turn."""
    ranked = sorted(templates, key=lambda t: -t.prior)
    groups = itertools.groupby(ranked, key=lambda t: sum(t.prior >= limit for limit in TIERS))
    return [tuple(group) for _, group in groups]


def _spot(
    suspicion: Suspicion,
    sources: Mapping[str, Source],
    past: Mapping[str, Source],
    lessons: tuple[Lesson, ...],
    types: Mapping[Place, Mapping[str, frozenset[str]]] | None,
) -> Spot | None:
    place = suspicion.place
    source = sources.get(place.path)
    statement = source.statement_at(place.line) if source and place.line is not None else None
    if source is None or statement is None:
        return None
    earlier = (past[source.path],) if source.path in past else ()
    seen = None if types is None else types.get(place)
    return Spot(source, statement, earlier, lessons, seen)


def _open(suspicion: Suspicion, spot: Spot, templates: Sequence[Template]) -> list[Ranked]:
    found = [
        Ranked(c, suspicion.score * c.prior * smallness(c)) for c in candidates_at(spot, templates)
    ]
    return sorted(found, key=lambda r: -r.score)


def _shape(candidate: Candidate, sources: Mapping[str, Source]) -> bytes | None:
    """What the candidate would mean; None if it does not compile or means what stands there."""
    if len(candidate.paths) == 1:
        source = sources[candidate.paths[0]]
        edit = candidate.joined(source.content)
        shape = source.shape(edit.start, edit.end, edit.replacement)
        return None if shape == source.unchanged(edit.start, edit.end) else shape
    contents = {path: sources[path].content for path in candidate.paths}
    files = candidate.apply(contents)
    return candidate.digest(contents) if all(map(compiles_quietly, files.values())) else None
