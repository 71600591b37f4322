"""`swe-sleep status`: how fresh the notes are, what waits, what was spent."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from swe_sleep.cli import output

if TYPE_CHECKING:
    from rich.console import Console

    from swe_sleep.notes.ledger import Account
    from swe_sleep.notes.store import Store
    from swe_sleep.records import Usage
    from swe_sleep.repo.repository import Repository
    from swe_sleep.sleep.budget import Reached

WEEK = 7
"""Days whose spending is shown, today among them."""


def status(as_json: output.Json = False) -> None:
    """How fresh the notes are, what waits, what was spent and saved.

    Reads only. For the hooks themselves: swe-sleep hook status
    """
    from swe_sleep.anticipate.leads.earnings import Earnings
    from swe_sleep.cli.display import limit_line
    from swe_sleep.cli.known import reading
    from swe_sleep.notes import kinds, ledger
    from swe_sleep.records import State, Usage
    from swe_sleep.sleep import signs
    from swe_sleep.sleep.limits import waiting

    with reading() as known:
        fresh = {kind: [each.fresh for each in known.view.all(kind)] for kind in kinds.DATA}
        proven = known.view.issues(State.PATCHED, State.REPRODUCED)
        missing = len(known.outlines.missing())
        began = ledger.midnight(time.time(), WEEK - 1)
        spent, saved = known.store.spent(since=began), known.store.saved(since=began)
        reached = _limits(known.store)
        idle = signs.waiting(known.store)
        replies = waiting(known.store)
        size = known.store.size_bytes()
        queued = _waiting(known.repository)
        folder = known.repository.state_dir
        off = Earnings(known.store).said()
    midnight = ledger.midnight(time.time())
    today = {
        activity: Usage.total(
            line.usage for line in spent if line.activity == activity and line.at >= midnight
        )
        for activity in ("sleep", "solve")
    }
    days = ledger.accounts(spent, saved)
    at_work = (queued["watcher"], queued["pass"])
    idle_since = idle.since if idle is not None and idle.pid in at_work else None
    if as_json:
        output.print_json(
            {
                "notes": {
                    kind: {"fresh": sum(each), "stale": len(each) - sum(each)}
                    for kind, each in fresh.items()
                },
                "files_without_outline": missing,
                "proven_bugs": [each.note.subject for each in proven],
                "queue": queued,
                "waiting_since": idle_since,
                "replies": {"requests": replies.requests, "batches": replies.batches},
                "limits": reached,
                "leads_off": off,
                "today": today,
                "days": days,
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
    said = output.queue_line(queued["events"] or 0, queued["watcher"], queued["pass"])
    console.print(f"queue    {said}")
    if idle_since is not None:
        console.print(f"waiting  the machine is busy with other work since {_clock(idle_since)}")
    if replies.requests:
        said = output.count(replies.requests, "request")
        console.print(f"asked    {said} in message batches; the replies are collected later")
    for limit in reached:
        console.print(f"limit    {limit_line(limit)}", style="yellow")
    for line in off:
        console.print(f"leads    {line}", style="dim")
    if today["solve"].wall_s:
        console.print(f"today    solve: {output.cost(today['solve'])}")
    _tell_ledger(console, days)
    console.print(f"store    {size / 1e6:.1f} MB in {output.shown(folder)}", style="dim")
    if not any(fresh.values()):
        console.print("No pass has run here yet: run `swe-sleep init`.")


def _limits(store: Store) -> list[Reached]:
    """The limits that the last pass reached, and those of money that passes reached today."""
    from swe_sleep.sleep import limits, signs
    from swe_sleep.sleep.budget import Reached

    last = signs.limits(store)
    money = [Reached(each.says, each.at) for each in limits.reached(store)]
    return last + [each for each in money if each.limit not in {one.limit for one in last}]


def _tell_ledger(console: Console, days: Mapping[str, Mapping[str, Account]]) -> None:
    """What each pass spent and saved, today and in the last days."""
    from swe_sleep.notes import ledger

    today = days.get(ledger.day_of(time.time()), {})
    week = ledger.together(days.values())
    for name, passes in (("today", ledger.together([today])), (f"{WEEK} days", week)):
        if not passes or (name != "today" and len(days) < 2):
            continue
        total = next(iter(ledger.together([{"": each} for each in passes.values()]).values()))
        console.print(f"{name:<8} sleep spent {_amount(total.spent)}; {_saved(total)}")
        for step, account in passes.items():
            said = f"; {_saved(account)}" if account.uses else ""
            console.print(f"  - {step:<12} {_amount(account.spent)}{said}", style="dim")


def _saved(account: Account) -> str:
    if not account.uses:
        return "its notes were not used yet"
    return f"saved {_amount(account.saved)} in {output.count(account.uses, 'use')}"


def _amount(usage: Usage) -> str:
    """Seconds, and of runs, tokens and money what there is."""
    parts = [f"{usage.wall_s:.1f} s"]
    parts += [output.count(usage.test_runs, "test run")] if usage.test_runs else []
    if usage.tokens:
        parts.append(output.count(usage.tokens, "token"))
        parts.append("no price known" if usage.cost_usd is None else f"{usage.cost_usd:.3f} USD")
    return ", ".join(parts)


def _clock(at: float) -> str:
    return time.strftime("%H:%M", time.localtime(at))


def _waiting(repository: Repository) -> dict[str, int | None]:
    """What git hooks queued, and the pids of who takes it."""
    from swe_sleep.integrations import queue

    state_dir = repository.state_dir
    return {
        "events": len(queue.pending(state_dir)),
        "watcher": queue.watcher(state_dir, repository.root),
        "pass": queue.running(state_dir),
    }
