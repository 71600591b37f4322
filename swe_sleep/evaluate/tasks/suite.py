"""What `--tasks` takes: a folder of tasks, a file or a folder of a data set, or its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from swe_sleep.errors import SweSleepError, UsageError
from swe_sleep.evaluate.mirrors import Mirrors
from swe_sleep.evaluate.tasks.bundled import HISTORY, bundled_folder, read_bundled
from swe_sleep.evaluate.tasks.swebench import day_in, read_instances
from swe_sleep.evaluate.tasks.task import Case, Suite
from swe_sleep.repo.cloning import clone_mirror

BUNDLED = "bundled"
REPO = "{repo}"
"""In the address to fetch from: where `owner/name` goes."""

_DATA_SET = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tasks, and from where."""

    name: str = ""
    """Empty, or "bundled": those that come with swe-sleep."""
    split: str = "test"
    only: tuple[str, ...] = ()
    """Ids of tasks, and repositories as `owner/name` or `name`; empty: all."""
    limit: int | None = None
    repos: Path | None = None
    """The folder of clones and mirrors."""
    fetch: str = ""
    """The address that a missing repository is cloned from, with `{repo}` in it; empty: none is."""


def cache_folder() -> Path:
    """Where built and fetched repositories are kept for the person."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("swe-sleep")) / "tasks"


def load(
    wanted: Wanted, cache: Path, *, progress: Callable[[str], None] = lambda line: None
) -> Suite:
    """The tasks that are wanted. Repositories that are built or fetched are kept below `cache`.

    A task whose repository is not to be had has no `sources`. Raises UsageError.
    """
    if wanted.fetch and REPO not in wanted.fetch:
        raise UsageError(
            f"{wanted.fetch!r} has no {REPO} in it.",
            f"Such as https://forge.example/{REPO}.git, where owner/name goes.",
        )
    try:
        return _load(wanted, cache, progress)
    except OSError as error:  # of a name that is too long, or a folder that may not be read
        raise UsageError(f"cannot read {wanted.name}: {error.strerror or error}.") from error


def _load(wanted: Wanted, cache: Path, progress: Callable[[str], None]) -> Suite:
    folder = _folder_of_tasks(wanted.name)
    if folder is not None:
        progress(f"tasks: reading {folder}")
        suite = read_bundled(folder, scratch=cache / "built", only=wanted.only)
        return replace(suite, cases=suite.cases[: wanted.limit])
    _check(wanted.name)
    progress(f"tasks: reading {wanted.name}")
    mirrors = None if wanted.repos is None else Mirrors(wanted.repos)
    suite = read_instances(wanted.name, mirrors, split=wanted.split)
    cases = _chosen(suite.cases, wanted.only)[: wanted.limit]
    if wanted.fetch:
        cases = _fetched(cases, wanted.fetch, cache / "repositories", progress)
    return replace(suite, cases=tuple(cases))


def missing(suite: Suite) -> dict[str, tuple[str, ...]]:
    """Repositories that are not here, with the ids of their tasks."""
    found: dict[str, tuple[str, ...]] = {}
    for case in suite.cases:
        if not case.task.sources:
            found[case.task.repo] = (*found.get(case.task.repo, ()), case.id)
    return found


def present(suite: Suite, repos: Path | None) -> Suite:
    """The tasks whose repository is here. Raises UsageError where that is none."""
    here = tuple(case for case in suite.cases if case.task.sources)
    if not here:
        names = ", ".join(sorted({case.task.repo for case in suite.cases}))
        raise UsageError(
            f"none of the repositories is here: {names}."
            if repos is None
            else f"none of the repositories is below {repos}: {names}.",
            "Give clones or mirrors with --repos, or --fetch an address to clone from.",
        )
    return replace(suite, cases=here)


def _folder_of_tasks(name: str) -> Path | None:
    """The folder, if the name is one of tasks in our own form."""
    if name in ("", BUNDLED) and not (name and Path(name).exists()):
        return bundled_folder()
    folder = Path(name)
    if not folder.is_dir():
        return None
    holds = any((each / HISTORY).is_dir() for each in folder.iterdir() if each.is_dir())
    return folder if holds else None


def _check(name: str) -> None:
    """Raises UsageError for what is neither here nor could be a data set's name."""
    if Path(name).exists() or (_DATA_SET.fullmatch(name) and Path(name).suffix not in _FILES):
        return
    raise UsageError(
        f"there is no {name}.",
        "Give a folder of tasks, a .jsonl, .json or .parquet file, or a data set's owner/name.",
    )


_FILES = (".jsonl", ".json", ".parquet")


def _chosen(cases: Sequence[Case], only: Iterable[str]) -> list[Case]:
    """Those that are named. Raises UsageError for a name that none has."""
    wanted = list(only)
    for name in wanted:
        if not any(_is(case, name) for case in cases):
            repos = sorted({case.task.repo for case in cases})
            more = ", ..." if len(repos) > 10 else ""
            raise UsageError(
                f"there is no task and no repository {name!r}.",
                f"There are tasks of {', '.join(repos[:10])}{more}.",
            )
    return [case for case in cases if not wanted or any(_is(case, name) for name in wanted)]


def _is(case: Case, name: str) -> bool:
    return name in (case.id, case.task.repo, case.task.repo.partition("/")[2])


def _fetched(
    cases: Sequence[Case], address: str, folder: Path, progress: Callable[[str], None]
) -> list[Case]:
    """The cases, with what was missing cloned into the folder. Raises SweSleepError where no
    repository at all can be had."""
    lacking = dict.fromkeys(case.task.repo for case in cases if not case.task.sources)
    problems: list[SweSleepError] = []
    for repo in lacking:
        place = folder / f"{repo.replace('/', '__')}.git"
        if not place.is_dir():
            progress(f"cloning {repo}")
            try:
                clone_mirror(address.replace(REPO, repo), place)
            except SweSleepError as error:
                problems.append(error)
                progress(f"missing: {error}")
    if problems and len(problems) == len({case.task.repo for case in cases}):
        raise problems[0]
    cloned = Mirrors(folder) if folder.is_dir() else None
    return [_with_source(case, cloned) for case in cases]


def _with_source(case: Case, mirrors: Mirrors | None) -> Case:
    task = case.task
    if task.sources or mirrors is None:
        return case
    sources = mirrors.find(task.repo)
    day = task.day or day_in(sources, task.base_commit)
    return replace(case, task=replace(task, sources=sources, day=day))
