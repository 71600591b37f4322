"""Where records of tasks come from: a file, a folder of a data set, or its name on Hugging Face.

Parquet and data sets by name need the extra `datasets`, which is imported only then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from swe_sleep.errors import UsageError
from swe_sleep.evaluate import instances
from swe_sleep.evaluate.extras import need

EXTRA = "datasets"
_JSON = (".jsonl", ".json", ".ndjson")
_KEPT_BY_DATASETS = ("dataset_info.json", "state.json", "dataset_dict.json")
"""What `save_to_disk` of that library leaves in a folder."""

Records = Iterator[tuple[str, object]]
"""With the place of each, for a person."""


def of_file(path: Path) -> Records:
    """JSON lines, a JSON array, or Parquet. Raises UsageError."""
    if path.suffix == ".parquet":
        return _parquet(path)
    if path.suffix in _JSON:
        return instances.records(path)
    raise UsageError(f"{path} is no file of tasks.", "It should be .jsonl, .json or .parquet.")


def of_folder(folder: Path, split: str) -> Records:
    """The split of a data set that was downloaded, or saved by `datasets`. Raises UsageError."""
    for place in (folder / split, folder):
        if any((place / name).is_file() for name in _KEPT_BY_DATASETS):
            return _saved(place, split)
    patterns = (f"{split}.*", f"{split}-*", f"data/{split}.*", f"data/{split}-*", f"{split}/*")
    known = {".parquet", *_JSON}
    for pattern in patterns:
        found = sorted(each for each in folder.glob(pattern) if each.suffix in known)
        if found:
            return (record for file in found for record in of_file(file))
    raise UsageError(
        f"{folder} holds neither tasks nor the split {split!r} of a data set.",
        f"Looked for {', '.join(patterns)} as Parquet or JSON lines.",
    )


def of_data_set(name: str, split: str) -> Records:
    """A data set on Hugging Face, `owner/name`, where a revision may follow after an `@`. What was
    downloaded before is taken from the person's cache. Raises UsageError."""
    datasets = need("datasets", extra=EXTRA)
    name, _, revision = name.partition("@")
    try:
        datasets.disable_progress_bars()
        found = datasets.load_dataset(name, split=split, revision=revision or None)
    except Exception as error:  # of whatever layer below, from the network to the file system
        raise UsageError(
            f"the data set {name} cannot be had: {_said(error)}.",
            "Check its name, --split and the network, or give a file.",
        ) from error
    return _rows(f"{name}, {split}", found)


def _saved(folder: Path, split: str) -> Records:
    datasets = need("datasets", extra=EXTRA)
    try:
        found = datasets.load_from_disk(str(folder))
        if isinstance(found, datasets.DatasetDict):
            found = found[split]
    except KeyError:
        names = ", ".join(sorted(found))
        raise UsageError(f"{folder} has no split {split!r}.", f"It has: {names}.") from None
    except Exception as error:  # as above
        raise UsageError(f"{folder} cannot be read: {_said(error)}.") from error
    return _rows(str(folder), found)


def _parquet(path: Path) -> Records:
    parquet = need("pyarrow.parquet", extra=EXTRA)
    try:
        rows = parquet.read_table(path).to_pylist()
    except OSError as error:  # pyarrow's own errors are among these, or ValueErrors
        raise UsageError(f"cannot read {path}: {error.strerror or _said(error)}.") from error
    except ValueError as error:
        raise UsageError(f"{path} is no Parquet file: {_said(error)}.") from error
    return _rows(str(path), rows)


def _rows(where: str, rows: Iterable[object]) -> Records:
    for number, row in enumerate(rows, 1):
        yield f"{where}, row {number}", row


def _said(error: Exception) -> str:
    """The first line of what a library says."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
