"""Links from a page to the files of a trial: relative, and never out of the run's folder."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from swe_sleep.evaluate.figures.figures import Entry

NAMES = {"patch.diff": "patch", "log.txt": "log", "grade.txt": "grade"}
TRAJECTORY = "trajectory"


def links(entry: Entry, page: Path) -> list[tuple[str, str]]:
    """What there is of a trial, as name and URL, for a page in the folder `page`."""
    if entry.result is None or entry.home is None or not entry.result.folder:
        return []
    home = entry.home.resolve()
    folder = (home / entry.result.folder).resolve()
    if not folder.is_relative_to(home):
        return []
    try:
        files = sorted(each.name for each in folder.iterdir() if each.is_file())
    except OSError:
        return []
    told = [(NAMES[name], name) for name in NAMES if name in files]
    paths = [name for name in files if name.endswith(".jsonl")]
    for number, name in enumerate(paths, 1):
        told.append((TRAJECTORY if len(paths) == 1 else f"{TRAJECTORY} {number}", name))
    return [(label, relative(folder / name, page)) for label, name in told]


def relative(file: Path, page: Path) -> str:
    """The URL of a file, from a page in the folder `page`."""
    way = os.path.relpath(file, page.resolve()).replace(os.sep, "/")
    url = quote(way.encode("utf-8", "surrogateescape"), safe="/")
    return url if url.startswith(("./", "../")) else f"./{url}"
