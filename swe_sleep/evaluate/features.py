"""Tasks that are judged by the files they modify (SWE-Features; Lin et al., arXiv 2504.13171,
section 6): the score, and a prediction that needs no model.

A file counts if it was there before and is code of the project's own. New files do not: their
names are anybody's choice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Protocol

from swe_sleep.repo.diff import files_of
from swe_sleep.testing.discovery import is_test_path

if TYPE_CHECKING:
    from swe_sleep.evaluate.tasks.task import Related
    from swe_sleep.notes.past import Past
    from swe_sleep.records import Place
    from swe_sleep.repo.repository import Repository

_CODE = re.compile(
    r"\.(?:pyi?|pyx|[cm]?jsx?|tsx?|vue|svelte|go|rs|java|kt|scala|[ch]|cc|[ch]pp|cxx|cs|rb|php|swift)$"
)
WITHOUT = frozenset({"past", "activity"})
"""The features of the locator that older changes teach; the arm `off` is without them."""

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


def f1_of(patch: str, files: Sequence[str]) -> Score:
    """`score` of a patch: (precision, recall, f1)."""
    return score(patch, files)


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
    """How far down a ranking is taken. Fitted by `benchmarks/features.py`."""

    share: float
    """Of the first file's score, what a file needs."""
    least: int
    most: int
    together: float = 0.0
    """What it weighs that a file was changed together with the first ones before."""
    leaders: int = 1
    """How many first files lead to others."""


ALONE = Cut(share=0.08, least=3, most=8)
"""Where nothing is known of older changes."""
WITH_PAST = Cut(share=0.12, least=3, most=8)
"""With what the locator knows of them. That files were changed together weighs nothing beside: with
no weight that was tried did the F1 rise on the tasks that the cuts were fitted on."""


class Together:
    """Which files older changes touched together."""

    WIDE = 30
    """A commit of more files than this says nothing of any two of them."""
    DOUBT = 3.0
    """Commits that a file is taken to have been changed alone in, beside those that are known."""

    def __init__(self, past: Past) -> None:
        self._past = past

    @cached_property
    def _commits(self) -> dict[str, list[int]]:
        """The commits that touched each path, the wide ones left out."""
        found: dict[str, list[int]] = {}
        starts, files, paths = self._past.starts, self._past.files, self._past.paths
        for commit in range(len(self._past)):
            touched = files[starts[commit] : starts[commit + 1]]
            if 1 < len(touched) <= self.WIDE:
                for file in touched.tolist():
                    found.setdefault(paths[file], []).append(commit)
        return found

    def shares(self, path: str) -> Mapping[str, float]:
        """Other files, with the share of the path's commits that touched them too."""
        commits = self._commits.get(path, ())
        starts, files, paths = self._past.starts, self._past.files, self._past.paths
        counts: dict[str, float] = {}
        for commit in commits:
            for file in files[starts[commit] : starts[commit + 1]].tolist():
                name = paths[file]
                if name != path:
                    counts[name] = counts.get(name, 0.0) + 1.0
        whole = len(commits) + self.DOUBT
        return {name: count / whole for name, count in counts.items()}


def predicted_files(
    ranking: Ranking,
    together: Together | None = None,
    *,
    there: Iterable[str] | None = None,
    cut: Cut | None = None,
) -> tuple[str, ...]:
    """The files that a change modifies, as a ranking has them, the likeliest first; with what older
    changes teach where `together` is given. `there` are the files that there are: older changes
    know of others too."""
    chosen = cut or (ALONE if together is None else WITH_PAST)
    known = [each for each in ranking.files if is_counted(each.place.path)]
    if not known:
        return ()
    first = max(known[0].score, 1e-12)
    scores = {each.place.path: each.score / first for each in known}
    if together is not None and chosen.together:
        present = set(scores) if there is None else set(there)
        for leader in known[: chosen.leaders]:
            weight = chosen.together * leader.score / first
            for path, share in together.shares(leader.place.path).items():
                if path in present and is_counted(path):
                    scores[path] = scores.get(path, 0.0) + weight * share
    ordered = sorted(scores, key=lambda path: -scores[path])
    level = chosen.share * scores[ordered[0]]
    return tuple(
        path
        for place, path in enumerate(ordered[: chosen.most])
        if place < chosen.least or scores[path] >= level
    )
