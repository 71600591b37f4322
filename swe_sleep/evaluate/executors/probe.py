"""What a node of a cluster has that work may need, as one line of JSON."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path


def main() -> None:
    from swe_sleep.sandbox import engine
    from swe_sleep.sandbox.local import best_level

    facts = {
        "docker": engine.answers(),
        "level": best_level(),
        "git": shutil.which("git") is not None,
        "memory_mb": available_memory_mb(),
        "disk_mb": shutil.disk_usage(tempfile.gettempdir()).free >> 20,
    }
    sys.stdout.write(f"{json.dumps(facts)}\n")


def available_memory_mb(file: Path = Path("/proc/meminfo")) -> int:
    """What could be had without swapping; elsewhere than on Linux, all that there is."""
    try:
        lines = dict(line.split(":", 1) for line in file.read_text().splitlines() if ":" in line)
        return int(lines["MemAvailable"].split()[0]) >> 10
    except (OSError, KeyError, ValueError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
