"""Environments: made once, without a network where nothing else is needed."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox.environment import EnvironmentOptions, Environments

Make = Callable[[Mapping[str, str]], Snapshot]
PYPROJECT = """
[project]
name = "shop"
version = "1.0"
scripts = {shop-total = "shop:main"}
"""


def test_made_once_offline_and_by_two_at_once(
    make_snapshot: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")
    snapshot = make_snapshot({"pyproject.toml": PYPROJECT})
    options = EnvironmentOptions(cache_dir=tmp_path / "cache")
    said: list[str] = []
    made = []
    threads = [
        threading.Thread(
            target=lambda: made.append(Environments(options).make(snapshot, progress=said.append))
        )
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made[0] == made[1]
    assert (made[0].problem, len(said)) == ("", 1)
    code = "import importlib.metadata as m, pytest, coverage, sys; "
    code += "print(m.version('shop'), sys.prefix)"
    python = made[0].python
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1.0", str(Path(python).parent.parent)]
    (tmp_path / "shop.py").write_text("def main():\n    print('seven')\n")
    script = Path(python).with_name("shop-total")
    env = {"PYTHONPATH": str(tmp_path), "PATH": os.defpath}
    done = subprocess.run([script], capture_output=True, text=True, check=True, env=env)
    assert done.stdout == "seven\n"
    assert [p.name for p in (tmp_path / "cache").iterdir() if p.is_dir()] == [made[0].key]


def test_what_cannot_be_had_is_said(
    make_snapshot: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "empty"))
    for name in ("UV_FIND_LINKS", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    snapshot = make_snapshot({"requirements.txt": "no-such-package-of-ours==1\n"})
    options = EnvironmentOptions(cache_dir=tmp_path / "cache")
    environment = Environments(options).make(snapshot, progress=lambda _: None)
    assert "not installed: no-such-package-of-ours==1" in environment.problem
    subprocess.run([environment.python, "-c", "import pytest, coverage"], check=True)


def test_the_key_follows_what_it_is_made_from(make_snapshot: Make, tmp_path: Path) -> None:
    environments = Environments(EnvironmentOptions(cache_dir=tmp_path))

    def key(files: Mapping[str, str]) -> str:
        return environments.key(environments.project(make_snapshot(files)))

    assert key({"a.py": "1"}) == key({"a.py": "2", "README": ""})
    assert key({}) != key({"requirements.txt": "click\n"})
    assert key({"requirements.txt": "click\n"}) != key({"requirements.txt": "click<8\n"})
