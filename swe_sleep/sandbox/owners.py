"""Who a sandbox or a scratch folder belongs to, so that what a killed owner left can be told and
removed.

A process is named by its id and its start time: ids are used again.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from swe_sleep.errors import SandboxError

FRESH_S = 60.0
_OWNER = "owner"


def started(pid: int) -> str:
    """When a process started, in the system's own words; empty when there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return "" if fields[0] in (b"Z", b"X") else fields[19].decode()
    except OSError:
        pass
    if Path("/proc/self").exists():
        return ""
    listing = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listing.stdout.strip()


@cache
def _machine() -> str:
    """Tells one boot of one machine from another: several hosts may use one engine."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return os.uname().nodename


def me() -> str:
    return f"{os.getpid()} {started(os.getpid())} {_machine()}"


def gone(owner: str) -> bool:
    """Whether this owner, as `me` wrote it, is certainly gone."""
    pid, _, rest = owner.partition(" ")
    start, _, machine = rest.rpartition(" ")
    if machine != _machine():
        return False  # another machine's, or unreadable: not ours to judge
    return not pid.isdigit() or started(int(pid)) != start


def living(owner: str) -> int | None:
    """The id of this owner's process, if it runs on this machine now."""
    pid = owner.partition(" ")[0]
    if not pid.isdigit() or owner.rpartition(" ")[2] != _machine() or gone(owner):
        return None
    return int(pid)


def _home() -> Path:
    """The folder of this user's temporary folders. Raises SandboxError if it is not ours."""
    path = Path(tempfile.gettempdir()) / f"swe-sleep-{os.geteuid()}"
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
    info = path.lstat()
    if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.geteuid() or info.st_mode & 0o022:
        raise SandboxError(f"{path} is not a folder of yours alone.", "Remove it.")
    return path


def make_folder(*, shared: bool) -> Path:
    """A new folder; with `shared` another user who knows its name may enter."""
    home = _home()
    home.chmod(0o711 if shared else home.stat().st_mode & 0o777)
    folder = Path(tempfile.mkdtemp(prefix="box-", dir=home))
    (folder / _OWNER).write_text(me())
    (folder / _OWNER).chmod(0o600)
    if shared:
        folder.chmod(0o711)
    return folder


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder for what is needed only meanwhile. What killed owners left of theirs is swept first.
    Raises SandboxError."""
    reap()
    folder = make_folder(shared=False)
    try:
        yield folder
    finally:
        remove_folder(folder)


def remove_folder(folder: Path) -> None:
    """Remove a folder, whatever was done to permissions in it."""
    for _ in range(3):
        for path, folders, _ in os.walk(folder):
            for name in folders:
                with contextlib.suppress(OSError):
                    if not (Path(path) / name).is_symlink():
                        (Path(path) / name).chmod(0o700)
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.05)


def reap() -> int:
    """Remove the folders of owners that are gone; how many."""
    removed = 0
    for folder in _home().glob("box-*"):
        dead = False  # where another sweeps it at the same time
        try:
            owner = (folder / _OWNER).read_text()
            dead = gone(owner)
        except OSError:
            with contextlib.suppress(OSError):
                dead = time.time() - folder.stat().st_mtime > FRESH_S
        if dead:
            remove_folder(folder)
            removed += 1
    return removed
