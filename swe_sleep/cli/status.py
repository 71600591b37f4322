"""`swe-sleep status`: how fresh the notes are, what waits, what was spent."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from swe_sleep.cli import output

if TYPE_CHECKING:
    from swe_sleep.repo.repository import Repository


def status(as_json: output.Json = False) -> None:
    """How fresh the notes are, what waits, and what was spent today.

    Reads only. For the hooks themselves: swe-sleep hook status
    """
    from swe_sleep.cli import wiring
    from swe_sleep.notes import kinds
    from swe_sleep.records import State, Usage

    with wiring.reading() as known:
        fresh = {kind: [each.fresh for each in known.view.all(kind)] for kind in kinds.DATA}
        proven = known.view.issues(State.PATCHED, State.REPRODUCED)
        missing = len(known.outlines.missing())
        midnight = time.mktime((*time.localtime()[:3], 0, 0, 0, 0, 0, -1))
        spent = known.store.spent(since=midnight)
        size = known.store.size_bytes()
        waiting = _waiting(known.repository)
        folder = known.repository.state_dir
    today = {
        activity: Usage.total(line.usage for line in spent if line.activity == activity)
        for activity in ("sleep", "solve")
    }
    if as_json:
        output.print_json(
            {
                "notes": {
                    kind: {"fresh": sum(each), "stale": len(each) - sum(each)}
                    for kind, each in fresh.items()
                },
                "files_without_outline": missing,
                "proven_bugs": [each.note.subject for each in proven],
                "queue": waiting,
                "today": today,
                "store": {"folder": output.shown(folder), "size_bytes": size},
            }
        )
        return
    console = output.console()
    for kind, each in fresh.items():
        if each:
            stale = len(each) - sum(each)
            console.print(f"{kind:<8} {sum(each)} fresh" + (f", {stale} stale" if stale else ""))
    if missing:
        waits = "file waits for its" if missing == 1 else "files wait for their"
        console.print(f"outline  {missing} {waits} outline")
    console.print(
        f"bugs     {len(proven)} proven" + ("; `swe-sleep notes bugs` shows them" if proven else "")
    )
    said = output.queue_line(waiting["events"] or 0, waiting["watcher"], waiting["pass"])
    console.print(f"queue    {said}")
    for activity, usage in today.items():
        if usage.wall_s:
            console.print(f"today    {activity}: {output.cost(usage)}")
    console.print(f"store    {size / 1e6:.1f} MB in {output.shown(folder)}", style="dim")
    if not any(fresh.values()):
        console.print("No pass has run here yet: run `swe-sleep init`.")


def _waiting(repository: Repository) -> dict[str, int | None]:
    """What git hooks queued, and the pids of who takes it."""
    from swe_sleep.integrations import queue

    state_dir = repository.state_dir
    return {
        "events": len(queue.pending(state_dir)),
        "watcher": queue.watcher(state_dir, repository.root),
        "pass": queue.running(state_dir),
    }
