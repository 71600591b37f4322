"""Under which circumstances a run is made: what somebody needs who wants to repeat it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

import swe_sleep
from swe_sleep.config import Settings
from swe_sleep.wiring.sleeping import backend

PACKAGES = ("anthropic", "coverage", "hypothesis", "pytest", "ray", "ruff", "swebench", "ty")


def versions(settings: Settings) -> dict[str, str]:
    """Of all that may decide a result. Raises EngineUnavailable."""
    found = {
        "swe-sleep": swe_sleep.__version__,
        "commit": own_commit(),
        "python": platform.python_version(),
        "git": _said("git", "--version").removeprefix("git version "),
        "sandbox": backend(settings).guarantees().text,
    }
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, str]:
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": platform.machine(),
        "cores": str(os.cpu_count() or 0),
    }


def own_commit() -> str:
    """Of swe-sleep's own checkout, with a `+` where it has changes; empty for an installed one."""
    folder = Path(swe_sleep.__file__).parent
    if not (folder.parent / ".git").exists():
        return ""
    commit = _said("git", "-C", str(folder), "rev-parse", "HEAD")
    changed = _said("git", "-C", str(folder), "status", "--porcelain", "--", str(folder))
    return commit + ("+" if commit and changed else "")


def _said(*command: str) -> str:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
