"""Sandboxes without an engine: bubblewrap, else Landlock, else resource limits alone.

With bubblewrap a sandbox leaves nothing behind however it ends: its files are in memory, in a
mount namespace that goes with its last process. Without, they are in a private temporary folder,
which `open` also removes for owners that were killed.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import platform
import posixpath
import random
import subprocess
import sys
from pathlib import Path
from typing import Literal

from swe_sleep.errors import EnvironmentFailed
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox import bubblewrap, interpreter, landlock, owners
from swe_sleep.sandbox.box import Box, start_settings
from swe_sleep.sandbox.connection import Connection, command
from swe_sleep.sandbox.environment import EnvironmentOptions, Environments
from swe_sleep.sandbox.pipes import PipeTransport
from swe_sleep.sandbox.protocol import Environment, Guarantees, Limits, Progress, Sandbox

Level = Literal["bubblewrap", "landlock", "plain"]
PATIENCE_S = 60.0
LOST_ADVICE = "Try again; if it happens again, look at the memory of this machine."
OWN_USERS = (61184, 65519)
"""User ids that no person and no service has; one a sandbox, so that each has limits of its own."""
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/shm")


@functools.cache
def best_level() -> Level:
    if bubblewrap.works():
        return "bubblewrap"
    return "landlock" if landlock.version() > 0 else "plain"


class LocalBackend:
    """Sandboxes as processes of this machine. `level` is the protection; the best by default."""

    name = "local"

    def __init__(
        self, options: EnvironmentOptions | None = None, *, level: Level | None = None
    ) -> None:
        self.level: Level = level or best_level()
        self._environments = Environments(
            options or EnvironmentOptions(), opens=self._open_for_build
        )

    def guarantees(self) -> Guarantees:
        if self.level == "bubblewrap":
            return Guarantees(
                network_off=True,
                files_held=True,
                home_hidden=True,
                limits_held=True,
                text="bubblewrap: no network, no files but the sandbox's own, all limits held",
            )
        limits_held = os.geteuid() != 0 or _can_become_another()
        if self.level == "landlock":
            network = "no TCP (UDP is open)" if landlock.version() >= 4 else "the network is OPEN"
            return Guarantees(
                network_off=False,
                files_held=True,
                home_hidden=True,
                limits_held=limits_held,
                text=f"Landlock: no files but the sandbox's own, {network}, disk limited by file; "
                "install bubblewrap or Docker for more",
            )
        return Guarantees(
            network_off=False,
            files_held=False,
            home_hidden=False,
            limits_held=limits_held,
            text="NO protection but limits on time and memory: commands can reach the network and "
            "your files; install bubblewrap or Docker",
        )

    def prepare(self, snapshot: Snapshot, *, progress: Progress) -> Environment:
        return self._environments.make(snapshot, progress=progress)

    def _open_for_build(
        self, snapshot: Snapshot, environment: Environment, limits: Limits
    ) -> Sandbox:
        if not self.guarantees().network_off:
            raise EnvironmentFailed("a build needs a sandbox without network; install bubblewrap")
        return self.open(snapshot, environment, limits=limits)

    def open(
        self, snapshot: Snapshot, environment: Environment, *, limits: Limits | None = None
    ) -> Box:
        limits = limits or Limits()
        owners.reap()
        if self.level == "bubblewrap":
            return self._open_bubblewrap(snapshot, environment, limits)
        return self._open_folder(snapshot, environment, limits)

    def _open_bubblewrap(self, snapshot: Snapshot, environment: Environment, limits: Limits) -> Box:
        uid = random.randint(*OWN_USERS) if os.geteuid() == 0 else None
        argv = bubblewrap.wrapper(
            readable_folders(environment),
            workspace_mb=limits.disk_mb * 3 // 4,
            temporary_mb=limits.disk_mb // 4,
        )
        settings = start_settings(
            environment,
            limits,
            uid=uid,
            watch_memory=True,
            rlimits=rlimits(limits, alone=uid is not None or _counts_by_namespace()),
        )
        transport = PipeTransport([*argv, *command(environment.python)])
        box = Box(Connection(transport, LOST_ADVICE), snapshot, environment, transport.release)
        box.start(settings, patience_s=PATIENCE_S)
        return box

    def _open_folder(self, snapshot: Snapshot, environment: Environment, limits: Limits) -> Box:
        another = os.geteuid() == 0 and _can_become_another()
        uid = random.randint(*OWN_USERS) if another else None
        folder = owners.make_folder(shared=another)
        work, temporary = folder / "workspace", folder / "tmp"
        work.mkdir()
        temporary.mkdir()
        if uid is not None:
            os.chown(temporary, uid, uid)
        argv = command(environment.python)
        if self.level == "landlock":
            read = [*interpreter.SYSTEM_FOLDERS, *interpreter.SYSTEM_FILES, "/proc", "/dev"]
            rules = {
                "read": [*read, *readable_folders(environment)],
                "write": [str(work), str(temporary), *_DEVICES],
            }
            source = Path(landlock.__file__).read_text()
            argv = [environment.python, "-I", "-S", "-c", source, json.dumps(rules), *argv]
        settings = start_settings(
            environment,
            limits,
            workdir=str(work),
            scratch=str(temporary / "scratch"),
            home=str(temporary / "home"),
            temporary=str(temporary),
            uid=uid,
            watch_memory=True,
            rlimits=rlimits(limits, alone=another),
        )
        transport = PipeTransport(argv)

        def finish() -> None:
            transport.release()
            owners.remove_folder(folder)

        connection = Connection(transport, LOST_ADVICE)
        box = Box(
            connection,
            snapshot,
            environment,
            finish,
            workdir=str(work),
            scratch=str(temporary / "scratch"),
        )
        box.start(settings, patience_s=PATIENCE_S)
        return box


def readable_folders(environment: Environment) -> tuple[str, ...]:
    """The interpreter's folders and the environment's."""
    prefix = posixpath.dirname(posixpath.dirname(environment.python))
    inside = interpreter.folders(environment.base)
    if not environment.key or any(prefix == f or prefix.startswith(f + "/") for f in inside):
        return inside
    return (*inside, prefix)


def rlimits(limits: Limits, *, alone: bool) -> dict[str, int]:
    """Limits a process inherits. `alone`: the kernel counts no processes but the sandbox's.

    The memory of everything together is watched; the limit on one process is only there to stop
    what would grow faster than the watch looks.
    """
    others = 0 if alone else _processes_of_this_user()
    return {
        "NPROC": limits.processes + others,
        "FSIZE": limits.disk_mb << 20,
        "DATA": (2 * limits.memory_mb + 512) << 20,
    }


def _processes_of_this_user() -> int:
    count = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if folder.stat().st_uid == os.geteuid():
                count += sum(1 for _ in (folder / "task").iterdir())
    return count or 1024


def _counts_by_namespace() -> bool:
    """Since Linux 5.14 RLIMIT_NPROC is counted in each user namespace by itself."""
    numbers = platform.release().split("-")[0].split(".")[:2]
    return sys.platform == "linux" and tuple(int(n) for n in numbers if n.isdigit()) >= (5, 14)


@functools.cache
def _can_become_another() -> bool:
    """Whether another user could run the interpreter: it may lie in a closed home."""
    try:
        done = subprocess.run(
            [interpreter.executable(), "-I", "-S", "-c", ""],
            user=OWN_USERS[0],
            capture_output=True,
            check=False,
            cwd="/",
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0
