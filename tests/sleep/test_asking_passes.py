"""Passes that ask a model, run by the engine: waiting for a batch, limits, and no needless work."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from swe_sleep.model.protocol import Request, user
from swe_sleep.records import Note, Usage
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sleep.budget import Budget
from swe_sleep.sleep.desk import Desk
from swe_sleep.sleep.engine import Made, SleepReport, Unit
from swe_sleep.sleep.passes.outline import OutlinePass
from swe_sleep.sleep.situation import Situation


class Telling:
    """Asks twice about every file."""

    name = "tell"
    version = 1
    reads = ("outline", "tell")

    def plan(self, work: Situation) -> Iterator[Unit]:
        if work.desk is not None and not work.outlines.missing():
            for path in work.sources:
                yield Unit("tell@1", path, {path: work.snapshot.blob(path)}, 10.0, 1.0)

    def run(self, unit: Unit, work: Situation) -> Made:
        assert work.desk is not None
        usage = Usage()
        said = ""
        for _ in range(2):
            text = f"{unit.subject} {unit.inputs[unit.subject]} {said}"
            request = Request("Tell.", (user(text),), max_tokens=1000, purpose="tell")
            reply = work.desk.ask(request, note=f"tell {unit.subject}")
            said, usage = reply.text, usage + reply.usage
        note = Note("summary", unit.subject, said, unit.producer, unit.inputs, usage=usage)
        return Made((note,), usage=usage)


@pytest.fixture
def night(office: Any, make_project: Callable[..., Any]) -> Callable[..., SleepReport]:
    """`night(batch=True, ...)`: one pass, long after the last."""
    office.project = make_project()
    office.api.otherwise = lambda body: (office.api.text("It tells."),)
    office.store.close()
    office.store = office.project.store

    def sleep(*, asks: bool = True, **more: Any) -> SleepReport:
        office.clock.passes(1000)
        sleeper = office.project.sleeper((OutlinePass(), Telling()))

        def desk(snapshot: Snapshot, budget: Budget) -> Desk | None:
            return office.desk(**more) if asks else None

        changed = dataclasses.replace(sleeper, desks=desk)
        report: SleepReport = changed.sleep(office.project.repository.snapshot())
        return report

    return sleep


FILES = 5
"""Of the small shop: two modules, `__init__`, and two test files."""


def test_units_wait_for_their_batches(office: Any, night: Callable[..., SleepReport]) -> None:
    first = night(batch=True)
    assert first.posted_by_pass == {"tell": FILES}
    assert first.units == {"outline": first.units["outline"]}
    assert (first.problems, first.left, first.usage.tokens) == ([], 0, 0)
    second = night(batch=True)
    assert second.posted_by_pass == {"tell": FILES}, "the second question"
    assert second.usage.tokens > 0
    third = night(batch=True)
    assert third.units == {"tell": FILES}
    assert third.posted_by_pass == {}
    assert [len(batch.requests) for batch in office.api.batches.made] == [FILES, FILES]
    notes = third.notes
    assert {note.body for note in notes} == {"It tells."}
    total = Usage.total(note.usage for note in notes)
    spent = Usage.total(line.usage for line in office.store.spent())
    assert spent.tokens == total.tokens == second.usage.tokens + third.usage.tokens
    assert spent.cost_usd == pytest.approx(total.cost_usd)


def test_no_change_is_no_work_and_no_call(office: Any, night: Callable[..., SleepReport]) -> None:
    for _ in range(3):
        night(batch=True)
    before = len(office.api.batches.calls), office.usd()
    report = night(batch=True)
    assert (report.units, report.notes) == ({}, [])
    assert (len(office.api.batches.calls), office.usd()) == before
    assert office.api.requests == []


def test_an_edit_asks_about_its_file_alone(office: Any, night: Callable[..., SleepReport]) -> None:
    for _ in range(3):
        night(batch=True)
    office.project.edit("shop/money.py", "VAT = 10", "VAT = 20")
    assert night(batch=True).posted_by_pass == {"tell": 1}


def test_directly_in_one_pass(office: Any, night: Callable[..., SleepReport]) -> None:
    report = night(batch=False)
    assert report.units["tell"] == FILES
    assert len(office.api.requests) == 2 * FILES
    assert report.usage.tokens == Usage.total(note.usage for note in report.notes).tokens
    spent = Usage.total(line.usage for line in office.store.spent())
    assert spent.tokens == report.usage.tokens


def test_a_server_without_batches_is_asked_directly_in_the_same_pass(
    office: Any, night: Callable[..., SleepReport]
) -> None:
    office.api.batches.absent = True
    report = night(batch=True)
    assert report.units["tell"] == FILES
    assert report.posted_by_pass == {}


def test_a_limit_leaves_units_over(office: Any, night: Callable[..., SleepReport]) -> None:
    office.api.usage = lambda body, blocks: office.api.Usage(output=body["max_tokens"])
    report = night(batch=False, pass_usd=0.09)
    assert 0 < report.units.get("tell", 0) < FILES, report
    assert report.left_by_pass["tell"] == FILES - report.units["tell"]
    assert office.usd() <= 0.09
    assert report.problems == []
    (limit,) = report.limits
    assert "$0.09 for one pass" in limit.limit
    assert night(batch=False).units == {"tell": report.left_by_pass["tell"]}


def test_a_batch_that_cannot_be_posted_is_said_and_posted_later(
    office: Any, night: Callable[..., SleepReport]
) -> None:
    office.api.batches.fails("create", 429, "rate_limit_error")
    report = night(batch=True)
    assert report.posted_by_pass == {}
    (problem,) = report.problems
    assert "could not be posted" in problem
    assert night(batch=True).posted_by_pass == {"tell": FILES}


def test_without_a_model_nothing_waits(office: Any, night: Callable[..., SleepReport]) -> None:
    report = night(asks=False)
    assert "tell" not in report.units
    assert office.api.batches.calls == []
