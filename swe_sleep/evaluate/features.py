"""Tasks that are judged by the files they modify (SWE-Features; Lin et al., arXiv 2504.13171,
section 6): the score, and a prediction that needs no model.

A file counts if it was there before and is code of the project's own. New files do not: their
names are anybody's choice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from swe_sleep.repo.diff import files_of
from swe_sleep.testing.discovery import is_test_path

if TYPE_CHECKING:
    from swe_sleep.evaluate.tasks.task import Related
    from swe_sleep.records import Place
    from swe_sleep.repo.repository import Repository

_CODE = re.compile(
    r"\.(?:pyi?|pyx|[cm]?jsx?|tsx?|vue|svelte|go|rs|java|kt|scala|[ch]|cc|[ch]pp|cxx|cs|rb|php|swift)$"
)

_BESIDE = re.compile(r"(^|/)(docs?|doc_src|examples?|benchmarks?|asv_bench|news|changes|\.github)/")
_TESTS = re.compile(r"(^|/)(tests?|__tests__|spec)/|\.(test|spec)\.\w+$")


class Score(NamedTuple):
    """Of a set of files against the right one, each from 0 to 1. Unpacks as its three numbers."""

    precision: float
    recall: float
    f1: float


def is_counted(path: str) -> bool:
    """Whether a file is code of the project's own: no test, document or example."""
    beside = is_test_path(path) or _TESTS.search(path) or _BESIDE.search(path)
    return bool(_CODE.search(path)) and not beside


def modified_files(patch: str) -> tuple[str, ...]:
    """The files that a diff modifies, by the names they had before; not those that it brings or
    deletes. Raises RepositoryError for a diff that is cut short."""
    names = (each.old_path for each in files_of(patch) if each.old_path and each.new_path)
    return tuple(dict.fromkeys(names))


def score(found: str | Iterable[str], right: Iterable[str]) -> Score:
    """How well a patch, or a set of files, meets the right files. What does not count is passed
    over, unless it is one of the right ones. Nothing found scores 0."""
    wanted = set(right)
    given = modified_files(found) if isinstance(found, str) else found
    touched = {path for path in given if path in wanted or is_counted(path)}
    hits = len(touched & wanted)
    if not hits:
        return Score(0.0, 0.0, 0.0)
    precision, recall = hits / len(touched), hits / len(wanted)
    return Score(precision, recall, 2 * precision * recall / (precision + recall))


def older(repository: Repository, named: Iterable[Related]) -> tuple[Related, ...]:
    """Those of the changes that HEAD stands on. What a file of tasks names as older may be younger,
    and then it could be the answer."""
    leads = ("merge-base", "--is-ancestor")
    return tuple(
        each for each in named if repository.git.ask(*leads, each.commit, "HEAD") is not None
    )


class Found(Protocol):
    @property
    def place(self) -> Place: ...
    @property
    def score(self) -> float: ...


class Ranking(Protocol):
    @property
    def files(self) -> Sequence[Found]: ...


@dataclass(frozen=True, slots=True)
class Cut:
    """How far down a ranking is taken. Fitted by `benchmarks/features.py`, which also tried to add
    files that were changed together with the first ones before: with no weight did the F1 rise."""

    share: float
    """Of the first file's score, what a file needs."""
    least: int
    most: int


CUT = Cut(share=0.12, least=3, most=8)


def predicted_files(ranking: Ranking, cut: Cut = CUT) -> tuple[str, ...]:
    """The files that a change modifies, as a ranking has them, the likeliest first."""
    known = [each for each in ranking.files if is_counted(each.place.path)][: cut.most]
    level = cut.share * known[0].score if known else 0.0
    return tuple(
        each.place.path
        for place, each in enumerate(known)
        if place < cut.least or each.score >= level
    )
