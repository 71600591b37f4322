"""Fetching a repository from the network, as a mirror, when a person has asked for it."""

from __future__ import annotations

import os
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from swe_sleep.errors import NotARepository, RepositoryError, UsageError
from swe_sleep.repo import plumbing

PROTOCOLS = "https:http:ssh:git:file"
"""Those that only fetch; git knows others that run programs."""
_SETTINGS = (
    f"core.hooksPath={os.devnull}",
    "core.fsmonitor=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "http.lowSpeedLimit=1000",  # bytes a second, for a minute: else a dead line keeps us forever
    "http.lowSpeedTime=60",
    "transfer.fsckObjects=false",  # old repositories have faults that no one can mend
)


def clone_mirror(url: str, place: Path) -> None:
    """Clone `url` as a mirror to `place`, whole or not at all. What another process put there
    meanwhile is kept. The person's own settings for the network hold; git asks for no password.

    Raises UsageError for what is no address, NotARepository without git, and RepositoryError with
    git's reason.
    """
    if not url or url.startswith("-") or any(char.isspace() for char in url):
        raise UsageError(f"{url!r} is no address that git could clone from.")
    place.parent.mkdir(parents=True, exist_ok=True)
    settings = [word for setting in _SETTINGS for word in ("-c", setting)]
    with tempfile.TemporaryDirectory(prefix=f".{place.name}-", dir=place.parent) as folder:
        made = Path(folder) / "git"
        try:
            done = subprocess.run(
                ["git", *settings, "clone", "--quiet", "--mirror", "--", url, str(made)],
                cwd=folder,
                env=plumbing.environment({"GIT_ALLOW_PROTOCOL": PROTOCOLS}),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )
        except FileNotFoundError as error:
            raise NotARepository("git is not installed.", "Install git and try again.") from error
        if done.returncode != 0:
            raise RepositoryError(
                f"{url} cannot be cloned: {plumbing.reason(done.stderr)}.",
                "Check the address and the network, or put a clone below --repos.",
            )
        with suppress(OSError):  # another process was first
            made.rename(place)
