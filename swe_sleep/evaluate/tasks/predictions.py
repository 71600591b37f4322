"""Predictions: patches in the form that SWE-bench's harness reads, written and read back.

A line is `{"instance_id": ..., "model_name_or_path": ..., "model_patch": ...}`. The harness
(swebench 5, `harness/utils.py`) takes JSON lines, and from a `.json` an array or an object of such.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from swe_sleep.errors import UsageError
from swe_sleep.evaluate import instances
from swe_sleep.evaluate.whole import write_whole

GOLD = "gold"
"""The name of the patches that solve the tasks."""


class Prediction(msgspec.Struct, frozen=True):
    """One patch, empty where none was found."""

    instance_id: str
    model_name_or_path: str = "unknown"
    model_patch: str | None = ""

    @property
    def patch(self) -> str:
        return self.model_patch or ""


def write_predictions(path: Path, predictions: Iterable[Prediction]) -> int:
    """Write `predictions.jsonl`, whole or not at all; how many. Raises UsageError for a name that
    the harness would not find again, and SweSleepError where the file cannot be written."""
    if path.suffix != ".jsonl":
        raise UsageError(f"{path} should end in .jsonl, by which the harness knows the form.")
    lines = {}
    for each in predictions:
        if each.instance_id in lines:
            raise UsageError(f"there are two patches for {each.instance_id}.")
        lines[each.instance_id] = msgspec.json.encode(_encodable(each)) + b"\n"
    write_whole(path, b"".join(lines.values()))
    return len(lines)


def _encodable(each: Prediction) -> Prediction:
    """Bytes of a patch that are not UTF-8 can not stand in JSON; and git wants a last newline."""
    patch = each.patch.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if not patch.strip():
        patch = ""  # what the harness counts as none
    elif not patch.endswith("\n"):
        patch += "\n"
    return msgspec.structs.replace(each, model_patch=patch)


def read_predictions(path: Path) -> dict[str, Prediction]:
    """The patches by the ids of their tasks, in the file's order. Raises UsageError, with the
    line of the fault."""
    found: dict[str, Prediction] = {}
    places: dict[str, str] = {}
    records = _whole(path) if path.suffix == ".json" else instances.records(path)
    for where, record in records:
        try:
            each = msgspec.convert(record, Prediction)
        except msgspec.ValidationError as error:
            raise UsageError(f"{where}: {instances.plain(str(error))}.") from error
        name = each.instance_id
        if name in found:
            raise UsageError(f"{where}: {name!r} was there before, at {places[name]}.")
        found[name], places[name] = each, where
    if not found:
        raise UsageError(f"{path} holds no prediction.")
    return found


def _whole(path: Path) -> Iterator[tuple[str, object]]:
    """An object of predictions is taken for its values, as the harness does."""
    try:
        text = path.read_bytes()
        whole = msgspec.json.decode(text)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}.") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON: {error}.") from error
    if isinstance(whole, dict):
        whole = list(whole.values())
    if not isinstance(whole, list):
        raise UsageError(f"{path} is neither an array nor an object of predictions.")
    for number, record in enumerate(whole, 1):
        yield f"{path}, element {number}", record
