"""Tasks in the form of SWE-bench, and of the data sets that took it over.

Read are SWE-bench, Lite, Verified, Multilingual and Multimodal, SWE-Gym, SWE-rebench, SWE-bench Pro
and Live, and Multi-SWE-bench, whose fields have other names. Test lists come as lists, as JSON in a
string, or as Python in a string. What is not known is passed over.

Of our own are optional: `score` and `files` (tasks judged by the modified files), `related`,
`rest`, `older`, `difficulty`, `tags`, `day` (empty: packages of any day), and `test_files` as whole
files by path.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from swe_sleep.errors import RepositoryError, UsageError
from swe_sleep.evaluate.instances import COMMIT, REPOSITORY
from swe_sleep.evaluate.mirrors import Mirrors
from swe_sleep.evaluate.tasks import records
from swe_sleep.evaluate.tasks.task import Answer, Case, Related, Stated, Suite, Task
from swe_sleep.repo.bare import day_of
from swe_sleep.repo.diff import files_of

IMAGE = "swebench/sweb.eval.x86_64.{name}:latest"
"""SWE-bench's own images. A registry takes no two underlines, so those of the id are written
otherwise (swebench 5, `image_builder/image_spec.py`)."""
UNDERLINES = "_1776_"
OFFICIAL = ("eval_script", "log_parser", "eval_type")
MOST_NAME = 200

_NAME = re.compile(r"[A-Za-z0-9_](?!.*\.\.)[\w.:@+-]*", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def read_instances(
    name: str, mirrors: Mirrors | None = None, *, split: str = "test", label: str = ""
) -> Suite:
    """The tasks of a file, a folder of a data set, or a data set of that name.

    Their repositories are looked for below `mirrors`; a task whose repository is not there has no
    `sources`. Raises UsageError, with the line and the field at fault.
    """
    place = Path(name)
    if place.is_file():
        found = records.of_file(place)
    elif place.is_dir():
        found = records.of_folder(place, split)
    else:
        found = records.of_data_set(name, split)
    sources: dict[str, tuple[Path, ...]] = {}
    cases: dict[str, Case] = {}
    places: dict[str, str] = {}
    for where, record in found:
        case = _case(_Fields(where, record), mirrors, sources)
        if case.id in cases:
            raise UsageError(f"{where}: {case.id!r} was there before, at {places[case.id]}.")
        cases[case.id], places[case.id] = case, where
    if not cases:
        raise UsageError(f"{name} holds no task.")
    return Suite(label or place.name, tuple(cases.values()))


def image_of(instance_id: str) -> str:
    """The image that SWE-bench publishes for an instance of its own."""
    return IMAGE.format(name=instance_id.lower().replace("__", UNDERLINES))


class _Fields:
    """A record's fields, by any of the names that they go by, or a UsageError."""

    def __init__(self, where: str, record: object) -> None:
        if not isinstance(record, dict):
            raise UsageError(f"{where}: expected an object, got {type(record).__name__}.")
        self.where = where
        self._record: Mapping[str, Any] = _plain(record) if "org" in record else record

    def wrong(self, name: str, problem: str) -> UsageError:
        return UsageError(f"{self.where}: `{name}` {problem}.")

    def found(self, *names: str) -> tuple[str, Any]:
        """The first that is there and not null, with its name; else None with the first name."""
        for name in names:
            if self._record.get(name) is not None:
                return name, self._record[name]
        return names[0], None

    def text(self, *names: str, needed: bool = False) -> str:
        name, value = self.found(*names)
        if value is None and not needed:
            return ""
        if value is None:
            raise UsageError(f"{self.where}: there is no `{name}`.")
        if isinstance(value, int | float) and not isinstance(value, bool) and not needed:
            value = str(value)  # a version, written as a number
        if not isinstance(value, str):
            raise self.wrong(name, f"is no text but {type(value).__name__}")
        if needed and not value.strip():
            raise self.wrong(name, "is empty")
        return value

    def texts(self, *names: str) -> tuple[str, ...]:
        """A list, as it is or written out in a string."""
        name, value = self.found(*names)
        if value is None or value == "":
            return ()
        if isinstance(value, str):
            value = _written_out(value)
        if not isinstance(value, list | tuple):
            raise self.wrong(name, "is no list, nor JSON of one")
        for each in value:
            if not isinstance(each, str):
                raise self.wrong(name, f"has {each!r} in it, which is no text")
        return tuple(dict.fromkeys(value))

    def mapping(self, name: str) -> dict[str, str]:
        """Texts by name; empty where the field is of another form, as it is in other data sets."""
        value = self._record.get(name)
        if not isinstance(value, dict):
            return {}
        for key, each in value.items():
            if not isinstance(each, str):
                raise self.wrong(name, f"has no text for {key!r}")
        return value

    def flag(self, name: str) -> bool:
        value = self._record.get(name)
        if value is None or isinstance(value, bool):
            return bool(value)
        raise self.wrong(name, "is neither true nor false")

    def day(self) -> str | None:
        """The day on which the issue was mended; None where it is not told."""
        if self._record.get("day") == "":
            return ""
        name, value = self.found("day", "created_at", "commit_date")
        if isinstance(value, datetime | date):
            value = value.isoformat()
        if value is None or value == "" or isinstance(value, int | float):
            return None
        match = _DAY.match(value) if isinstance(value, str) else None
        if match is None:
            raise self.wrong(name, f"is {value!r}, no day such as 2024-05-31")
        return match[0]


def _case(fields: _Fields, mirrors: Mirrors | None, sources: dict[str, tuple[Path, ...]]) -> Case:
    name = fields.text("instance_id", needed=True)
    if not _NAME.fullmatch(name) or len(name) > MOST_NAME:
        raise fields.wrong("instance_id", f"is {name!r}, which can be no folder's name")
    repo = fields.text("repo", needed=True)
    if not REPOSITORY.fullmatch(repo):
        raise fields.wrong("repo", f"is {repo!r}, which is not owner/name")
    commit = fields.text("base_commit", needed=True)
    if not COMMIT.fullmatch(commit):
        raise fields.wrong("base_commit", f"is {commit!r}, no commit's id")
    if mirrors is not None and repo not in sources:
        sources[repo] = mirrors.find(repo)
    version = fields.text("version")
    image = fields.text("image", "image_name", "docker_image")
    if not image and version and fields.text("environment_setup_commit"):
        image = image_of(name)
    here = sources.get(repo, ())
    day = fields.day()
    answer = _answer(fields)
    return Case(
        Task(
            id=name,
            repo=repo,
            base_commit=commit,
            text=fields.text("problem_statement", needed=True),
            sources=here,
            day=day_in(here, commit) if day is None else day,
            score=_score(fields),
            older=fields.text("older"),
            version=version,
            image=image,
            difficulty=fields.text("difficulty"),
            tags=fields.texts("tags"),
            related=_related(fields),
        ),
        answer,
        # Of these nobody states what their tests import.
        Stated(missing_import=True),
    )


def _answer(fields: _Fields) -> Answer:
    return Answer(
        patch=fields.text("patch", needed=True),
        fail_to_pass=fields.texts("FAIL_TO_PASS", "fail_to_pass"),
        pass_to_pass=fields.texts("PASS_TO_PASS", "pass_to_pass"),
        rest=fields.flag("rest"),
        test_patch=_diff(fields, "test_patch"),
        test_files=fields.mapping("test_files"),
        files=fields.texts("files") if _score(fields) == "files" else (),
        official={key: text for key in OFFICIAL if (text := fields.text(key))},
    )


def _related(fields: _Fields) -> tuple[Related, ...]:
    name, value = fields.found("related")
    try:
        found = msgspec.convert([] if value is None else value, tuple[Related, ...])
    except msgspec.ValidationError as error:
        raise fields.wrong(name, "is no list of {commit, title}") from error
    for each in found:
        if not COMMIT.fullmatch(each.commit):
            raise fields.wrong(name, f"has {each.commit!r} in it, no commit's id")
    return found


def _diff(fields: _Fields, name: str) -> str:
    """A text that has to be a diff, or empty: hidden tests that cannot be put in judge nothing."""
    text = fields.text(name)
    try:
        named = bool(files_of(text))
    except RepositoryError as error:
        raise fields.wrong(name, f"is cut short: {error}") from error
    if text.strip() and not named:
        raise fields.wrong(name, "is no diff")
    return text


def _score(fields: _Fields) -> Literal["tests", "files"]:
    said = fields.text("score") or "tests"
    if said == "tests":
        return "tests"
    if said == "files":
        return "files"
    raise fields.wrong("score", f"is {said!r}, neither 'tests' nor 'files'")


def day_in(sources: Iterable[Path], commit: str) -> str:
    """The day of a commit, where a repository is here and has it."""
    days = (day_of(source, commit) for source in sources)
    return next((day for day in days if day), "")


def _written_out(text: str) -> object:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        pass
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def _plain(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Multi-SWE-bench's record in SWE-bench's words."""
    base = record.get("base")
    issues = record.get("resolved_issues") or ()
    texts = [
        f"{issue.get('title') or ''}\n\n{issue.get('body') or ''}".strip()
        for issue in issues
        if isinstance(issue, dict)
    ]
    owner, repo, number = record["org"], record.get("repo"), record.get("number")
    mended = [*(record.get("f2p_tests") or ()), *(record.get("n2p_tests") or ())]
    return {
        "instance_id": f"{owner}__{repo}-{number}",
        "repo": f"{owner}/{repo}",
        "base_commit": base.get("sha") if isinstance(base, dict) else None,
        "problem_statement": "\n\n".join(texts) or None,
        "patch": record.get("fix_patch"),
        "FAIL_TO_PASS": mended,
        "PASS_TO_PASS": list(record.get("p2p_tests") or ()),
        **{key: value for key, value in record.items() if key != "repo"},
    }
