"""Has a function called in the sandbox with many values that fit it, and reads what broke."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from swe_sleep.anticipate.hunting import shipping
from swe_sleep.anticipate.hunting.seen import Example
from swe_sleep.anticipate.hunting.targets import Target
from swe_sleep.records import Place
from swe_sleep.sandbox.protocol import Sandbox
from swe_sleep.testing.reading import outward
from swe_sleep.testing.tests import ENVIRONMENT

PROGRAMS = ("exercise", "guarding", "expressions", "drawing", "crashes", "properties")
CALL_S = 2.0
MOST_EXAMPLES = 300
MOST_CALLS = 40
START_S = 20.0
"""Beside the exercise itself: importing the library, at worst."""
MOST_WAIT = 4.0
"""Wall seconds for one of the processor, on a busy machine."""
MOST_BYTES = 5_000_000
_LOOK = "import importlib.util as u, sys; sys.exit(0 if u.find_spec('hypothesis') else 3)"
_UNPACK = "import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])"


@dataclass(frozen=True, slots=True)
class Find:
    """A call that broke something, as source."""

    property: str
    other: str
    kind: str
    message: str
    frames: tuple[tuple[Place, str], ...]
    """Places in the repository, outermost first, each with the function's name."""
    statement: str
    receiver: str
    arguments: tuple[str, ...]
    keywords: Mapping[str, str]
    imports: tuple[str, ...]
    evidence: Mapping[str, str]
    """Of each parameter that was passed, why the value fits: seen, annotation, docstring, default
    or guess."""
    lazy: bool = False
    """It broke only as what was given back was gone through."""


@dataclass
class Exercised:
    """What came of it. `why` is empty, or says why the function could not be exercised."""

    finds: list[Find] = field(default_factory=list)
    calls: int = 0
    examples: int = 0
    """Known calls that were built on."""
    why: str = ""


def exercise(
    sandbox: Sandbox,
    target: Target,
    examples: Sequence[Example],
    expected: Iterable[str],
    *,
    seconds: float,
    stop: Callable[[], bool] | None = None,
) -> Exercised:
    """Call one function, for so many seconds of the processor at most. Raises what the sandbox
    raises."""
    why = _ready(sandbox)
    if why:
        return Exercised(why=why)
    folder = _folder(sandbox)
    out = posixpath.join(folder, "found.jsonl")
    root = sandbox.workdir
    job: dict[str, Any] = {
        "root": root,
        "path": [posixpath.join(root, part) for part in sandbox.environment.python_path],
        "packages": posixpath.join(folder, "packages"),
        "out": out,
        "file": target.path,
        "module": target.module,
        "qualname": target.qualname,
        "examples": [
            {
                "receiver": each.receiver,
                "arguments": each.arguments,
                "keywords": dict(each.keywords),
                "imports": each.imports,
            }
            for each in examples[:MOST_CALLS]
        ],
        "documented": dict(target.documented),
        "guesses": dict(target.guesses),
        "properties": [{"kind": p.kind, "other": p.other} for p in target.properties],
        "expected": sorted(expected),
        "seconds": seconds,
        "call_s": CALL_S,
        "most_examples": MOST_EXAMPLES,
    }
    sandbox.put({out: None})
    program = posixpath.join(folder, "exercise.py")
    try:
        done = sandbox.run(
            [sandbox.environment.python, program],
            timeout_s=MOST_WAIT * seconds + START_S,
            env=ENVIRONMENT,
            stdin=json.dumps(job).encode(),
            stop=stop,
        )
        text = sandbox.get(out, limit_bytes=MOST_BYTES).decode(errors="replace")
    except FileNotFoundError:
        return Exercised(why="the exercise did not begin")
    finally:
        sandbox.reset()
    read = _read(text)
    if done.cut == "cancelled":
        read.finds, read.why = [], "it was stopped"
    elif done.cut == "memory":
        read.why = "it took all memory"
    return read


def _folder(sandbox: Sandbox) -> str:
    return posixpath.join(sandbox.scratch, "hunt")


def _ready(sandbox: Sandbox) -> str:
    """Put what is needed into the sandbox, once; "" or why there can be no hunt there."""
    folder = _folder(sandbox)
    marker = posixpath.join(folder, "ready")
    try:
        return sandbox.get(marker).decode()
    except FileNotFoundError:
        pass
    inside = files("swe_sleep.anticipate.inside")
    programs = {f"{name}.py": (inside / f"{name}.py").read_bytes() for name in PROGRAMS}
    sandbox.put({posixpath.join(folder, name): text for name, text in programs.items()})
    why = _ship(sandbox, folder)
    sandbox.put({marker: why.encode()})
    return why


def _ship(sandbox: Sandbox, folder: str) -> str:
    environment = sandbox.environment
    look = sandbox.run([environment.python, "-c", _LOOK], timeout_s=START_S)
    if look.exit_code == 0:
        return ""
    packed, why = shipping.packed(environment)
    if why:
        return why
    tar = posixpath.join(folder, "packages.tar")
    sandbox.put({tar: packed})
    packages = posixpath.join(folder, "packages")
    done = sandbox.run([environment.python, "-c", _UNPACK, tar, packages], timeout_s=60)
    sandbox.put({tar: None})
    return "" if done.exit_code == 0 else "hypothesis could not be unpacked"


def _read(text: str) -> Exercised:
    """What the program wrote; a half-written last line, or one that it would not write, is left
    out: the code that was exercised could have written it."""
    read = Exercised()
    for line in text.splitlines():
        try:
            event = json.loads(line)
            kind = event["e"]
            if kind == "found":
                read.finds.append(_find(event))
            elif kind == "begun":
                read.examples = int(event["examples"])
            elif kind == "end":
                read.calls = int(event["calls"])
            elif kind in ("none", "problem"):
                read.why = str(event["why"])
            elif kind == "touched":
                read.finds, read.why = [], f"it does more than compute: {event['why']}"
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return read


def _find(event: Mapping[str, Any]) -> Find:
    call = event["call"]
    return Find(
        property=str(event["property"]),
        other=str(event["other"]),
        kind=str(event["kind"]),
        message=str(event["message"]),
        frames=tuple(
            (Place(outward(str(path)), int(line)), str(name))
            for path, line, name in event["frames"]
        ),
        statement=str(event["statement"]),
        receiver=str(call["receiver"]),
        arguments=tuple(map(str, call["arguments"])),
        keywords={str(k): str(v) for k, v in call["keywords"].items()},
        imports=tuple(map(str, event["imports"])),
        evidence={str(k): str(v) for k, v in event["evidence"].items()},
        lazy=bool(event.get("lazy")),
    )
