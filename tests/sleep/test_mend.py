"""A patch by the model where the search has none: the real SDK against a scripted server."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from swe_sleep.model.catalogue import prices
from swe_sleep.model.client import ClaudeModel, ClientOptions
from swe_sleep.model.secrets import Masker
from swe_sleep.records import State
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sleep.budget import Budget
from swe_sleep.sleep.desk import Allowed, Desk
from swe_sleep.sleep.engine import SleepReport
from swe_sleep.sleep.passes.diagnose import DiagnosePass
from swe_sleep.sleep.passes.mend import MendPass
from swe_sleep.sleep.passes.outline import OutlinePass
from swe_sleep.sleep.passes.speculate import SpeculatePass
from swe_sleep.sleep.passes.tests import TestsPass

PASSES = [OutlinePass(), TestsPass(), DiagnosePass(), SpeculatePass(), MendPass()]
TEST = (
    "from shop.money import euros\n\n\n"
    "def test_refund():\n    assert euros(-1205) == '-12.05 (refund of twelve)'\n"
)
OLD = "    return f'{cents // 100}.{cents % 100:02}'"
NEW = (
    "    if cents < 0:\n        return '-' + euros(-cents) + ' (refund of twelve)'\n"
    "    return f'{cents // 100}.{cents % 100:02}'"
)


def edit(replace: str, search: str = OLD) -> str:
    edits = [{"path": "shop/money.py", "search": search, "replace": replace}]
    return json.dumps({"cause": "Refunds have no sign.", "edits": edits})


@pytest.fixture
def sleep(shop: Any, messages_api: Any) -> Iterator[Callable[[], SleepReport]]:
    options = ClientOptions(
        model="claude-opus-5-5",
        base_url=messages_api.url,
        api_key="test-key-of-no-one",
        max_retries=1,
        timeout_s=60,
    )
    shop.flags["sleep.speculate_s"] = 15
    shop.write("tests/test_refund.py", TEST)
    with ClaudeModel(options) as model:

        def desk(snapshot: Snapshot, budget: Budget) -> Desk:
            return Desk(shop.store, model, prices(), Masker, budget, Allowed(9, 9, 9, 9_000_000))

        def run() -> SleepReport:
            sleeper = dataclasses.replace(shop.sleeper(PASSES), desks=desk)
            report: SleepReport = sleeper.sleep(shop.repository.snapshot())
            return report

        yield run


def test_the_models_patch_is_verified_and_kept(
    shop: Any, sleep: Callable[[], SleepReport], messages_api: Any
) -> None:
    messages_api.reply(messages_api.text(edit(NEW)))

    sleep()

    issue = shop.issue()
    assert issue.state is State.PATCHED
    assert "refund of twelve" in issue.patches[0].diff
    assert issue.proof is not None and issue.proof.holds
    (seen,) = shop.issues()
    assert "the search in vain, and Claude, whose patch holds" in seen.note.body
    assert len(messages_api.requests) == 1
    sleep()
    assert len(messages_api.requests) == 1


def test_a_patch_that_does_not_pass_is_not_kept(
    shop: Any, sleep: Callable[[], SleepReport], messages_api: Any
) -> None:
    messages_api.reply(messages_api.text(edit(OLD + "  # mended")))

    sleep()

    assert shop.issue().patches == ()
    (seen,) = shop.issues()
    assert "whose patch does not pass the tests" in seen.note.body


def test_an_edit_that_does_not_fit_is_asked_for_again_once(
    shop: Any, sleep: Callable[[], SleepReport], messages_api: Any
) -> None:
    messages_api.reply(messages_api.text(edit(NEW, search="no such line")))
    messages_api.reply(messages_api.text(edit(NEW, search="nor this")))

    sleep()

    assert shop.issue().patches == ()
    assert len(messages_api.requests) == 2
    assert "is not in shop/money.py" in messages_api.requests[1].raw.decode()
    (seen,) = shop.issues()
    assert "cannot be used" in seen.note.body
