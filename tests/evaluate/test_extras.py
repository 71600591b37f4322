"""What is said where a library of an extra is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from swe_sleep.errors import UsageError
from swe_sleep.evaluate.extras import need


def test_a_module_that_is_there() -> None:
    import json.decoder

    assert need("json.decoder", extra="eval") is json.decoder


def test_one_that_is_not_there_is_named_with_how_to_install_it() -> None:
    with pytest.raises(UsageError, match="needs no_such_library, which is not installed") as caught:
        need("no_such_library.part", extra="ray")
    assert 'uv tool install "swe-sleep[ray]"' in str(caught.value)
    assert "\n" not in str(caught.value)


def test_one_that_is_broken_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_library.py").write_text("import another_that_is_not_there\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError, match="cannot be imported: No module named 'another_that"):
        need("broken_library", extra="eval")
