from __future__ import annotations

import pytest

from swe_sleep.config import load
from swe_sleep.wiring.asking import KEYS, can_ask


def test_a_platform_needs_no_key_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    assert not can_ask(load())
    assert can_ask(load(flags={"model.provider": "bedrock"}))
    monkeypatch.setenv(KEYS[1], "test-token-of-no-one")
    assert can_ask(load())
