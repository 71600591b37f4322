"""A solver's patch put on the base commit as SWE-bench's harness does: by `git apply`, else by
`patch`, which takes context that does not fit quite."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import TYPE_CHECKING

from swe_sleep.errors import RepositoryError, SandboxError
from swe_sleep.repo.diff import apply_with_modes
from swe_sleep.repo.snapshot import EXECUTABLE, REGULAR, SYMLINK, Snapshot

if TYPE_CHECKING:
    from swe_sleep.sandbox.protocol import Completed, Sandbox

Files = Mapping[str, tuple[bytes, int] | None]
"""What a patch makes of each path that it touches: the content and git's mode, or None."""

PATCH = ("patch", "--batch", "--forward", "--fuzz=5", "-p1", "--no-backup-if-mismatch", "-r", "-")
TIMEOUT_S = 120.0


def applied(patch: str, snapshot: Snapshot, sandbox: Sandbox) -> Files:
    """The files as they are with the patch. The sandbox is open on the snapshot, and reset before
    and after. Raises RepositoryError with git's reason where it does not apply."""
    try:
        return apply_with_modes(patch, snapshot)
    except RepositoryError as error:
        found = _loosely(patch, snapshot, sandbox)
        if found is None:
            raise RepositoryError(f"{error}") from None
        return found


def _loosely(patch: str, snapshot: Snapshot, sandbox: Sandbox) -> Files | None:
    """By `patch`. In the sandbox, as that program does more than it is asked to for some inputs."""
    place = posixpath.join(sandbox.scratch, "candidate.diff")
    sandbox.reset()
    text = patch if patch.endswith("\n") else f"{patch}\n"
    sandbox.put({place: text.encode("utf-8", "surrogateescape")})
    try:
        if not _fits(sandbox, place):
            return None
        changes = sandbox.changes()
    finally:
        sandbox.put({place: None})
        sandbox.reset()
    return with_modes(changes, snapshot)


def _fits(sandbox: Sandbox, place: str) -> bool:
    if _run(sandbox, *PATCH, "-i", place).exit_code == 0:
        return True
    # All of it may be there by now, though each attempt complained.
    return _run(sandbox, "git", "apply", "--check", "--reverse", place).exit_code == 0


def _run(sandbox: Sandbox, *argv: str) -> Completed:
    return sandbox.run(argv, timeout_s=TIMEOUT_S)


def with_modes(files: Mapping[str, bytes | None], snapshot: Snapshot) -> Files:
    """Contents, each with the mode of the file that is there."""
    return {
        path: None if content is None else (content, mode(path, snapshot))
        for path, content in files.items()
    }


def mode(path: str, snapshot: Snapshot) -> int:
    """Of a file that is there; of a new one the usual mode."""
    entry = snapshot.files.get(path)
    return REGULAR if entry is None else entry.mode


def put(files: Files, sandbox: Sandbox) -> None:
    """Write these files into the sandbox's copy. Raises RepositoryError where one has no place
    there."""
    plain = {
        path: None if found is None else found[0]
        for path, found in files.items()
        if found is None or found[1] != SYMLINK
    }
    # What is removed may be in the way of what comes.
    try:
        sandbox.put({path: content for path, content in plain.items() if content is None})
        sandbox.put({path: content for path, content in plain.items() if content is not None})
    except SandboxError as error:
        raise RepositoryError(f"The patch does not apply: {error}") from error
    runs = [path for path, found in files.items() if found and found[1] == EXECUTABLE]
    if runs:
        _run(sandbox, "chmod", "+x", "--", *runs)
    for path, found in files.items():
        if found and found[1] == SYMLINK:
            _run(sandbox, "mkdir", "-p", "--", posixpath.dirname(path) or ".")
            target = found[0].decode("utf-8", "surrogateescape")
            _run(sandbox, "ln", "-sfn", "--", target, path)
