"""Where a repository's hooks are."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from swe_sleep.repo import plumbing
from swe_sleep.repo.repository import Repository


def hooks_setting(repository: Repository) -> str | None:
    """`core.hooksPath` as it is set for this work tree, None where it is not. A relative one is
    meant from the top of the work tree."""
    # The last value is our own: no git that we run runs hooks (`plumbing.SAFE`).
    output = repository.git.ask("config", "-z", "--type=path", "--get-all", "core.hooksPath") or b""
    values = list(plumbing.records(output))[:-1]
    return os.fsdecode(values[-1]) if values else None


def hooks_folder(repository: Repository) -> Path:
    """The folder where git looks for the hooks of this work tree. It need not exist."""
    setting = hooks_setting(repository)
    return (
        repository.common_dir / "hooks" if setting is None else repository.root / (setting or "/")
    )


def tracked(repository: Repository, files: Iterable[Path]) -> set[Path]:
    """Those of some absolute names that are in git's index."""
    below: dict[bytes, set[Path]] = {}
    for file in files:
        name = file.parent.resolve() / file.name
        if name.is_relative_to(repository.root):
            below.setdefault(os.fsencode(name.relative_to(repository.root)), set()).add(file)
    if not below:
        return set()
    pathspecs = [os.fsdecode(name) for name in below]
    output = repository.git.run("--literal-pathspecs", "ls-files", "-z", "--", *pathspecs)
    return {file for name in plumbing.records(output) for file in below.get(name, ())}
