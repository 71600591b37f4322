"""Many calls in one version of the code: what each gives."""

from __future__ import annotations

import itertools
import json
import posixpath
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from swe_sleep.anticipate.harvest import Call
from swe_sleep.sandbox.protocol import Sandbox
from swe_sleep.testing.tests import BACKSTOP_S, ENVIRONMENT

PROGRAMS = ("replay", "describe")
CALL_S = 1.0

Ranges = Mapping[str, Sequence[tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one call gave. `state` is returned, raised, slow (it hung), died (it ended the process)
    or setup (its receiver or arguments could not be made)."""

    state: str
    text: str = ""
    """A description of the value that two runs can be compared by."""
    shown: str = ""
    source: str = ""
    """The value as a literal, where it is one."""
    type: str = ""
    """Of the value or the exception."""
    types: tuple[str, ...] = ()
    """The names of its class and the bases."""
    module: str = ""
    """Of the exception's class."""
    message: str = ""
    ours: bool = False
    """The exception's class is the repository's."""
    deliberate: bool = False
    """The innermost line is a `raise`."""
    frames: tuple[tuple[str, int, str], ...] = ()
    """Places in the repository, outermost first: path, line, function."""
    printed: str = ""
    after: str = ""
    """The receiver and the arguments after the call."""
    lines: tuple[tuple[str, int], ...] = ()
    """Of the watched lines, those that ran."""

    @property
    def error(self) -> str:
        return f"{self.type}: {self.message}".strip(": ")

    def same(self, other: Outcome) -> bool:
        """Whether a caller could tell them apart."""
        if self.state != other.state:
            return False
        if self.state == "raised":
            return self.type == other.type and self.message == other.message
        return (self.text, self.printed, self.after) == (other.text, other.printed, other.after)


class Replaying:
    """Runs of calls in one sandbox, on whatever is in it at the time."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._folder = posixpath.join(sandbox.scratch, "replay")
        self._numbers = itertools.count(1)
        self._installed = False

    def run(
        self,
        calls: Sequence[Call],
        *,
        watch: Ranges,
        total_s: float,
        alone: bool = False,
        stop: Callable[[], bool] | None = None,
    ) -> list[Outcome | None]:
        """The outcome of each call; None for those that it did not come to."""
        if not calls:
            return []
        self._install()
        out = posixpath.join(self._folder, f"out-{next(self._numbers)}.json")
        root = self._sandbox.workdir
        environment = self._sandbox.environment
        job = {
            "root": root,
            "path": [posixpath.join(root, part) for part in environment.python_path],
            "calls": [_plain(call) for call in calls],
            "watch": {path: [list(r) for r in ranges] for path, ranges in watch.items()},
            "call_s": CALL_S,
            "total_s": total_s,
            "alone": alone,
            "out": out,
        }
        self._sandbox.run(
            [environment.python, posixpath.join(self._folder, "replay.py")],
            timeout_s=total_s + BACKSTOP_S,
            env=ENVIRONMENT,
            stdin=json.dumps(job).encode(),
            stop=stop,
        )
        try:
            told = json.loads(self._sandbox.get(out))
        except (FileNotFoundError, ValueError):
            return [None] * len(calls)
        self._sandbox.put({out: None})
        if not isinstance(told, list) or len(told) != len(calls):
            return [None] * len(calls)
        return [outcome_of(each) for each in told]

    def _install(self) -> None:
        if not self._installed:
            inside = files("swe_sleep.anticipate.inside")
            self._sandbox.put(
                {
                    posixpath.join(self._folder, f"{name}.py"): (inside / f"{name}.py").read_bytes()
                    for name in PROGRAMS
                }
            )
            self._installed = True


def _plain(call: Call) -> dict[str, Any]:
    return {
        "imports": list(call.imports),
        "receiver": call.receiver,
        "arguments": list(call.arguments),
        "keywords": dict(call.keywords),
        "qualname": call.qualname,
        "kind": call.kind,
    }


def outcome_of(raw: Any) -> Outcome | None:
    """What the sandbox told, with fields of other types than ours made so."""
    if not isinstance(raw, dict):
        return None
    return Outcome(
        state=str(raw.get("state", "")),
        text=str(raw.get("text", "")),
        shown=str(raw.get("shown", "")),
        source=str(raw.get("source", "")),
        type=str(raw.get("type", "")),
        types=tuple(map(str, raw.get("types", ()))),
        module=str(raw.get("module", "")),
        message=str(raw.get("message", "")),
        ours=bool(raw.get("ours")),
        deliberate=bool(raw.get("deliberate")),
        frames=tuple((str(p), int(n), str(f)) for p, n, f in raw.get("frames", ())),
        printed=str(raw.get("printed", "")),
        after=str(raw.get("after", "")),
        lines=tuple((str(p), int(n)) for p, n in raw.get("lines", ())),
    )
