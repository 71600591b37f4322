"""How bubblewrap is called: every namespace of its own, nothing of the host but programs."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from swe_sleep.sandbox import interpreter

PROBE_S = 20.0
SHARED_MEMORY_MB = 64
HOSTS = Path(__file__).with_name("inside") / "hosts"
"""The loopback's names alone; the person's own file may name machines of theirs."""


def wrapper(folders: Iterable[str], *, workspace_mb: int, temporary_mb: int) -> list[str]:
    """The arguments before the command. `folders` are readable at their own paths.

    The command is the first process of its namespace, so nothing inside can end it. `--die-with-
    parent` is not used: it acts when the *thread* that started the sandbox ends, and the command
    ends by itself with its standard input.
    """
    argv = ["bwrap", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    argv += ["--unshare-cgroup-try", "--as-pid-1", "--new-session", "--hostname", "sandbox"]
    if os.geteuid() == 0:
        # Enough to become another user, which the supervisor does before it runs anything.
        argv += ["--cap-drop", "ALL"]
        for capability in ("CAP_SETUID", "CAP_SETGID", "CAP_CHOWN", "CAP_SETPCAP"):
            argv += ["--cap-add", capability]
    else:
        argv += ["--unshare-user"]
        argv += ["--disable-userns"] if _knows("--disable-userns") else []
    for folder in interpreter.SYSTEM_FOLDERS:
        if os.path.islink(folder):  # noqa: PTH114
            argv += ["--symlink", os.readlink(folder), folder]  # noqa: PTH115
        elif os.path.isdir(folder):  # noqa: PTH112
            argv += ["--ro-bind", folder, folder]
    for name in interpreter.SYSTEM_FILES:
        argv += ["--ro-bind-try", name, name]
    argv += ["--ro-bind", str(HOSTS), "/etc/hosts"]  # tests serve on localhost, and ask for it
    argv += ["--proc", "/proc", "--dev", "/dev"]
    for folder, size_mb in (
        ("/dev/shm", SHARED_MEMORY_MB),
        ("/tmp", temporary_mb),
        ("/workspace", workspace_mb),
    ):
        argv += ["--perms", "1777", "--size", str(size_mb << 20), "--tmpfs", folder]
    folders = list(folders)
    for above in sorted(
        {str(p) for f in folders for p in PurePosixPath(f).parents} - {"/", "/tmp"}
    ):
        if not above.startswith(interpreter.SYSTEM_FOLDERS):
            # else it would be as closed as it is outside, such as a home
            argv += ["--perms", "0755", "--dir", above]
    for folder in folders:
        argv += ["--ro-bind", folder, folder]
    return [*argv, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/", "--"]


@functools.cache
def works() -> bool:
    """Whether bubblewrap is installed and may make its namespaces here."""
    if not sys.platform.startswith("linux") or shutil.which("bwrap") is None:
        return False
    argv = wrapper(interpreter.folders(), workspace_mb=1, temporary_mb=1)
    try:
        done = subprocess.run(
            [*argv, interpreter.executable(), "-I", "-S", "-c", ""],
            capture_output=True,
            timeout=PROBE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


@functools.cache
def _knows(option: str) -> bool:
    done = subprocess.run(["bwrap", "--help"], capture_output=True, text=True, check=False)
    return option in done.stdout + done.stderr
