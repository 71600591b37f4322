"""What past commits say of an issue: which files did commits touch that were told in its words.

A commit is a pair (message, files): the repository's own past is a training set for where its
issues lead, and the only one for an issue that names nothing. Only commits that lead to the
snapshot are given to this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from swe_sleep.locate.corpus import Corpus
from swe_sleep.locate.lexical import Floats, Question
from swe_sleep.locate.question import PARTS
from swe_sleep.notes.said import Words as Words

if TYPE_CHECKING:
    from swe_sleep.notes.past import Past

WIDE = 30
"""A commit of more files than this says nothing of any of them."""
NEAREST = 5
"""Commits that are shown as precedents."""
_TITLE = PARTS.index("title")
_RECENT = 300
"""Commits after which one counts for 1/e of what the newest counts."""
THIN = 200
"""Commits of a past that is believed half: the weights are fitted on long ones."""
_SATURATION = 0.3
"""Commits with a word, each by its share of files, that count half of what any number would."""

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Of each file of the corpus, all between 0 and 1 and 0 where nothing is known."""

    titled: Floats
    """The commit that is likest by the issue's title, of those that touched the file."""
    expanded: Floats
    """BM25 of the messages of all commits that touched the file, as if they stood in it."""
    recent: Floats
    """Commits, recent ones counting more."""
    busy: Floats
    """Commits of all times, by their logarithm."""
    nearest: tuple[int, ...] = ()
    """The commits told in the issue's words, the likest first, counted from the newest."""


@dataclass(frozen=True, slots=True)
class _Told:
    """Which commits say which of a question's terms: parallel, by commit."""

    commits: Ints
    terms: Ints


class Precedents:
    """The past of one corpus. `words` are those of the past's messages."""

    def __init__(self, corpus: Corpus, past: Past, words: Words) -> None:
        self._count = len(corpus.paths)
        self._total = len(past)
        self._trust = self._total / max(self._total + THIN, 1)
        self._words = words
        sizes = np.diff(past.starts)
        commits = np.repeat(np.arange(len(past), dtype=np.int64), sizes)
        here = np.array([corpus.number.get(path, -1) for path in past.paths], np.int64)
        files = here[past.files] if len(past.paths) else np.zeros(0, np.int64)
        kept = (files >= 0) & (sizes[commits] <= WIDE)
        self._files: Ints = files[kept]
        self._commits: Ints = commits[kept]
        """Parallel: a file of the corpus, and a commit that touched it."""
        self._share: Floats = 1.0 / sizes[self._commits]
        """What one of its files is of a commit."""

    def evidence(self, question: Question) -> Evidence:
        nothing: Floats = np.zeros(self._count)
        if not len(self._files):
            return Evidence(nothing, nothing, nothing, nothing)
        if not len(question.terms):
            return Evidence(nothing, nothing, self._recent, self._busy)
        told = self._told(question)
        held = np.bincount(told.terms, minlength=len(question.terms))
        idf = np.log1p((self._total - held + 0.5) / (held + 0.5))
        weights = np.minimum(np.log1p(question.counts).sum(axis=0) / np.log(2), 3.0)
        score = self._likeness(told, weights * idf)
        by_title = self._likeness(told, (question.counts[_TITLE] > 0) * idf)
        titled = nothing.copy()
        np.maximum.at(titled, self._files, by_title[self._commits] * np.sqrt(self._share))
        top = np.argsort(-score, kind="stable")[:NEAREST]
        return Evidence(
            titled=self._trust * _scaled(titled),
            expanded=self._trust * _scaled(self._expanded(told, weights)),
            recent=self._recent,
            busy=self._busy,
            nearest=tuple(int(n) for n in top if score[n] > 0),
        )

    @cached_property
    def _recent(self) -> Floats:
        faded = np.exp(-self._commits / _RECENT)
        counted = np.bincount(self._files, faded, self._count).astype(np.float64)
        return self._trust * _scaled(counted)

    @cached_property
    def _busy(self) -> Floats:
        return self._trust * _scaled(np.log1p(np.bincount(self._files, minlength=self._count)))

    @cached_property
    def _lengths(self) -> Floats:
        """Of each commit's message, against the mean."""
        lengths = np.diff(self._words.starts)
        found: Floats = lengths / max(float(lengths.mean()), 1.0)
        return found

    @cached_property
    def _teller(self) -> npt.NDArray[np.int64]:
        """Of each term of all messages, the commit."""
        return np.repeat(np.arange(len(self._words)), np.diff(self._words.starts))

    def _told(self, question: Question) -> _Told:
        at, which = question.meets(self._words.terms)
        return _Told(self._teller[at], which)

    def _likeness(self, told: _Told, weights: Floats) -> Floats:
        """Of each commit, by what the terms weigh that it shares."""
        shared = np.bincount(told.commits, weights[told.terms], minlength=self._total)
        found: Floats = shared / (0.4 + 0.6 * self._lengths)
        return found

    def _expanded(self, told: _Told, weights: Floats) -> Floats:
        """Every touch of a file joined with the terms of its commit, then BM25 over files."""
        count, size, files = self._count, len(weights), self._files
        ends = np.cumsum(np.bincount(told.commits, minlength=self._total))
        width = np.diff(ends, prepend=0)[self._commits]
        first = ends[self._commits] - width
        touch = np.repeat(np.arange(len(files)), width)
        begins = np.repeat(np.cumsum(width) - width, width)
        term = told.terms[first[touch] + np.arange(len(touch)) - begins]
        cell, place = np.unique(term * count + files[touch], return_inverse=True)
        uses = np.bincount(place, self._share[touch])
        term, file = cell // count, cell % count
        held = np.bincount(term, minlength=size)
        known = int(np.count_nonzero(np.bincount(file)))
        idf = np.log1p((known - held + 0.5) / (held + 0.5))
        bulk = np.bincount(files, self._share * self._lengths[self._commits], minlength=count)
        mean = float(bulk[bulk > 0].mean()) if (bulk > 0).any() else 1.0
        gain = uses / (uses + _SATURATION * (0.4 + 0.6 * bulk / mean)[file])
        found: Floats = np.bincount(file, gain * (weights * idf)[term], count).astype(np.float64)
        return found


def _scaled(values: npt.NDArray[Any]) -> Floats:
    most = float(values.max()) if len(values) else 0.0
    return values / most if most > 0 else np.zeros(len(values))
