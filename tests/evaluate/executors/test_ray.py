"""A real cluster of two nodes, on this machine: slow to start, so what can be shown at once is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import swe_sleep
from swe_sleep.errors import UsageError
from swe_sleep.evaluate.executors.local import LocalExecutor
from swe_sleep.evaluate.executors.ray_cluster import QUIET, RayExecutor, own_cluster
from swe_sleep.evaluate.executors.ray_run import Needs
from swe_sleep.evaluate.pool import Done, Failed, Said
from swe_sleep.evaluate.runs.conditions import Conditions
from swe_sleep.evaluate.runs.records import Arm, Trial
from swe_sleep.evaluate.runs.trial import PATCH, Asked, carry_out
from swe_sleep.evaluate.tasks.task import Answer, Case, Task
from swe_sleep.repo.diff import diff

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

NO_SANDBOX = Needs(backend="none", memory_mb=1, disk_mb=1)
GONE_S = 40.0


@pytest.fixture(scope="module", autouse=True)
def _environment(module_patch: pytest.MonkeyPatch) -> None:
    """Ray looks at it once, when it is imported. Nodes can be reached from this machine alone, and
    only with a token that this process made."""
    for name, value in (own_cluster() | QUIET).items():
        module_patch.setenv(name, value)


def gone(what: Callable[[], bool]) -> bool:
    """Whether that is no more, after some time."""
    end = time.monotonic() + GONE_S
    while what():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def answers(events: list[Any]) -> dict[Any, Any]:
    """By request, each of which has one."""
    ended = [each for each in events if not isinstance(each, Said)]
    assert max(Counter(each.request for each in ended).values()) == 1
    return {each.request: each for each in ended}


def test_the_tasks_of_a_killed_node_run_again(nodes: Any, ray_work: Any, tmp_path: Path) -> None:
    """Those on the second node wait until it is killed; the others wait for them to be there."""
    nodes.add("second")
    flag = tmp_path / "flag"
    requests = [ray_work.Asked(f"second {number}", flag=str(flag)) for number in range(7)]
    said: list[str] = []
    executor = RayExecutor(nodes.address, needs=NO_SANDBOX, progress=said.append)
    events: list[Any] = []
    there: dict[Any, tuple[int, Path]] = {}
    for event in executor.run(ray_work.work, requests):
        events.append(event)
        if isinstance(event, Said) and event.text.startswith("second "):
            _, pid, folder = event.text.split()
            there[event.request] = int(pid), Path(folder).parent
            if len(there) == 2:
                nodes.kill("second")
                flag.touch()
    assert len(there) == 2
    found = answers(events)
    assert found.keys() == set(requests)
    assert all(isinstance(each, Done) and each.answer == "first" for each in found.values())
    again = [each.request for each in events if isinstance(each, Said) and "again" in each.text]
    assert len(again) == 2
    assert set(again) == there.keys()
    assert any("died; 2 under way there run again" in line for line in said)
    assert gone(lambda: any(alive(pid) for pid, _ in there.values()))
    assert gone(lambda: any(scratch.exists() for _, scratch in there.values()))


def test_what_goes_wrong_is_told_of_its_task_alone(
    nodes: Any, ray_work: Any, tmp_path: Path
) -> None:
    requests = [ray_work.Asked(what) for what in ("fail", "bug", "exit", "kill", "fine", "good")]
    executor = RayExecutor(nodes.address, needs=NO_SANDBOX, logs=tmp_path / "logs")
    found = answers(list(executor.run(ray_work.work, requests)))
    assert found.keys() == set(requests)
    reasons = {r.what: each.reason for r, each in found.items() if isinstance(each, Failed)}
    assert reasons == {
        "fail": "it went wrong. Try again.",
        "bug": "ZeroDivisionError: division by zero",
        "exit": "its process ended too early.",
        "kill": "its node died.",
    }
    assert "Traceback" in found[requests[1]].detail
    logs = "".join(each.read_text() for each in (tmp_path / "logs").iterdir())
    assert "at work on fine" in logs


@pytest.fixture
def changed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Our own code is another than what is installed where the nodes are."""
    source = Path(swe_sleep.__file__).parent
    copy = tmp_path / "changed" / source.name
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "mark").touch()
    with monkeypatch.context() as patch:
        patch.setattr(swe_sleep, "__file__", str(copy / "__init__.py"))
        yield


@pytest.mark.usefixtures("changed_package")
def test_files_and_code_are_sent_where_they_are_not(
    nodes: Any, ray_work: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative name is another file for another process, so it has to be sent."""
    monkeypatch.chdir(tmp_path)
    away, here = Path("away"), tmp_path / "here.txt"
    (away / "empty").mkdir(parents=True)
    (away / "large").write_bytes(os.urandom(20 << 20))
    (away / "program").write_text("#!/bin/sh\n")
    (away / "program").chmod(0o755)
    (away / "link").symlink_to("program")
    here.write_text("is there")
    requests = [ray_work.Asked("read", (away, here)), ray_work.Asked("code")]
    requests.append(ray_work.Asked("read", (tmp_path / "none",)))
    said: list[str] = []
    executor = RayExecutor(nodes.address, needs=NO_SANDBOX, progress=said.append)
    found = answers(list(executor.run(ray_work.work, requests)))
    read = found[requests[0]].answer
    sent, there = read
    assert there == str(here)
    assert sent != str(away)
    assert read[sent] == {
        "large": ((away / "large").read_bytes(), False),
        "program": (b"#!/bin/sh\n", True),
        "link": (b"#!/bin/sh\n", True),
    }
    code, marked = found[requests[1]].answer
    assert marked
    assert Path(code).parent.parent.name == "code"
    assert "cannot read" in found[requests[2]].reason
    assert any("with our code" in line for line in said)
    assert gone(Path(sent).exists)


TOTAL = "def total(prices, voucher=0):\n    return sum(prices) + voucher\n"
ISSUE = "Wrong total: total([250, 120], voucher=70) returns 440 instead of 300"
HIDDEN = "import basket\n\n\ndef test_secret():\n    assert basket.total([5], 2) == 3\n"


@pytest.mark.usefixtures("ray_work")
def test_a_trial_comes_out_on_a_node_as_it_does_here(
    nodes: Any, make_repository: Callable[..., Path], git: Callable[..., str]
) -> None:
    """Where the budget that ends it is candidates, not seconds."""
    root = make_repository({"basket.py": TOTAL, "test_any.py": "def test_any(): pass\n"})
    base = git(root, "rev-parse", "HEAD").strip()
    right = diff({"basket.py": TOTAL.encode()}, {"basket.py": TOTAL.replace("+", "-").encode()})
    case = Case(
        Task("basket-total", "basket", base, ISSUE, (root / ".git",)),
        Answer(right, ("test_hidden.py::test_secret",), test_files={"test_hidden.py": HIDDEN}),
    )
    trial = Trial(case.id, Arm.OFF, "seconds=200,candidates=100", "")
    conditions = Conditions("search", {"sandbox.backend": "local"})
    asked = Asked("key", trial, case, None, "", conditions)
    cluster = RayExecutor(nodes.address, needs=Needs(backend="local", memory_mb=1, disk_mb=1))
    here, there = (
        next(each.answer for each in executor.run(carry_out, [asked]) if isinstance(each, Done))
        for executor in (LocalExecutor(1), cluster)
    )
    assert here.result.resolved and here.files[PATCH]
    assert there.files[PATCH] == here.files[PATCH]
    assert there.result.resolved
    assert there.result.usage.candidates == here.result.usage.candidates


@pytest.mark.parametrize("how", ["stopped", "left"])
def test_what_is_stopped_leaves_no_process(how: str, nodes: Any, ray_work: Any) -> None:
    stopped = threading.Event()
    executor = RayExecutor(nodes.address, needs=NO_SANDBOX)
    events = executor.run(ray_work.work, [ray_work.Asked("wait")] * 3, stop=stopped.is_set)
    pids: dict[int, Path] = {}
    for event in events:
        assert isinstance(event, Said)
        pids[int(event.text.split()[1])] = Path(event.text.split()[2])
        if len(pids) == 2:
            if how == "left":
                break
            stopped.set()
    events.close()  # type: ignore[attr-defined]
    assert len(pids) == 2
    assert not any(map(alive, pids))
    assert not any(folder.exists() for folder in pids.values())


def test_a_node_without_what_is_needed_is_not_used(nodes: Any, ray_work: Any) -> None:
    executor = RayExecutor(nodes.address, needs=Needs(backend="none", disk_mb=10**9))
    with pytest.raises(UsageError, match=r"no node .* can be used: .* of its disk are free"):
        list(executor.run(ray_work.work, [ray_work.Asked("fine")]))


@pytest.mark.parametrize("address", ["127.0.0.1:1", "auto", "nonsense", "ray://127.0.0.1:1"])
def test_where_no_cluster_is_it_says_how_to_start_one(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1" if address == "auto" else "")
    wanted = "on a node of the cluster" if "//" in address else "no Ray .* `ray start --head`"
    with pytest.raises(UsageError, match=wanted):
        list(RayExecutor(address).run(len, ["fine"]))  # type: ignore[arg-type]


OWN = """\
import json
import subprocess
import sys
from pathlib import Path

import ray_work_of_test
from swe_sleep.evaluate.executors.ray_cluster import RayExecutor
from swe_sleep.evaluate.executors.ray_run import Needs
from swe_sleep.evaluate.pool import Done


def family():
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[status.parent.name] = status.read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
    ours = {Path("/proc/self").resolve().name}
    while more := {pid for pid, parent in parents.items() if parent in ours} - ours:
        ours |= more
    return ours


def listening():
    sockets = set()
    for pid in family():
        try:
            sockets |= {str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir()}
        except OSError:
            continue
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/self/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                yield fields[1].partition(":")[0]


needs = Needs(backend="none", memory_mb=1, disk_mb=1)
executor = RayExecutor("local", jobs_per_node=1, needs=needs)
said = {"answers": [], "hosts": [], "left": 0}
for event in executor.run(ray_work_of_test.work, [ray_work_of_test.Asked("fine")]):
    if isinstance(event, Done):
        said["answers"].append(event.answer)
        said["hosts"] = sorted(set(listening()))
said["left"] = len(family()) - 1
print(json.dumps(said))
"""


def test_a_cluster_of_this_machine_is_open_to_nobody_else_and_ends_with_the_run(
    ray_work: Any,
) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", OWN],
        env=os.environ | {"NODE_OF_THE_TEST": "own"},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.stderr == ""
    said = json.loads(done.stdout)
    assert said["answers"] == ["own"]
    assert said["left"] == 0
    assert said["hosts"]
    assert all(each.endswith("0100007F") for each in said["hosts"])  # 127.0.0.1, or mapped to it


def test_without_ray_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"swe-sleep\[ray\]"):
        list(RayExecutor().run(len, ["a"]))  # type: ignore[arg-type]
