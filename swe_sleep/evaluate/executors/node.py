"""What an executor leaves on a node of a cluster: a folder for files, and processes that work.

The class is sent there as it stands, so it needs nothing but Python, Ray and `packing`: our own
package may be another one there, or none, and is then sent as well. It passes requests and answers
on as bytes.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from swe_sleep.evaluate.executors.packing import digest_of, unpack

PROBE_S = 120.0
END_S = 5.0
"""How long a process has to end when it is asked to."""
AT_ONCE = 200
"""Lines and answers in one reply."""
LOG_BYTES = 1 << 18
"""Of one process, in one reply."""
PROBE = "from swe_sleep.evaluate.executors.probe import main; main()"
SERVE = "from swe_sleep.evaluate.executors.serve import main; main()"
# Waits until the node's process and all that it has started are gone, then tidies up. Its parent
# ends at once: Ray kills the children of a process of its own that ends.
TIDY = """\
import os, shutil, sys
if os.fork():
    os._exit(0)
os.setsid()
os.read(int(sys.argv[1]), 1)
shutil.rmtree(sys.argv[2], ignore_errors=True)
"""


class Child:
    """A process that answers one request after the other."""

    def __init__(self, log: Path, environment: Mapping[str, str], folder: Path, held: int) -> None:
        ours, theirs = socket.socketpair()
        with theirs, log.open("ab") as output:
            before = output.tell()
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-c", SERVE, str(theirs.fileno())],
                stdin=subprocess.PIPE,  # it ends when this does
                stdout=output,
                stderr=output,
                env=dict(environment),
                cwd=folder,
                pass_fds=(theirs.fileno(), held),
                start_new_session=True,
            )
        self.connection = Connection(ours.detach())
        self._log = log.open("rb")
        self._log.seek(before)

    def log(self) -> bytes:
        return self._log.read(LOG_BYTES)

    def ask_to_end(self) -> None:
        with contextlib.suppress(OSError):
            self.connection.close()
        self.process.terminate()

    def end(self) -> int:
        """Make sure that nothing of it is left. What it exits with."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(END_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        code = self.process.wait()
        assert self.process.stdin is not None
        for each in (self.process.stdin, self._log, self.connection):
            with contextlib.suppress(OSError):
                each.close()
        return code


class Node:
    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="swe-sleep-ray-")).resolve()
        self._temporary = self._folder / "tmp"
        self._temporary.mkdir()
        waits, self._held = os.pipe()
        subprocess.run(
            [sys.executable, "-I", "-S", "-c", TIDY, str(waits), str(self._folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(waits,),
            check=True,
        )
        os.close(waits)
        self._children: dict[int, Child] = {}
        self._environment: dict[str, str] = {}
        self._work = b""
        self._number, self._reply = -1, list[tuple[int, str, Any]]()

    def begin(
        self,
        package: str,
        digest: str,
        chunks: Sequence[Any],
        needed: Sequence[str],
        environment: Mapping[str, str],
        work: bytes,
    ) -> dict[str, Any]:
        """Get ready, and say what this node has. `needed` are requirements of our package, whose
        `digest` and content are given; `environment` is added to this node's own, for `work`."""
        missing = [each for each in needed if not _is_installed(each)]
        if missing:
            return {"missing": missing}
        self._work = work
        self._environment = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")}
        self._environment.pop("PYTHONBREAKPOINT", None)
        self._environment |= {**environment, "TMPDIR": str(self._temporary)}
        found = importlib.util.find_spec(package)
        places = map(Path, (found.submodule_search_locations or ()) if found else ())
        shipped = not any(each.is_dir() and digest_of(each, code=True) == digest for each in places)
        if shipped:
            self._unpack(chunks, self._folder / "code")
            paths = [str(self._folder / "code"), self._environment.get("PYTHONPATH", "")]
            self._environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        try:
            done = subprocess.run(
                [sys.executable, "-P", "-c", PROBE],
                capture_output=True,
                env=self._environment,
                cwd=self._folder,
                timeout=PROBE_S,
                check=True,
            )
            facts: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        except (subprocess.SubprocessError, ValueError, IndexError) as error:
            said = getattr(error, "stderr", None) or str(error).encode()
            return {"broken": said.decode(errors="replace").strip()[-2000:] or str(error)}
        return {**facts, "shipped": shipped}

    def place(
        self, wanted: Sequence[tuple[str, str, Sequence[Any] | None]]
    ) -> dict[str, str | None]:
        """Where the files are here, each given as path, digest and, if it was asked for, content:
        None where it has to be."""
        return {path: self._place(path, digest, chunks) for path, digest, chunks in wanted}

    def _place(self, path: str, digest: str, chunks: Sequence[Any] | None) -> str | None:
        with contextlib.suppress(OSError):
            if digest_of(Path(path)) == digest:
                return path
        folder = self._folder / "files" / digest[:32]
        place = folder / (Path(path).name or "root")
        if place.exists():
            return str(place)
        if chunks is None:
            return None
        try:
            self._unpack(chunks, folder)
            if digest_of(place) != digest:
                raise OSError(f"{path} changed while it was read")
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return str(place)

    def _unpack(self, chunks: Sequence[Any], folder: Path) -> None:
        import ray

        left = iter(chunks)

        def following() -> bytes:
            reference = next(left, None)
            return b"" if reference is None else ray.get(reference)

        unpack(following, folder)

    def turn(
        self, number: int, asked: Sequence[tuple[int, bytes]], wait_s: float
    ) -> list[tuple[int, str, Any]]:
        """Give requests to processes by their number, and say what all of them said since. Asked
        the same again, as an answer was lost on its way, it says the same again."""
        if number != self._number:
            for slot, request in asked:
                self._ask(slot, request)
            self._reply, self._number = list(self._hear(wait_s)), number
        return self._reply

    def _ask(self, slot: int, request: bytes) -> None:
        child = self._children.get(slot)
        if child is not None and child.process.poll() is not None:
            child.end()
            child = None
        sent = [request]
        if child is None:
            sent = [self._work, request]
            log = self._folder / f"log-{slot}.txt"
            child = Child(log, self._environment, self._folder, self._held)
            self._children[slot] = child
        with contextlib.suppress(OSError):  # it died, which shows when it is listened to
            for each in sent:
                child.connection.send_bytes(each)

    def _hear(self, wait_s: float) -> Iterator[tuple[int, str, Any]]:
        slots = {child.connection: slot for slot, child in self._children.items()}
        heard = 0
        while heard < AT_ONCE and (ready := wait(list(slots), 0 if heard else wait_s)):
            for connection in ready:
                assert isinstance(connection, Connection)
                heard += 1
                slot = slots[connection]
                try:
                    yield slot, "event", connection.recv_bytes()
                except (EOFError, OSError):
                    del slots[connection]
                    child = self._children.pop(slot)
                    yield slot, "log", child.log()
                    yield slot, "ended", child.end()
        for slot, child in self._children.items():
            if log := child.log():
                yield slot, "log", log

    def end(self) -> None:
        for child in self._children.values():
            child.ask_to_end()
        for child in self._children.values():
            child.end()
        self._children.clear()
        shutil.rmtree(self._folder, ignore_errors=True)


def _is_installed(requirement: str) -> bool:
    """Whether a distribution is there, in a version that is wanted where that can be told."""
    name, _, wanted = requirement.partition(" ")
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    try:
        from packaging.specifiers import SpecifierSet
    except ImportError:
        return True
    return SpecifierSet(wanted).contains(version, prereleases=True)
