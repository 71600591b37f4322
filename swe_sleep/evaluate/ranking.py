"""One instance, ranked at its base commit, in a process of its own.

The repository is opened so that the commit and its ancestors are all there is, and what the fix
touched is looked at only after the ranking is made.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec

from swe_sleep.errors import UsageError
from swe_sleep.evaluate.gold import GOLD_VERSION, gold_of, is_ranked, stratum
from swe_sleep.evaluate.instances import Instance
from swe_sleep.evaluate.localisation import Located, Placed, Ranks
from swe_sleep.evaluate.mirrors import at_commit
from swe_sleep.notes.store import Store
from swe_sleep.records import Place
from swe_sleep.repo.repository import Repository
from swe_sleep.sandbox.owners import scratch

LIMIT = 50
"""How far down a ranking is looked; what is not found by then counts as not found."""
KEPT = 10


class Found(Protocol):
    @property
    def place(self) -> Place: ...
    @property
    def qualname(self) -> str: ...
    @property
    def score(self) -> float: ...
    @property
    def why(self) -> tuple[str, ...]: ...


class Ranking(Protocol):
    @property
    def files(self) -> Sequence[Found]: ...
    @property
    def functions(self) -> Sequence[Found]: ...
    @property
    def confidence(self) -> float: ...
    @property
    def sure(self) -> bool: ...
    @property
    def pending(self) -> tuple[str, ...]: ...


class Locator(Protocol):
    """Anything that ranks. `VERSION` changes whenever a ranking may. What `without` may hold can be
    stated in `FEATURES`."""

    VERSION: str

    @classmethod
    def of_commit(
        cls,
        repository: Repository,
        revision: str,
        store: Store,
        *,
        progress: Callable[[str], None],
    ) -> Locator: ...

    def locate(
        self, text: str, *, limit: int = LIMIT, without: frozenset[str] = frozenset()
    ) -> Ranking: ...


@dataclass(frozen=True, slots=True)
class Ranker:
    """Which ranking, as processes can be told it: where its class is (`module:attribute`), and
    which of its features are switched off."""

    place: str
    without: frozenset[str] = frozenset()

    def load(self) -> type[Locator]:
        module, _, attribute = self.place.partition(":")
        found: type[Locator] = getattr(importlib.import_module(module), attribute)
        return found

    def check(self) -> None:
        """Raises UsageError for a feature that the ranking says it does not have."""
        features: Iterable[str] | None = getattr(self.load(), "FEATURES", None)
        unknown = sorted(self.without.difference(features)) if features is not None else []
        if features is not None and unknown:
            raise UsageError(
                f"the ranking has no feature {', '.join(unknown)}.",
                f"It has: {', '.join(sorted(features))}.",
            )

    def digest(self) -> str:
        """Over everything that a ranking depends on besides the instance: the version it states,
        what is switched off, and its package's own files, weights included."""
        facts = [self.place, self.load().VERSION, *sorted(self.without), f"{LIMIT} {GOLD_VERSION}"]
        return hashlib.sha256("\0".join([*facts, self._code()]).encode()).hexdigest()

    def _code(self) -> str:
        module = self.place.partition(":")[0]
        package = importlib.util.find_spec(module.rpartition(".")[0] or module)
        digest = hashlib.sha256()
        for folder in (package.submodule_search_locations or ()) if package else ():
            for file in sorted(Path(folder).rglob("*")):
                if file.is_file() and "__pycache__" not in file.parts:
                    digest.update(f"{file.relative_to(folder)}\0".encode())
                    digest.update(hashlib.sha256(file.read_bytes()).digest())
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Request:
    """One instance to be ranked. `sources` are the git directories that may have its commit; the
    store is shared by all instances of a repository, as artefacts are keyed by content."""

    instance: Instance
    sources: tuple[Path, ...]
    store: Path
    ranker: Ranker
    key: str

    @property
    def group(self) -> str:
        """Its repository, whose notes are warm for the next one."""
        return self.instance.repo


def key_of(instance: Instance, digest: str) -> str:
    """What a result is kept by: another issue, commit, gold or ranking is another result."""
    return hashlib.sha256(msgspec.json.encode(instance) + digest.encode()).hexdigest()


def rank(request: Request, progress: Callable[[str], None]) -> Located:
    """Rank one instance. Raises RepositoryError where no source has the commit."""
    instance = request.instance
    with (
        scratch() as folder,
        at_commit(request.sources, instance.base_commit, folder) as repository,
    ):
        return _rank(request, repository, progress)


def _rank(request: Request, repository: Repository, progress: Callable[[str], None]) -> Located:
    instance, ranker = request.instance, request.ranker
    kind = ranker.load()
    snapshot = repository.snapshot()
    assert snapshot.head is not None
    store = Store(request.store)
    try:
        begun = time.perf_counter()
        locator = kind.of_commit(repository, snapshot.head, store, progress=progress)
        made = time.perf_counter()
        ranking = locator.locate(instance.problem_statement, limit=LIMIT, without=ranker.without)
        ended = time.perf_counter()
    finally:
        store.close()
    files = _first(ranking.files, lambda found: found.place.path)
    functions = _first(ranking.functions, _function)
    gold = gold_of(instance, snapshot)
    return Located(
        key=request.key,
        instance_id=instance.instance_id,
        repo=instance.repo,
        base_commit=instance.base_commit,
        stratum=stratum(instance.problem_statement, gold, snapshot) if gold.files else None,
        file_ranks=_ranks(gold.files, files),
        function_ranks=_ranks(gold.functions, functions) if gold.files else {},
        confidence=ranking.confidence,
        sure=ranking.sure,
        files=tuple(_placed(each) for each in list(files.values())[:KEPT]),
        functions=tuple(_placed(each) for each in list(functions.values())[:KEPT]),
        pending=tuple(ranking.pending),
        n_files=sum(map(is_ranked, snapshot.files)),
        notes_s=made - begun,
        locate_s=ended - made,
    )


def _function(found: Found) -> str:
    return f"{found.place.path}::{found.qualname}"


def _first(found: Sequence[Found], name: Callable[[Found], str]) -> dict[str, Found]:
    """By name, in order and once each, those that take part."""
    first: dict[str, Found] = {}
    for each in found:
        if is_ranked(each.place.path):
            first.setdefault(name(each), each)
    return first


def _ranks(gold: Sequence[str], found: dict[str, Any]) -> Ranks:
    order = {name: number for number, name in enumerate(found, 1)}
    return {name: order.get(name) for name in gold}


def _placed(found: Found) -> Placed:
    return Placed(found.place, found.qualname, float(found.score), tuple(found.why))
