"""One hook's file: adding our line to it and taking it away.

`remove` undoes `add` from what is in the files now, so every way they were changed in between is
a state it can meet. What is ours is told by the mark at the end of each of our lines.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
from pathlib import Path
from typing import Literal

MARK = b"# added by swe-sleep hook install"
ASIDE = "before-swe-sleep"
"""Below the folder of the hooks: hooks that could not get a line, each under its own name."""

_SHEBANG = b"#!/bin/sh"
_MADE = b"# This whole file was made by swe-sleep. " + MARK
_OURS = re.compile(
    rb"\A[^\n]*" + re.escape(MARK) + rb"\r?(?:\n|\Z)|\n[^\n]*" + re.escape(MARK) + rb"\r?(?=\n|\Z)"
)
_SHELLS = frozenset(
    ("sh", "bash", "dash", "ash", "ksh", "ksh93", "mksh", "oksh", "lksh", "pdksh", "yash", "zsh")
)
_LARGEST = 1 << 20  # of a hook that is looked into


class NotPossible(Exception):
    """Why a hook could not get its line."""


def line(hook: str, beside: bool) -> bytes:
    """The line. `beside`: the folder of the hooks is next to the state folder."""
    if beside:
        run = f'sh "${{0%/*}}/../swe-sleep/hook" {hook}'
    else:
        run = f'(d=$(git rev-parse --git-common-dir) && sh "$d/swe-sleep/hook" {hook})'
    return f"{run} </dev/null >/dev/null 2>&1 || : ".encode() + MARK


def standing(folder: Path, hook: str) -> tuple[Literal["absent", "installed", "displaced"], str]:
    """What there is of ours for a hook in this folder, and what is wrong with it."""
    file, aside = folder / hook, folder / ASIDE / hook
    content = _read(file)
    displaced = _displaced(folder, hook)
    here = content is not None and _runs_ours(content)
    if here and content is not None:
        if not os.access(file, os.X_OK):
            return "displaced", "the file is not executable any more"
        if not _is_shell(content):
            return "displaced", "the file is not a shell script any more"
        if displaced:
            return "displaced", f"it would run twice: {displaced[0].name} has it, too"
        if os.path.lexists(aside) and not _calls(content, hook):
            return "installed", f"the hook from before is in {ASIDE}/ and is not called any more"
        return "installed", f"calls {ASIDE}/{hook}" if _calls(content, hook) else ""
    if displaced:
        return "displaced", f"another tool moved it to {displaced[0].name}"
    if os.path.lexists(aside):
        if content is not None and _calls(content, hook):
            return "absent", f"your lines stay in {hook}, which calls {ASIDE}/{hook}"
        return "displaced", f"another tool wrote {hook}; the hook from before is in {ASIDE}/"
    return "absent", ""


def add(folder: Path, hook: str, ours: bytes, *, movable: bool) -> None:
    """Give a hook our line. There must be none of it. Raises NotPossible, OSError."""
    file, aside = folder / hook, folder / ASIDE / hook
    try:
        mode = file.lstat().st_mode
    except FileNotFoundError:
        write(file, b"\n".join((_SHEBANG, _MADE, ours, b"")), 0o777 & ~_umask())
        return
    content = _read(file)
    if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
        raise NotPossible("it is neither a file nor a link, and was left alone")
    if content is not None and _is_shell(content) and os.access(file, os.X_OK):
        write(file, _with(content, ours), like=file)
        return
    if not movable:
        raise NotPossible("git tracks it and it is not a shell script: add the line yourself")
    if os.path.lexists(aside):
        raise NotPossible(f"{ASIDE}/{hook} is in the way, a hook from before: move it elsewhere")
    aside.parent.mkdir(exist_ok=True)
    _move(file, aside)
    write(file, b"\n".join((_SHEBANG, _MADE, ours, _call(hook), b"")), 0o777 & ~_umask())


def remove(folder: Path, hook: str) -> str:
    """Take away what is ours for a hook in this folder, and give what a person should know.
    Raises OSError."""
    file, aside = folder / hook, folder / ASIDE / hook
    said = ""
    for each in (file, *_displaced(folder, hook)):
        content = _read(each)
        if content is None or MARK not in content:
            continue
        rest = _without(content)
        if _MADE in content and rest.strip() in (_SHEBANG, b""):
            # First out of the way: between the two steps there is no hook, and never a wrong one.
            each.unlink()
            if os.path.lexists(aside) and _calls(content, hook):
                _move(aside, each)
        elif os.path.lexists(aside) and _calls(content, hook):
            # Both a person's lines and the hook from before: neither may be lost.
            rest = _without(content, but=_call(hook))
            if rest != content:
                write(each, rest, like=each)
            said = f"your lines stay in {each.name}, which calls {ASIDE}/{hook}"
        else:
            write(each, rest, like=each)
    if os.path.lexists(aside) and not os.path.lexists(file):
        _move(aside, file)
    elif os.path.lexists(aside) and not said:
        said = f"another tool wrote {hook}; the hook from before is in {ASIDE}/"
    with contextlib.suppress(OSError):
        aside.parent.rmdir()
    return said


def write(file: Path, content: bytes, mode: int = 0o644, like: Path | None = None) -> None:
    """Write a file so that it is the old one or the new one at any moment; with the mode, owner
    and attributes of another."""
    new = file.with_name(f".{file.name}.swe-sleep.{os.getpid()}")
    try:
        with new.open("wb") as stream:
            stream.write(content)
            if like is None:
                os.fchmod(stream.fileno(), mode)
        if like is not None:
            shutil.copystat(like, new)
            os.utime(new)
            owner = like.stat()
            with contextlib.suppress(OSError):
                os.chown(new, owner.st_uid, owner.st_gid)
                new.chmod(stat.S_IMODE(owner.st_mode))  # a change of owner takes set-id bits away
        new.replace(file)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def _read(file: Path) -> bytes | None:
    """The content of a regular file of sensible size, None of anything else."""
    try:
        stats = file.lstat()
        if not stat.S_ISREG(stats.st_mode) or stats.st_size > _LARGEST:
            return None
        return file.read_bytes()
    except OSError:
        return None


def _with(content: bytes, ours: bytes) -> bytes:
    """The content with a line of ours, under the shebang line or where there is none at the top.
    `_without` gives the content back, to the byte."""
    if not content.startswith(b"#!"):
        return ours + b"\n" + content
    first, newline, rest = content.partition(b"\n")
    return first + b"\n" + ours + newline + rest


def _without(content: bytes, but: bytes | None = None) -> bytes:
    def replacement(found: re.Match[bytes]) -> bytes:
        return found[0] if but is not None and but in found[0] else b""

    while (fewer := _OURS.sub(replacement, content)) != content:
        content = fewer
    return content


def _call(hook: str) -> bytes:
    # Named in full: another tool may rename the file that this stands in.
    run = f'hook=${{0%/*}}/{ASIDE}/{hook}; [ ! -x "$hook" ] || exec "$hook" "$@" '
    return run.encode() + MARK


def _calls(content: bytes, hook: str) -> bool:
    return _call(hook) in content


def _runs_ours(content: bytes) -> bool:
    return any(b"swe-sleep/hook" in each and MARK in each for each in content.split(b"\n"))


def _is_shell(content: bytes) -> bool:
    """Whether a shell of the Bourne family runs it. Git gives what has no shebang to `sh`."""
    if b"\0" in content[:8192]:
        return False
    if not content.startswith(b"#!"):
        return True
    words = content[2:].partition(b"\n")[0].decode("utf-8", "replace").split(" ")
    words = [word for word in words if word]
    if words and Path(words[0]).name == "env":
        words = [w for w in words[1:] if not w.startswith("-") and "=" not in w]
    elif words and Path(words[0]).name == "busybox":
        words = words[1:]
    return bool(words) and Path(words[0]).name in _SHELLS


def _displaced(folder: Path, hook: str) -> list[Path]:
    """Files beside the hook that hold our line: other tools rename hooks they find, too."""
    found = []
    with contextlib.suppress(OSError):
        for each in sorted(folder.glob(f"{hook}.*")):
            content = _read(each)
            if content is not None and _runs_ours(content):
                found.append(each)
    return found


def _move(old: Path, new: Path) -> None:
    """Rename over the border of `ASIDE`, keeping what a relative link means."""
    deeper = new.parent.name == ASIDE
    if old.is_symlink() and not (target := os.readlink(old)).startswith("/"):  # noqa: PTH115
        # (Path would make another text of it)
        new.symlink_to(f"../{target}" if deeper else target.removeprefix("../"))
        old.unlink()
        return
    old.rename(new)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
