"""Which new files a repository ignores, by git's own rules and without the repository.

The sandbox holds no `.git`, so git is asked in an empty repository of our own that has the
snapshot's `.gitignore` files and nothing else.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from swe_sleep.errors import SandboxError
from swe_sleep.repo import paths, plumbing


def not_ignored(rules: Mapping[str, bytes], candidates: list[str]) -> list[str]:
    """The candidates that these `.gitignore` files (path to content) do not exclude, in order."""
    if not candidates or not rules:
        return candidates
    alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    with tempfile.TemporaryDirectory(prefix="swe-sleep-ignore-") as folder:
        root = Path(folder)
        for path, content in rules.items():
            target = Path(os.fsdecode(paths.join(root, path)))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)

        def git(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
            return subprocess.run(
                ["git", "-c", "core.excludesFile=", *arguments],
                cwd=root,
                env=plumbing.environment(alone),
                input=stdin,
                capture_output=True,
                check=False,
            )

        made = git("init", "-q")
        names = {os.fsencode(os.fsdecode(paths.to_os(path))): path for path in candidates}
        asked = git("check-ignore", "--no-index", "-z", "--stdin", stdin=b"\0".join(names))
        if made.returncode or asked.returncode > 1:
            said = (made.stderr + asked.stderr).decode(errors="replace").strip()
            raise SandboxError(f"git could not tell which new files are ignored: {said}")
        excluded = {names[name] for name in asked.stdout.split(b"\0") if name}
    return [path for path in candidates if path not in excluded]
