from __future__ import annotations

from pathlib import Path

from swe_sleep.anticipate.leads.earnings import MANY, MANY_FINDINGS, Earnings
from swe_sleep.notes.store import Store


def test_a_kind_that_never_earns_a_proof_is_switched_off(tmp_path: Path) -> None:
    store = Store(tmp_path / "notes.db")
    earnings = Earnings(store)
    for _ in range(MANY_FINDINGS - 1):
        earnings.record("ruff B023", earned=False)
    assert earnings.active("ruff B023") and not earnings.said()

    earnings.record("ruff B023", earned=False)

    assert not earnings.active("ruff B023")
    for _ in range(MANY_FINDINGS):
        earnings.record("guard", earned=False)
    assert earnings.active("guard")  # of these more are tried
    (said,) = earnings.said()
    assert "ruff B023" in said and str(MANY_FINDINGS) in said
    store.close()


def test_a_kind_that_earned_one_stays_and_all_is_kept(tmp_path: Path) -> None:
    store = Store(tmp_path / "notes.db")
    for number in range(MANY * 2):
        Earnings(store).record("guard", earned=number == 3)
    store.close()

    store = Store(tmp_path / "notes.db")
    assert Earnings(store).active("guard")
    assert (Earnings(store).all()["guard"].tried, Earnings(store).all()["guard"].earned) == (
        MANY * 2,
        1,
    )
    store.close()
