"""One run on a cluster: which request goes to which node, and what becomes of it."""

from __future__ import annotations

import contextlib
import os
import pickle
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, Literal

from swe_sleep.errors import UsageError
from swe_sleep.evaluate.executors import node as on_the_node
from swe_sleep.evaluate.executors import packing
from swe_sleep.evaluate.executors.protocol import Carried
from swe_sleep.evaluate.executors.queue import Queue, group_of
from swe_sleep.evaluate.executors.shipping import Shipping, requirements
from swe_sleep.evaluate.pool import POLL_S, A, Event, Failed, Q, Said, Work, ended

TURN_S = 1.0
"""How long a node waits before it says that nothing happened."""
LOOK_S = 5.0
"""How often new nodes are looked for."""
PATIENCE_S = 30.0
"""How long a node that does not answer is waited for, and another when all are gone."""
END_S = 15.0
TRIES = 2
"""How many nodes may die of a request."""
LOSSES = 5
"""How often the same node may be lost with nothing done between."""
PASSED_ON = ("SWE_SLEEP_", "ANTHROPIC_")


@dataclass(frozen=True, slots=True)
class Needs:
    """What a node has to have. The figures are of one request, but for the disk."""

    backend: Literal["auto", "docker", "local", "none"] = "auto"
    """Sandboxes: of an engine, of the system, of either; or none is needed."""
    cores: int = 1
    memory_mb: int = 1024
    disk_mb: int = 1024

    def lacking(self, facts: dict[str, Any]) -> str:
        """Why a node of which this is known cannot be used; empty if it can."""
        if facts.get("missing"):
            return f"it lacks {', '.join(facts['missing'])}"
        if "broken" in facts:
            return f"swe-sleep does not start there: {facts['broken'].splitlines()[-1]}"
        if not facts["git"]:
            return "git is not installed"
        held = facts["level"] != "plain"
        if self.backend == "docker" and not facts["docker"]:
            return "no Docker engine answers"
        if self.backend == "local" and not held:
            return "it has neither bubblewrap nor Landlock"
        if self.backend == "auto" and not (held or facts["docker"]):
            return "it has neither an engine that answers nor bubblewrap nor Landlock"
        if facts["disk_mb"] < self.disk_mb:
            return f"only {facts['disk_mb']} MB of its disk are free"
        if facts["memory_mb"] < self.memory_mb:
            return f"only {facts['memory_mb']} MB of its memory are free"
        return ""


@dataclass(eq=False)
class _Task(Generic[Q]):
    request: Q
    deaths: int = 0
    """Nodes that were lost with it at work."""

    @property
    def group(self) -> str:
        return group_of(self.request)


@dataclass(eq=False)
class _Node(Generic[Q]):
    id: str
    name: str
    actor: Any
    slots: int
    call: tuple[str, tuple[Any, ...]] = ("", ())
    """What it was asked last, for when the answer gets lost."""
    pending: Any = None
    silent_since: float | None = None
    turns: int = 0
    begun: bool = False
    at_work: dict[int, _Task[Q]] = field(default_factory=dict)
    last: dict[int, _Task[Q]] = field(default_factory=dict)
    coming: list[tuple[int, _Task[Q]]] = field(default_factory=list)
    """Those `at_work` that it has not been told of."""
    places: dict[Path, Path] = field(default_factory=dict)

    def ask(self, method: str, *arguments: Any) -> None:
        self.call = (method, arguments)
        self.again()

    def again(self) -> None:
        method, arguments = self.call
        self.pending = getattr(self.actor, method).remote(*arguments)


class Run(Generic[Q, A]):
    def __init__(
        self,
        ray: Any,
        work: Work[Q, A],
        requests: Sequence[Q],
        *,
        needs: Needs,
        jobs_per_node: int | None,
        logs: Path | None,
        progress: Callable[[str], None],
        stop: Callable[[], bool],
    ) -> None:
        self._ray, self._needs, self._most = ray, needs, jobs_per_node
        self._logs, self._progress, self._stop = logs, progress, stop
        self._work = pickle.dumps(work)
        self._tasks = [_Task(request) for request in requests]
        self._left = set(self._tasks)
        self._queue = Queue(self._tasks)
        self._suspects: deque[_Task[Q]] = deque()
        """What was on a node that died; on any node one of them at a time, so that one that kills
        nodes does not take others that did nothing with it twice."""
        self._nodes: dict[str, _Node[Q]] = {}
        self._unused: dict[str, str] = {}
        self._losses: Counter[str] = Counter()
        self._alone_since: float | None = None
        self._next_look = 0.0
        self._shipping = Shipping(ray.put)
        self._package = self._shipping.package()
        for module in (on_the_node, packing):
            ray.cloudpickle.register_pickle_by_value(module)
        self._node_class = ray.remote(on_the_node.Node)

    def events(self) -> Iterator[Event[Q, A]]:
        try:
            while self._left and not self._stop():
                if time.monotonic() >= self._next_look:
                    self._look()
                if self._nodes:
                    yield from self._hear()
                else:
                    yield from self._nobody()
        finally:
            self._end()

    def _look(self) -> None:
        """Begin on nodes that are new."""
        self._next_look = time.monotonic() + LOOK_S
        for info in self._ray.nodes():
            name = f"{info['NodeManagerHostname']} ({info['NodeID'][:6]})"
            slots = int(info.get("Resources", {}).get("CPU", 0) // self._needs.cores)
            slots = min(slots, self._most or slots)
            known = info["NodeID"] in self._nodes or info["NodeID"] in self._unused
            if not info["Alive"] or known or not slots or self._losses[info["NodeID"]] >= LOSSES:
                continue
            self._nodes[info["NodeID"]] = self._started(info["NodeID"], name, slots)

    def _started(self, identity: str, name: str, slots: int) -> _Node[Q]:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        actor = self._node_class.options(
            num_cpus=slots * self._needs.cores,
            max_restarts=0,
            max_task_retries=0,
            scheduling_strategy=NodeAffinitySchedulingStrategy(identity, soft=False),
        ).remote()
        environment = {k: v for k, v in os.environ.items() if k.startswith(PASSED_ON)}
        node: _Node[Q] = _Node(identity, name, actor, slots)
        node.ask("begin", *self._package, requirements(), environment, self._work)
        return node

    def _hear(self) -> Iterator[Event[Q, A]]:
        from ray.exceptions import ActorUnavailableError, RayError

        pending = {node.pending: node for node in self._nodes.values()}
        ready, _ = self._ray.wait(list(pending), timeout=POLL_S)
        for reference in ready:
            node = pending[reference]
            try:
                answer = self._ray.get(reference)
            except ActorUnavailableError as error:
                node.silent_since = node.silent_since or time.monotonic()
                if time.monotonic() - node.silent_since > PATIENCE_S:
                    yield from self._lost(node, error)
                else:
                    time.sleep(POLL_S)
                    node.again()
            except RayError as error:
                yield from self._lost(node, error)
            else:
                node.silent_since = None
                yield from self._answered(node, answer)

    def _answered(self, node: _Node[Q], answer: Any) -> Iterator[Event[Q, A]]:
        if node.call[0] == "begin":
            reason = self._needs.lacking(answer)
            if reason:
                self._progress(f"{node.name} is not used: {reason}")
                self._unused[node.id] = f"{node.name}: {reason}"
                del self._nodes[node.id]
                self._end_of([node])
                return
            node.begun = True
            self._alone_since = None
            node.slots = min(node.slots, answer["memory_mb"] // self._needs.memory_mb)
            shipped = ", with our code" if answer["shipped"] else ""
            self._progress(f"{node.name} is used: {node.slots} at once{shipped}")
        elif node.call[0] == "place":
            found = {Path(path): place for path, place in answer.items()}
            node.places |= {path: Path(place) for path, place in found.items() if place}
            if wanted := [path for path, place in found.items() if place is None]:
                contents = [
                    (str(path), self._shipping.digest(path), self._shipping.content(path))
                    for path in wanted
                ]
                node.ask("place", contents)
                return
            self._take_turn(node)
            return
        else:
            for slot, kind, content in answer:
                yield from self._said(node, slot, kind, content)
        yield from self._give(node)

    def _said(self, node: _Node[Q], slot: int, kind: str, content: Any) -> Iterator[Event[Q, A]]:
        task = node.at_work.get(slot)
        if kind == "log":
            self._write_log(node, slot, content)
            return
        if task is None:  # a process that had nothing to do has ended
            return
        event: Event[Q, A]
        if kind == "ended":
            event = Failed(task.request, ended(content))
        else:
            event = replace(pickle.loads(content), request=task.request)
        if not isinstance(event, Said):
            node.last[slot] = node.at_work.pop(slot)
            self._losses[node.id] = 0
            self._left.discard(task)
        yield event

    def _give(self, node: _Node[Q]) -> Iterator[Event[Q, A]]:
        """Requests for the processes that have none; what they need first."""
        wanted: dict[Path, str] = {}
        for slot in range(node.slots):
            while slot not in node.at_work and (task := self._next(node, slot)) is not None:
                node.at_work[slot] = task
                try:
                    files = self._files(task.request)
                except OSError as error:
                    self._left.discard(node.at_work.pop(slot))
                    self._queue.left(task)
                    reason = f"cannot read {error.filename}: {error.strerror}."
                    yield Failed(task.request, reason)
                else:
                    node.coming.append((slot, task))
                    wanted |= {k: v for k, v in files.items() if k not in node.places}
        if wanted:
            node.ask("place", [(str(path), digest, None) for path, digest in wanted.items()])
        else:
            self._take_turn(node)

    def _next(self, node: _Node[Q], slot: int) -> _Task[Q] | None:
        last = node.last.pop(slot, None)
        if self._suspects and not any(task.deaths for task in node.at_work.values()):
            if last is not None:
                self._queue.left(last)
            return self._suspects.popleft()
        return self._queue.take(last)

    def _files(self, request: Q) -> dict[Path, str]:
        if not isinstance(request, Carried):
            return {}
        return {path: self._shipping.digest(path) for path in request.files}

    def _take_turn(self, node: _Node[Q]) -> None:
        asked = []
        for slot, task in node.coming:
            request: Any = task.request
            if isinstance(request, Carried):
                request = request.moved({path: node.places[path] for path in request.files})
            asked.append((slot, pickle.dumps(request)))
        node.coming.clear()
        node.turns += 1
        node.ask("turn", node.turns, asked, TURN_S)

    def _lost(self, node: _Node[Q], error: Exception) -> Iterator[Event[Q, A]]:
        del self._nodes[node.id]
        self._losses[node.id] += 1
        self._next_look = 0.0
        with contextlib.suppress(Exception):
            self._ray.kill(node.actor)
        cause = getattr(error, "cause", None)  # of an error in our own code there
        reason = f"failed: {cause}" if cause is not None else "died"
        self._progress(f"{node.name} {reason}; {len(node.at_work)} under way there run again")
        for task in node.at_work.values():
            task.deaths += 1
            if task.deaths < TRIES:
                self._suspects.append(task)
                yield Said(task.request, f"runs again: its node {reason}")
            else:
                self._left.discard(task)
                self._queue.left(task)
                detail = f"{node.name}, after another one: {error}"
                yield Failed(task.request, f"its node {reason}.", detail)

    def _nobody(self) -> Iterator[Event[Q, A]]:
        """No node is there, or none that can be used."""
        if not self._losses:  # from the beginning
            found = "; ".join(self._unused.values()) or "it has no cores to give"
            raise UsageError(f"no node of the cluster can be used: {found}.")
        now = time.monotonic()
        self._alone_since = self._alone_since or now
        if now - self._alone_since < PATIENCE_S:
            time.sleep(POLL_S)
            return
        for task in [each for each in self._tasks if each in self._left]:
            self._left.discard(task)
            yield Failed(task.request, "no node of the cluster is left.")

    def _write_log(self, node: _Node[Q], slot: int, content: bytes) -> None:
        if self._logs is None or not content:
            return
        name = f"{node.name.partition(' ')[0]}-{node.id[:6]}-{slot}.txt".replace("/", "_")
        with contextlib.suppress(OSError):
            self._logs.mkdir(parents=True, exist_ok=True)
            with (self._logs / name).open("ab") as file:
                file.write(content)

    def _end(self) -> None:
        self._end_of(list(self._nodes.values()))
        self._nodes.clear()

    def _end_of(self, nodes: list[_Node[Q]]) -> None:
        # What never began waits for its place, and may do so for long.
        with contextlib.suppress(Exception):
            begun = [each for each in nodes if each.begun or each.id in self._unused]
            ending = [each.actor.end.remote() for each in begun]
            if ending:
                self._ray.wait(ending, num_returns=len(ending), timeout=END_S)
        for node in nodes:
            with contextlib.suppress(Exception):
                self._ray.kill(node.actor)
