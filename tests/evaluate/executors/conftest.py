"""A Ray cluster of this machine, in processes of its own, that can lose a node."""

from __future__ import annotations

import importlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

END_S = 30.0

# Does what it reads, a line each, and answers when it is done; ends it all when there is no more.
# A raylet that is killed has to be waited for: its workers take a zombie for alive.
NODES = """\
import sys

import ray._private.utils
from ray.cluster_utils import Cluster

ray._private.utils.write_ray_address = lambda *arguments: None  # no cluster but a test's finds it
cluster = Cluster()
raylets = {}
for do, name in map(str.split, sys.stdin):
    if do == "add":
        for left in (2, 1, 0):
            try:
                node = cluster.add_node(
                    num_cpus=2,
                    object_store_memory=80 << 20,
                    include_dashboard=False,
                    include_log_monitor=False,
                    no_monitor=True,
                    temp_dir=f"{sys.argv[1]}/{name}{left}",
                    env_vars={"NODE_OF_THE_TEST": name},
                )
                break
            except Exception:  # Ray gives a busy machine half a minute
                if not left:
                    raise
        raylets[name] = node.all_processes["raylet"][0].process
    else:
        raylets[name].kill()
        raylets[name].wait()
    print("done", cluster.address, flush=True)
cluster.shutdown()
"""

WORK = """\
import os
import signal
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import swe_sleep
from swe_sleep.errors import SweSleepError


@dataclass(frozen=True)
class Asked:
    what: str
    files: tuple[Path, ...] = ()
    flag: str = ""

    def moved(self, places):
        return replace(self, files=tuple(places[each] for each in self.files))


def node():
    return os.environ["NODE_OF_THE_TEST"]


def work(asked, say):
    say(f"{node()} {os.getpid()} {tempfile.gettempdir()}")
    print(f"at work on {asked.what}", flush=True)
    if asked.what.startswith("second"):  # never ends on the second node
        while node() == "second" or not Path(asked.flag).exists():
            time.sleep(0.05)
    if asked.what == "wait":
        time.sleep(600)
    if asked.what == "fail":
        raise SweSleepError("it went wrong.", "Try again.")
    if asked.what == "bug":
        return 1 / 0
    if asked.what == "exit":
        os._exit(3)
    if asked.what == "kill":
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(600)
    if asked.what == "code":
        return swe_sleep.__file__, Path(swe_sleep.__file__).with_name("mark").exists()
    if asked.what == "read":
        return {
            str(file): {
                str(each.relative_to(file)): (each.read_bytes(), os.access(each, os.X_OK))
                for each in (sorted(file.rglob("*")) if file.is_dir() else [file])
                if each.is_file()
            }
            for file in asked.files
        }
    return node()
"""


class Nodes:
    """Nodes by their names; `address` is the first one's."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.address = ""
        with (folder / "stderr.txt").open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-c", NODES, str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment,
                text=True,
                start_new_session=True,
            )

    def add(self, name: str) -> None:
        self._do("add", name)

    def kill(self, name: str) -> None:
        """SIGKILL for its raylet."""
        self._do("kill", name)

    def _do(self, what: str, name: str) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(what, name, file=self._process.stdin, flush=True)
        line = next(each for each in self._process.stdout if each.startswith("done"))
        self.address = line.split()[1]

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process.stdout.close()


@pytest.fixture(scope="module")
def module_patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def short_folder() -> Iterator[Path]:
    """One whose name leaves room for that of a socket."""
    folder = Path(tempfile.mkdtemp(prefix="ray", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def ray_work(short_folder: Path, module_patch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A module that nodes can import too: `work` and what it is asked, `Asked`."""
    (short_folder / "ray_work_of_test.py").write_text(WORK)
    module_patch.syspath_prepend(short_folder)
    module_patch.setenv("PYTHONPATH", str(short_folder))
    module: ModuleType = importlib.import_module("ray_work_of_test")
    yield module
    sys.modules.pop(module.__name__)


@pytest.fixture(scope="module")
def nodes(short_folder: Path, ray_work: Any, module_patch: pytest.MonkeyPatch) -> Iterator[Nodes]:
    started = Nodes(short_folder, os.environ | {"RAY_health_check_period_ms": "1000"})
    try:
        started.add("first")
        yield started
    finally:
        started.close()
