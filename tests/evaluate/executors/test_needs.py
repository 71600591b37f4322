"""What a node is not used for, and what it says of itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from swe_sleep.evaluate.executors import probe
from swe_sleep.evaluate.executors.node import _is_installed
from swe_sleep.evaluate.executors.ray_run import Needs
from swe_sleep.evaluate.executors.shipping import requirements

HAS = {"docker": False, "level": "bubblewrap", "git": True, "memory_mb": 4096, "disk_mb": 9000}


@pytest.mark.parametrize(
    ("needs", "has", "lacking"),
    [
        (Needs(), {}, ""),
        (Needs("docker"), {}, "no Docker engine answers"),
        (Needs("docker"), {"docker": True, "level": "plain"}, ""),
        (Needs("local"), {"docker": True, "level": "plain"}, "neither bubblewrap nor Landlock"),
        (Needs("auto"), {"level": "plain"}, "neither an engine that answers nor bubblewrap"),
        (Needs("none"), {"level": "plain"}, ""),
        (Needs(), {"git": False}, "git is not installed"),
        (Needs(disk_mb=9001), {}, "only 9000 MB of its disk are free"),
        (Needs(memory_mb=5000), {}, "only 4096 MB of its memory are free"),
        (Needs(), {"missing": ["rich >=13", "numpy"]}, "it lacks rich >=13, numpy"),
        (Needs(), {"broken": "Traceback\nImportError: no"}, "does not start there: ImportError"),
    ],
)
def test_what_is_lacking_is_said(needs: Needs, has: dict[str, Any], lacking: str) -> None:
    said = needs.lacking(HAS | has)
    assert lacking in said
    assert bool(said) == bool(lacking)


def test_a_node_says_what_it_has(capsys: pytest.CaptureFixture[str]) -> None:
    probe.main()
    facts = json.loads(capsys.readouterr().out)
    assert facts.keys() >= HAS.keys()
    assert facts["git"]
    assert facts["memory_mb"] > 0


def test_memory_is_known_without_a_file_that_says_it(tmp_path: Path) -> None:
    assert probe.available_memory_mb(tmp_path / "none") > 0
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:    2048 kB\n")
    assert probe.available_memory_mb(tmp_path / "meminfo") == 2


def test_what_is_required_is_installed_here() -> None:
    assert any(each.startswith("msgspec ") for each in requirements())
    assert not any(each.startswith("ray") for each in requirements())
    assert all(map(_is_installed, requirements()))
    assert not _is_installed("msgspec <0.1")
    assert not _is_installed("no-such-distribution")
