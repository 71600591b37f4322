"""The runs of the agent whose trajectories are kept, and taking one of them up again."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from swe_sleep.errors import StoreError, UsageError
from swe_sleep.records import Usage
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.solve.resume import OVER, Resumed, resume

SUFFIX = ".jsonl"
MOST_LISTED = 5


def find(folder: Path, wanted: str, model: str | None = None) -> tuple[str, Resumed]:
    """The run of this id (or the beginning of it), or the last one that can be taken up.

    Raises UsageError, with those that there are.
    """
    ids = _ids(folder)
    if wanted == "last":
        for found in ids:
            run = _read(folder, found)
            if isinstance(run, Resumed) and run.begun.by_person and run.ending not in OVER:
                return found, _with(run, model)
        raise UsageError(f"no run can be taken up again. {listed(folder)}")
    matching = [found for found in ids if found == wanted] or [
        found for found in ids if found.startswith(wanted)
    ]
    if len(matching) != 1:
        problem = "several runs begin with" if matching else "there is no run"
        raise UsageError(f"{problem} {wanted!r}. {listed(folder)}")
    run = _read(folder, matching[0])
    if isinstance(run, StoreError):
        raise UsageError(f"run {matching[0]} cannot be taken up again: {run}")
    if not run.begun.by_person:
        raise UsageError(f"{matching[0]} is a step of another run. {listed(folder)}")
    if run.ending in OVER:
        raise UsageError(
            f"run {matching[0]} is over: it {_ended(run)}.", "Start anew without --resume."
        )
    return matching[0], _with(run, model)


def same_code(run_id: str, run: Resumed, snapshot: Snapshot) -> None:
    """Raises UsageError where the code is not what the run began with."""
    if snapshot.id == run.begun.asked_on:
        return
    head = run.begun.head
    where = f"It began at commit {head[:10]}" if head else "It began before the first commit"
    now = f", and {(snapshot.head or '')[:10]} is checked out" if snapshot.head != head else ""
    edits = "" if now else ", with other uncommitted changes than there are now"
    raise UsageError(
        f"the code has changed since run {run_id} began, so it cannot be taken up again. "
        f"{where}{now}{edits}.",
        "Bring that state back, or start anew without --resume.",
    )


def listed(folder: Path) -> str:
    """The newest runs, for a person."""
    ids = _ids(folder)
    if not ids:
        return "No run of the model has been kept yet."
    runs = [f"{found} ({_described(_read(folder, found))})" for found in ids[:MOST_LISTED]]
    more = [f"{len(ids) - MOST_LISTED} older ones"] if len(ids) > MOST_LISTED else []
    return f"There are: {'; '.join([*runs, *more])}."


def _ids(folder: Path) -> list[str]:
    """Newest first: the ids begin with the time."""
    return sorted((file.stem for file in folder.glob(f"*{SUFFIX}")), reverse=True)


def _read(folder: Path, run_id: str) -> Resumed | StoreError:
    try:
        return resume(folder / f"{run_id}{SUFFIX}")
    except StoreError as error:
        return error


def _with(run: Resumed, model: str | None) -> Resumed:
    if model is not None and model != run.begun.model:
        raise UsageError(
            f"the run was with {run.begun.model}; another model cannot take it up.",
            "Leave --model out.",
        )
    return run


def _described(run: Resumed | StoreError) -> str:
    if isinstance(run, StoreError):
        return "cannot be read"
    state = _ended(run) if run.ending else "was broken off"
    title = run.begun.asked.title
    return f"{state}, {run.usage.turns} turns: {title if len(title) <= 60 else title[:57] + '...'}"


def _ended(run: Resumed) -> str:
    return {
        "submitted": "was handed in",
        "refused": "was refused by the model",
        "stopped": "was stopped",
        "budget": "reached a limit",
        "stuck": "got stuck",
    }.get(run.ending or "", "ended with a fault")


def less(spent: Usage, settled: Usage) -> Usage:
    """What a run took since its earlier parts were settled."""
    cost, before = spent.cost_usd, settled.cost_usd
    return replace(
        spent,
        input_tokens=spent.input_tokens - settled.input_tokens,
        cache_read_tokens=spent.cache_read_tokens - settled.cache_read_tokens,
        cache_write_tokens=spent.cache_write_tokens - settled.cache_write_tokens,
        output_tokens=spent.output_tokens - settled.output_tokens,
        cost_usd=None if cost is None or before is None else max(0.0, cost - before),
        turns=spent.turns - settled.turns,
    )


def new_id() -> str:
    import os

    return f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
