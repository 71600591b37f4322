"""Issues with known answers, read from a file: which files and functions a fix touched.

Either JSON lines or one JSON array, with the fields of SWE-bench (`instance_id`, `repo`,
`base_commit`, `problem_statement`) and what the fix touched: `gold_py_files` and `gold_functions`
(`path::Qual.name`), or its `patch`. Fields that are not known are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from swe_sleep.errors import UsageError

REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/(?!\.{1,2}$)[\w.-]+", re.ASCII)
COMMIT = re.compile(r"[0-9a-f]{7,64}", re.ASCII)


class Instance(msgspec.Struct, frozen=True):
    """One issue, the commit it was reported against, and what its fix touched.

    `gold_py_files` is None where only the `patch` tells; `gold_functions` too.
    """

    instance_id: str
    repo: str
    base_commit: str
    problem_statement: str
    gold_py_files: tuple[str, ...] | None = None
    gold_functions: tuple[str, ...] | None = None
    patch: str | None = None


def read(path: Path) -> list[Instance]:
    """The instances of a file, in its order.

    Raises UsageError, with the line of the fault, for a file that cannot be read, has none, or has
    one that is not whole or is there twice.
    """
    found: dict[str, Instance] = {}
    places: dict[str, str] = {}
    for where, record in records(path):
        instance = _instance(where, record)
        name = instance.instance_id
        if name in found:
            raise UsageError(f"{where}: {name!r} was there before, at {places[name]}.")
        found[name], places[name] = instance, where
    if not found:
        raise UsageError(f"{path} holds no instance.")
    return list(found.values())


def records(path: Path) -> Iterator[tuple[str, object]]:
    """Every record of a file of JSON, with its place there. Raises UsageError."""
    for where, _, record in numbered(path):
        if isinstance(record, NotJson):
            raise UsageError(f"{where} is not JSON: {record}.")
        yield where, record


class NotJson(ValueError):
    """In the place of a record: why a line is none."""


def numbered(path: Path) -> Iterator[tuple[str, int, object]]:
    """Every record of a file of JSON lines, or of one JSON array, with its place for a person and
    its number. A line that is not JSON is a `NotJson`. Raises UsageError for a file that cannot be
    read at all."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text.", "It should be JSON lines.") from error
    if text.lstrip().startswith("["):
        try:
            whole = msgspec.json.decode(text, type=list[object])
        except (msgspec.DecodeError, RecursionError) as error:
            raise UsageError(f"{path} is no JSON array: {error}.") from error
        for number, record in enumerate(whole, 1):
            yield f"{path}, element {number}", number, record
        return
    # Not splitlines: JSON may have line separators of Unicode inside its strings.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            found: object
            try:
                found = msgspec.json.decode(line)
            except (msgspec.DecodeError, RecursionError) as error:
                found = NotJson(str(error))
            yield f"{path}, line {number}", number, found


def _instance(where: str, record: object) -> Instance:
    try:
        instance = msgspec.convert(record, Instance)
    except msgspec.ValidationError as error:
        raise UsageError(f"{where}: {plain(str(error))}.") from error
    if not instance.instance_id:
        raise UsageError(f"{where}: `instance_id` is empty.")
    if not REPOSITORY.fullmatch(instance.repo):
        raise UsageError(f"{where}: `repo` is {instance.repo!r}, which is not owner/name.")
    if not COMMIT.fullmatch(instance.base_commit):
        raise UsageError(f"{where}: `base_commit` is {instance.base_commit!r}, no commit's id.")
    if instance.gold_py_files is None and instance.patch is None:
        raise UsageError(f"{where}: neither `gold_py_files` nor `patch` says what the fix touched.")
    return instance


def plain(message: str) -> str:
    """What msgspec says of a record, with its places (`$.repo`) as a person writes them."""
    if message.startswith("Object missing required field"):
        return message.replace("Object missing required field", "there is no")
    message, _, place = message.partition(" - at ")
    field = place.strip("`").removeprefix("$").removeprefix(".")
    start = message[:1].lower() + message[1:]
    return f"{start}, in `{field}`" if field else start
