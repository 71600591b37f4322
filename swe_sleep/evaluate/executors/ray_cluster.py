"""The work of an evaluation on a Ray cluster, from one machine to many nodes.

Ray starts a `Node` on every node, carries bytes, and says which nodes are gone; which request goes
where is decided here. Settings of this machine's environment (`SWE_SLEEP_*`, `ANTHROPIC_*`, a key
among them) go to the processes that work, and nowhere else.
"""

from __future__ import annotations

import contextlib
import inspect
import logging
import os
import secrets
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from swe_sleep.errors import UsageError
from swe_sleep.evaluate.executors.ray_run import Needs, Run
from swe_sleep.evaluate.extras import need
from swe_sleep.evaluate.pool import A, Event, Q, Work
from swe_sleep.index.workers import cores

LOCAL_STORE_BYTES = 200 << 20
ADVICE = (
    "Start one with `ray start --head` here and `ray start --address=HEAD:6379` on the other "
    "machines; `--ray-address local` starts one of this machine alone."
)
STARTS = 2
"""How often it is tried; Ray gives a busy machine half a minute."""
CONNECT_S = 10.0
SHORT = 30
"""Longer names of folders leave no room for a socket's."""
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_enable_worker_prestart": "0",
}


class RayExecutor:
    """`address` is that of the cluster's head, "auto" for one that runs on this machine or that
    `RAY_ADDRESS` names, or "local" for one of this machine alone that ends with the run.

    Up to `jobs_per_node` requests are worked on at once on a node; None for as many as its cores
    and its memory are enough for. What the processes print goes to files in `logs`.
    """

    def __init__(
        self,
        address: str = "auto",
        *,
        jobs_per_node: int | None = None,
        needs: Needs = Needs(),  # noqa: B008
        logs: Path | None = None,
        progress: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.address = address
        self.jobs_per_node = jobs_per_node
        self.needs = needs
        self.logs = logs
        self.progress = progress

    def run(
        self, work: Work[Q, A], requests: Sequence[Q], *, stop: Callable[[], bool] = lambda: False
    ) -> Iterator[Event[Q, A]]:
        """See `Executor`. A request whose node dies is worked on again on another; one that was on
        two nodes that died has failed. Raises UsageError without Ray, without a cluster, and where
        no node has what is needed."""
        if not requests or stop():
            return
        with connected(self.address, self.jobs_per_node, self._note) as ray:
            run = Run(
                ray,
                work,
                requests,
                needs=self.needs,
                jobs_per_node=self.jobs_per_node,
                logs=self.logs,
                progress=self.progress,
                stop=stop,
            )
            yield from run.events()

    def _note(self, text: str) -> None:
        if self.logs is not None:
            with contextlib.suppress(OSError):
                self.logs.mkdir(parents=True, exist_ok=True)
                with (self.logs / "ray.txt").open("a") as file:
                    file.write(f"{text}\n")


@contextlib.contextmanager
def connected(
    address: str, jobs: int | None = None, tell: Callable[[str], None] = lambda text: None
) -> Iterator[Any]:
    """The module `ray`, connected; what Ray has to say goes to `tell`. Raises UsageError."""
    if address.startswith("ray://"):
        raise UsageError(
            "an evaluation cannot be run through Ray Client.", "Start it on a node of the cluster."
        )
    with contextlib.ExitStack() as stack:
        environment = QUIET | (own_cluster() if address == "local" else {})
        stack.enter_context(_environment(environment))
        ray = need("ray", extra="ray")
        if ray.is_initialized():
            yield ray
            return
        stack.enter_context(_told_to(ray, tell))
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}
        if address == "local":
            options |= {
                "num_cpus": max(jobs or 0, cores()),
                "num_gpus": 0,
                "include_dashboard": False,
                "object_store_memory": LOCAL_STORE_BYTES,
                "_temp_dir": stack.enter_context(_short_folder()),
            }
        else:
            address = _answering(address)
        _begin(ray, address, options)
        stack.callback(ray.shutdown, **_waiting(ray.shutdown))
        if address == "local" and any(
            node["NodeManagerAddress"] != "127.0.0.1" for node in ray.nodes()
        ):
            raise UsageError("Ray was imported before, and would be open to the network.")
        yield ray


def _begin(ray: Any, address: str, options: dict[str, Any]) -> None:
    tries = STARTS if address == "local" else 1
    for left in reversed(range(tries)):
        try:
            with _signals_kept():
                ray.init(address=address, **options)
            return
        except Exception as error:  # some are of no kind of their own
            with contextlib.suppress(Exception):
                ray.shutdown()
            if left:
                continue
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
            what = "Ray could not be started" if address == "local" else "no Ray cluster answers"
            raise UsageError(f"{what}: {reason}.", "" if address == "local" else ADVICE) from error


def _answering(address: str) -> str:
    """The address as host and port, where something answers: Ray itself tries for minutes. What
    Ray would find by itself is left to it."""
    from ray._private import services

    try:
        found: str = services.canonicalize_bootstrap_address_or_die(address)
        host, _, port = found.rpartition(":")
        with socket.create_connection((host.strip("[]"), int(port)), CONNECT_S):
            return found
    except AttributeError:  # another version's
        return address
    except (OSError, ValueError) as error:
        raise UsageError(f"no Ray cluster answers: {error}.", ADVICE) from error


def _waiting(shutdown: Any) -> dict[str, bool]:
    """Newer versions can wait for what they end."""
    known = "wait_for_processes" in inspect.signature(shutdown).parameters
    return {"wait_for_processes": True} if known else {}


@contextlib.contextmanager
def _told_to(ray: Any, tell: Callable[[str], None]) -> Iterator[None]:
    """Ray prints what happens to nodes, whatever it is told about logs."""
    worker = ray._private.worker
    before = getattr(worker, "print_to_stdstream", None)
    if before is None:
        yield
        return
    worker.print_to_stdstream = lambda data, *more, **others: tell("\n".join(data["lines"]))
    try:
        yield
    finally:
        worker.print_to_stdstream = before


@cache
def own_cluster() -> dict[str, str]:
    """The environment of a cluster of our own: nobody but us, and from nowhere but here. Ray
    remembers the token for as long as the process lives."""
    return {
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # listens on the loopback address only
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_enable_metrics_collection": "0",
    }


@contextlib.contextmanager
def _environment(wanted: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """Ray takes SIGTERM for itself."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, action in before.items():
            signal.signal(number, action)


@contextlib.contextmanager
def _short_folder() -> Iterator[str]:
    usual = tempfile.gettempdir()
    folder = tempfile.mkdtemp(prefix="ray-", dir=usual if len(usual) <= SHORT else "/tmp")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
