"""The tasks that come with swe-sleep, and others of the same form: text files that can be reviewed.

    PACKAGE/history/0001-subject.patch ...   the repository, as `git format-patch` writes it
    PACKAGE/ISSUE/task.toml                  what the task is (`_Table`)
    PACKAGE/ISSUE/issue.md                   the issue as a user would write it
    PACKAGE/ISSUE/gold.patch                 a diff on the base commit that mends it
    PACKAGE/ISSUE/tests/...                  the hidden tests, whole files at their places

The repository is built of its patches once and kept by their content.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

import swe_sleep
from swe_sleep.errors import RepositoryError, UsageError
from swe_sleep.evaluate.tasks.task import Answer, Case, Stated, Suite, Task
from swe_sleep.repo.replay import is_whole, replay

BUILD_VERSION = 1
"""Goes up when the same patches would make other commits."""
PACKED = "bundled_tasks"
"""The folder's name in a wheel, in the package."""
HISTORY, TASK, ISSUE, GOLD, TESTS = "history", "task.toml", "issue.md", "gold.patch", "tests"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*", re.ASCII)
_PATCH = re.compile(r"(\d{4})-.*\.patch", re.ASCII)
_TEST_ID = re.compile(r"[^:\s][^:]*\.py::\S.*", re.DOTALL)
_LISTING = "swe-sleep-commits"
"""In a repository that was built: its commits' ids. Written last."""


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`task.toml`."""

    id: str
    """PACKAGE-ISSUE."""
    repository: str
    title: str
    fail_to_pass: tuple[str, ...]
    pass_to_pass: tuple[str, ...] | Literal["rest"] = "rest"
    """Test ids, or "rest": whatever else passes on the base commit."""
    base: str = ""
    """The number of the patch that the issue is reported against, such as "0007"; empty: the last
    one."""
    older: str = ""
    """The number of an older one, whose notes are stale; empty: half-way to the base."""
    commit: str = ""
    """The base commit's id, or how it begins, as a check that histories are built alike."""
    difficulty: Literal["", "easy", "medium", "hard"] = ""
    tags: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
    """Tests of the visible suite that fail on the base commit."""
    missing_import: bool = False
    """Whether hidden tests may fail for want of what they import."""


@dataclass(frozen=True, slots=True)
class _History:
    """A repository that was built: where, and its commits by the numbers of their patches."""

    git_dir: Path
    commits: Mapping[str, str]


def bundled_folder() -> Path:
    """The tasks that come with swe-sleep. Raises UsageError where they were left out."""
    package = Path(swe_sleep.__file__).parent
    for folder in (package / PACKED, package.parent / "tasks"):
        if folder.is_dir():
            return folder
    raise UsageError(
        "this installation of swe-sleep has no bundled tasks.",
        "Name a folder or a file of tasks, or install swe-sleep from a wheel.",
    )


def read_bundled(folder: Path, *, scratch: Path, only: Collection[str] = ()) -> Suite:
    """The tasks below a folder, ordered by package and issue. Their repositories are built below
    `scratch`, or found there; two processes may do it at once.

    With `only`, packages or tasks by their ids, nothing else is read. Raises UsageError, with the
    file and the key at fault.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}.")
    cases: list[Case] = []
    packages = [each for each in _folders(folder) if (each / HISTORY).is_dir()]
    if not packages:
        raise UsageError(
            f"{folder} holds no tasks.", f"A package of tasks is a folder with a {HISTORY}/ in it."
        )
    for package in packages:
        issues = [each for each in _folders(package) if each.name != HISTORY]
        wanted = [each for each in issues if not only or _is_among(package, each, only)]
        if wanted:
            history = _built(package, scratch)
            cases += [_case(package, each, history) for each in wanted]
    for name in only:
        if not any(name in (each.id, each.task.repo) for each in cases):
            names = ", ".join(each.name for each in packages)
            raise UsageError(
                f"{folder} has no task and no package {name!r}.", f"Its packages: {names}."
            )
    if not cases:
        raise UsageError(f"{folder} holds no task yet.")
    return Suite(folder.name if folder != _bundled_or_none() else "bundled", tuple(cases))


def _bundled_or_none() -> Path | None:
    try:
        return bundled_folder()
    except UsageError:
        return None


def _is_among(package: Path, issue: Path, only: Collection[str]) -> bool:
    return package.name in only or f"{package.name}-{issue.name}" in only


def _folders(folder: Path) -> list[Path]:
    """Those that may hold something of ours. Raises UsageError for a link to one."""
    found = [each for each in folder.iterdir() if not each.name.startswith((".", "__"))]
    return sorted(_plain(each) for each in found if each.is_dir())


def _built(package: Path, scratch: Path) -> _History:
    """The package's repository. Raises UsageError, with the patch that git refuses."""
    history = _plain(package / HISTORY)
    patches = sorted(each for each in history.iterdir() if each.suffix == ".patch")
    numbers = []
    for patch in patches:
        match = _PATCH.fullmatch(patch.name)
        if match is None:
            raise UsageError(f"{patch} is not named like 0001-subject.patch.")
        if match[1] in numbers:
            raise UsageError(f"{history} has two patches numbered {match[1]}.")
        numbers.append(match[1])
    if not patches:
        raise UsageError(f"{history} holds no patch.")
    digest = hashlib.sha256(f"{BUILD_VERSION}".encode())
    for patch in patches:
        digest.update(f"\0{patch.name[:4]}\0".encode() + hashlib.sha256(_bytes(patch)).digest())
    place = scratch / f"{package.name}-{digest.hexdigest()[:20]}.git"
    commits = _kept(place, len(patches))
    if commits is None:
        commits = _build(patches, place)
    return _History(place, dict(zip(numbers, commits, strict=True)))


def _kept(place: Path, count: int) -> tuple[str, ...] | None:
    """The commits of a repository that was built before, if nothing is missing of it."""
    try:
        commits = tuple((place / _LISTING).read_text("ascii").split())
    except (OSError, UnicodeDecodeError):
        return None
    return commits if len(commits) == count and is_whole(place, commits) else None


def _build(patches: list[Path], place: Path) -> tuple[str, ...]:
    """Built beside its place and moved there whole; whoever comes second uses the first one's."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{place.name}-", dir=place.parent) as temporary:
            made = Path(temporary) / "git"
            try:
                commits = replay(patches, made)
            except RepositoryError as error:
                raise UsageError(str(error)) from error
            (made / _LISTING).write_text("\n".join(commits) + "\n", "ascii")
            try:
                made.rename(place)
            except OSError:
                if _kept(place, len(patches)) is None:  # what is there is damaged
                    with suppress(OSError):
                        place.rename(Path(temporary) / "damaged")
                    made.rename(place)
    except OSError as error:
        raise UsageError(
            f"cannot keep a repository in {place.parent}: {error.strerror}."
        ) from error
    return commits


def _case(package: Path, issue: Path, history: _History) -> Case:
    file = issue / TASK
    table = _table(file)
    _check(package, issue, table)
    number = _number(file, "base", table.base, history) if table.base else max(history.commits)
    base = history.commits[number]
    if not base.startswith(table.commit):
        raise UsageError(f"{file}: `commit` is {table.commit}, but the history builds to {base}.")
    before = sorted(each for each in history.commits if each < number)
    older = before[len(before) // 2] if before else ""
    if table.older:
        older = _number(file, "older", table.older, history)
        if older not in before:
            raise UsageError(f"{file}: `older` is {older}, which is not before the base {number}.")
    rest = table.pass_to_pass == "rest"
    return Case(
        Task(
            id=table.id,
            repo=table.repository,
            base_commit=base,
            text=_filled(issue / ISSUE),
            sources=(history.git_dir,),
            older=history.commits.get(older, ""),
            difficulty=table.difficulty,
            tags=table.tags,
        ),
        Answer(
            patch=_filled(issue / GOLD),
            fail_to_pass=table.fail_to_pass,
            pass_to_pass=() if rest else tuple(table.pass_to_pass),
            rest=rest,
            test_files=dict(_hidden(issue)),
        ),
        Stated(table.failing, table.missing_import),
    )


def _table(file: Path) -> _Table:
    try:
        return msgspec.toml.decode(_text(file), type=_Table)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at ")
        key = re.match(r"`\$\.(\w+)", place)
        where = f"{file}: `{key[1]}`" if key else f"{file}"
        keys = ", ".join(_Table.__struct_fields__)
        raise UsageError(
            f"{where}: {message[:1].lower()}{message[1:]}.", f"Its keys are {keys}."
        ) from error
    except msgspec.DecodeError as error:
        raise UsageError(f"{file} is not TOML: {error}.") from error


def _check(package: Path, issue: Path, table: _Table) -> None:
    """Raises UsageError for what cannot be right whatever else there is."""
    file = issue / TASK
    for name in (package.name, issue.name):
        if not _NAME.fullmatch(name):
            raise UsageError(f"{issue}: a folder's name has letters, digits, and `_.-` alone.")
    for key, said, right in (
        ("id", table.id, f"{package.name}-{issue.name}"),
        ("repository", table.repository, package.name),
    ):
        if said != right:
            raise UsageError(f"{file}: `{key}` is {said!r}, but by its folder it is {right!r}.")
    if not table.title.strip():
        raise UsageError(f"{file}: `title` is empty.")
    if not table.fail_to_pass:
        raise UsageError(f"{file}: `fail_to_pass` is empty; a task is judged by such tests.")
    kept = () if isinstance(table.pass_to_pass, str) else table.pass_to_pass
    seen: dict[str, str] = {}
    for key, tests in (("fail_to_pass", table.fail_to_pass), ("pass_to_pass", kept)):
        for test in tests:
            if not _TEST_ID.fullmatch(test):
                raise UsageError(f"{file}: `{key}`: {test!r} is no test's id (path.py::name).")
            if test in seen:
                raise UsageError(f"{file}: `{key}`: {test!r} is in `{seen[test]}` already.")
            seen[test] = key


def _number(file: Path, key: str, number: str, history: _History) -> str:
    if number not in history.commits:
        numbers = f"{min(history.commits)} to {max(history.commits)}"
        raise UsageError(f"{file}: `{key}` is {number!r}; the history has {numbers}.")
    return number


def _hidden(issue: Path) -> Iterator[tuple[str, str]]:
    """The hidden tests, by their place in the repository."""
    count = 0
    for file in sorted(issue.rglob("*")):
        parts = file.relative_to(issue).parts
        if "__pycache__" in parts or parts[0] in (TASK, ISSUE, GOLD):
            continue
        if parts[0] != TESTS:
            raise UsageError(
                f"{file} is not known.", f"A task has {TASK}, {ISSUE}, {GOLD} and {TESTS}/."
            )
        if not _plain(file).is_dir():
            count += 1
            yield "/".join(parts), _text(file)
    if not count:
        raise UsageError(f"{issue / TESTS} holds no hidden test.")


def _filled(file: Path) -> str:
    text = _text(file)
    if not text.strip():
        raise UsageError(f"{file} is empty.")
    return text


def _text(file: Path) -> str:
    try:
        return _bytes(file).decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8 text.") from error


def _plain(place: Path) -> Path:
    """The same place. Raises UsageError for a link, which could bring any file of this machine
    before a solver, and for what is neither file nor folder."""
    if place.is_symlink() or (place.exists() and not (place.is_file() or place.is_dir())):
        raise UsageError(f"{place} is no plain file or folder.", "Links are not followed.")
    return place


def _bytes(file: Path) -> bytes:
    try:
        return _plain(file).read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}.") from error
