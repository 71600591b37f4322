"""`swe-sleep status`: how fresh the notes are, what waits, what was spent."""

from __future__ import annotations

import time

from swe_sleep.cli import output


def status(as_json: output.Json = False) -> None:
    """Freshness of the notes, proven bugs, what waits, and what was spent today."""
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
                "today": today,
                "store": {"folder": str(folder), "size_bytes": size},
            }
        )
        return
    console = output.console()
    for kind, each in fresh.items():
        if each:
            stale = len(each) - sum(each)
            console.print(f"{kind:<8} {sum(each)} fresh" + (f", {stale} stale" if stale else ""))
    if not any(fresh.values()):
        console.print("No pass has run here yet: run `swe-sleep init`.")
    if missing:
        console.print(f"{missing} files wait for their outline")
    console.print(f"{len(proven)} proven bugs" + (" (`swe-sleep notes bugs`)" if proven else ""))
    for activity, usage in today.items():
        money = "" if usage.cost_usd is None else f", {usage.cost_usd:.2f} USD"
        console.print(
            f"today    {activity}: {usage.wall_s:.0f} s, {usage.test_runs} test runs,"
            f" {usage.tokens} tokens{money}"
        )
    console.print(f"store    {size / 1e6:.1f} MB in {folder}", style="dim")
