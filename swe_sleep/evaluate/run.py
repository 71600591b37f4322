"""An evaluation of a ranking on many instances: resumed, spread over processes, and accounted for:
every instance ends as a result, as an error with its reason, or as one whose repository is missing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from swe_sleep.errors import UsageError
from swe_sleep.evaluate.executors.local import LocalExecutor
from swe_sleep.evaluate.instances import Instance
from swe_sleep.evaluate.journal import Journal
from swe_sleep.evaluate.localisation import Located, Summary, summarise
from swe_sleep.evaluate.mirrors import Mirrors
from swe_sleep.evaluate.pool import Done, Failed
from swe_sleep.evaluate.ranking import Ranker, Request, key_of, rank


@dataclass(frozen=True, slots=True)
class Failure:
    """An instance that could not be ranked. `detail` is the traceback of a bug of ours."""

    instance_id: str
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Missing:
    """A repository that is not here, and its instances."""

    repo: str
    instance_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What became of every instance."""

    summary: Summary
    results: tuple[Located, ...]
    failures: tuple[Failure, ...]
    missing: tuple[Missing, ...]
    left: int
    """Instances that a stopped run did not come to."""
    resumed: int
    """Of the results, those of an earlier run."""
    wall_s: float
    journal: Path

    @property
    def whole(self) -> bool:
        return not (self.failures or self.missing or self.left)


def chosen(
    instances: Sequence[Instance], only: Iterable[str] = (), limit: int | None = None
) -> list[Instance]:
    """Those of the repositories (`owner/name` or `name`), and no more than the first `limit`.
    Raises UsageError for a repository that no instance is of."""
    wanted = list(only)
    known = {instance.repo for instance in instances}
    for name in wanted:
        if not any(_is(repo, name) for repo in known):
            raise UsageError(
                f"no instance is of {name}.", f"There are: {', '.join(sorted(known))}."
            )
    found = [
        each for each in instances if not wanted or any(_is(each.repo, name) for name in wanted)
    ]
    return found if limit is None else found[:limit]


def _is(repo: str, name: str) -> bool:
    return name in (repo, repo.partition("/")[2])


def evaluate(
    instances: Sequence[Instance],
    mirrors: Mirrors,
    ranker: Ranker,
    work: Path,
    *,
    jobs: int = 1,
    again: bool = False,
    progress: Callable[[str], None] = lambda text: None,
    stop: Callable[[], bool] = lambda: False,
) -> Report:
    """Rank the instances and judge the rankings. `work` takes the results, by which a run goes on,
    and the notes; `again` ranks what was ranked before too. Raises UsageError."""
    begun = time.monotonic()
    ranker.check()
    journal = Journal(work / "located.jsonl")
    digest = ranker.digest()
    keys = {each.instance_id: key_of(each, digest) for each in instances}
    known = {} if again else journal.read()
    sources = {repo: mirrors.find(repo) for repo in dict.fromkeys(each.repo for each in instances)}
    missing = [repo for repo, found in sources.items() if not found]
    if missing and len(missing) == len(sources):
        raise UsageError(
            f"none of the repositories is below {mirrors.folder}: {', '.join(missing)}.",
            "Put clones or mirrors there, as owner/name, owner__name or owner+name.",
        )
    results = {k: known[k] for k in keys.values() if k in known}
    resumed = len(results)
    here = [each for each in instances if sources[each.repo]]
    failures: list[Failure] = []
    clock = _Clock(len(here), resumed)
    progress(clock.line())
    requests = [
        Request(
            instance=each,
            sources=sources[each.repo],
            store=work / "notes" / f"{each.repo.replace('/', '+')}.db",
            ranker=ranker,
            key=keys[each.instance_id],
        )
        for each in here
        if keys[each.instance_id] not in results
    ]
    for event in LocalExecutor(jobs).run(rank, requests, stop=stop):
        if isinstance(event, Done):
            journal.write(event.answer)
            results[event.answer.key] = event.answer
            progress(clock.tick())
        elif isinstance(event, Failed):
            name = event.request.instance.instance_id
            failures.append(Failure(name, event.reason, event.detail))
            progress(clock.tick())
        else:
            progress(f"{clock.line()}; {event.request.instance.repo}: {event.text}")
    ordered = tuple(results[k] for k in keys.values() if k in results)
    return Report(
        summarise(ordered),
        ordered,
        tuple(failures),
        tuple(
            Missing(repo, tuple(each.instance_id for each in instances if each.repo == repo))
            for repo in missing
        ),
        left=len(here) - len(ordered) - len(failures),
        resumed=resumed,
        wall_s=time.monotonic() - begun,
        journal=journal.path,
    )


class _Clock:
    """How far it is, and how long the rest may take at the pace so far."""

    def __init__(self, total: int, done: int) -> None:
        self.total, self.done = total, done
        self._before = done
        self._begun = time.monotonic()

    def tick(self) -> str:
        self.done += 1
        return self.line()

    def line(self) -> str:
        now = self.done - self._before
        text = f"ranking: {self.done}/{self.total} done"
        if not now or self.done == self.total:
            return text
        seconds = (time.monotonic() - self._begun) / now * (self.total - self.done)
        return f"{text}, about {_duration(seconds)} left"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
