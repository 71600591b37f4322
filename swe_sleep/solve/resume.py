"""A run that was broken off, read back from its trajectory.

The conversation comes back as it was sent, byte for byte, so that the provider's cache still
serves it; the patch so far, and what was spent, come back with it. A turn that was under way is
done again: its calls are run in a sandbox that is as it was before them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from swe_sleep.errors import RepositoryError, StoreError
from swe_sleep.model.protocol import Block, Message, ToolCall
from swe_sleep.model.secrets import MASK, Masker
from swe_sleep.model.trajectory import VERSION, Line, read
from swe_sleep.records import Issue, Patch, Usage
from swe_sleep.repo.diff import apply_in_memory
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox.protocol import Sandbox
from swe_sleep.solve.masking import THINKING, MaskPolicy, mask
from swe_sleep.solve.work import AgentOptions, Ending

OVER: tuple[Ending, ...] = ("submitted", "refused")
"""Endings after which there is nothing to go on with."""


@dataclass(frozen=True, slots=True)
class Begun:
    """What stood fixed when the run began."""

    asked: Issue
    """As a person asked it, on code with this snapshot."""
    asked_on: str
    head: str
    model: str
    snapshot: str
    """What the sandbox was opened with: the same, or with a reproducing test in it too."""
    system: str
    tools: tuple[Block, ...]
    tag: str
    options: AgentOptions
    by_person: bool
    """Whether it is a run that a person asked for, not a step of one."""


@dataclass(slots=True)
class Resumed:
    """A run as its trajectory left it."""

    begun: Begun
    messages: tuple[Message, ...] = ()
    unanswered: tuple[ToolCall, ...] = ()
    """The calls of its last reply, where nothing has answered them."""
    patch: Patch = field(default_factory=lambda: Patch("", (), "agent"))
    green: Patch | None = None
    """The last state on which the tests passed."""
    usage: Usage = field(default_factory=Usage)
    settled: Usage = field(default_factory=Usage)
    """Of that, what parts of the run took that came to an end of their own."""
    measured: tuple[tuple[Message, ...], Usage] | None = None
    """The last request that was answered, and what it took."""
    seconds: float = 0.0
    """That it has worked, breaks between its parts left out."""
    ending: Ending | None = None
    why: str = ""


def resume(path: Path) -> Resumed:
    """Raises StoreError for what is no trajectory of a run that can be taken up."""
    lines = list(read(path))
    header = next((line for line in lines if line.get("kind") == "header"), None)
    if header is None:
        raise StoreError(f"{path} holds nothing that could be taken up.")
    if header.get("version") != VERSION:
        raise StoreError(f"{path} was written by another version of swe-sleep.")
    try:
        run = Resumed(_begun(lines[0], header))
        _replay(run, lines)
    except (KeyError, TypeError, ValueError, msgspec.ValidationError) as error:
        raise StoreError(f"{path} cannot be taken up: {error!r}.") from error
    return run


def take_up(
    run: Resumed, sandbox: Sandbox, snapshot: Snapshot, masker: Masker | None = None
) -> None:
    """Make a sandbox, opened with the run's snapshot, what it was. `masker` is the one that masked
    the record. Raises RepositoryError."""
    if snapshot.id != run.begun.snapshot:
        raise RepositoryError("the code is not what it was when the run began.")
    if masker is not None:
        run.patch = _unmasked(run.patch, snapshot, masker)
        run.green = run.green and _unmasked(run.green, snapshot, masker)
    if run.patch:
        sandbox.put(apply_in_memory(run.patch, snapshot))


def _unmasked(patch: Patch, snapshot: Snapshot, masker: Masker) -> Patch:
    """With the secrets that the record does not hold: they stand in the files."""
    if MASK not in patch.diff:
        return patch
    files = [snapshot.read(path) for path in patch.paths if path in snapshot.files]
    there = b"\n".join(files).decode("utf-8", "surrogateescape")
    masker(there)
    try:
        return dataclasses.replace(patch, diff=masker.put_back(patch.diff, there))
    except ValueError as error:
        raise RepositoryError(f"the run's patch holds {error}, which no file does.") from None


def _begun(asked: Line, header: Line) -> Begun:
    """`asked` is the first line; where nobody wrote of a person's question, it is the header."""

    def made(key: str, kind: type[Any]) -> Any:
        return msgspec.convert(header[key], kind)

    return Begun(
        asked=msgspec.convert(asked["issue"], Issue),
        asked_on=str(asked["snapshot"]),
        head=str(asked.get("head") or ""),
        model=str(header["model"]),
        snapshot=str(header["snapshot"]),
        system=str(header["system"]),
        tools=tuple(made("tools", list[dict[str, Any]])),
        tag=str(header["tag"]),
        options=made("options", AgentOptions),
        by_person=asked is not header,
    )


def _replay(run: Resumed, lines: Iterable[Line]) -> None:
    last = 0.0
    waiting: list[Line] = []
    for line in lines:
        kind, at = line.get("kind"), float(str(line.get("at", last)))
        if kind in ("run", "header", "resumed"):
            run.ending = None
        else:
            run.seconds += at - last
        last = at
        if kind == "message":
            _said(run, line)
            if line["role"] == "user":  # what the calls changed holds once they are answered
                for patch in waiting:
                    _changed(run, patch)
            waiting = []
        elif kind == "patch":
            waiting.append(line)
        elif kind == "masked":
            policy = run.begun.options.masking or MaskPolicy()
            shorter = mask(
                run.messages, policy, bound=bool(line["bound"]), force=bool(line["force"])
            )
            run.messages = shorter or run.messages
        elif kind in ("usage", "fault"):
            usage = msgspec.convert(line["usage"], Usage)
            run.usage += usage
            if kind == "usage":
                run.measured = (run.messages, usage)
        elif kind == "end":
            run.settled = run.usage
            run.ending, run.why = msgspec.convert(line["ending"], Ending), str(line["why"])
    run.messages = _without_broken_thinking(run.messages)


def _said(run: Resumed, line: Line) -> None:
    blocks = tuple(msgspec.convert(line["blocks"], list[dict[str, Any]]))
    message = Message(msgspec.convert(line["role"], Any), blocks)
    run.messages += (message,)
    run.unanswered = ()
    if message.role == "assistant":
        invalid = msgspec.convert(line.get("invalid") or {}, dict[str, str])
        run.unanswered = tuple(
            ToolCall(block["id"], block["name"], block["input"], invalid.get(str(block["id"]), ""))
            for block in blocks
            if block.get("type") == "tool_use"
        )


def _changed(run: Resumed, line: Line) -> None:
    paths = tuple(msgspec.convert(line["paths"], list[str]))
    run.patch = Patch(str(line["diff"]), paths, f"agent:{run.begun.model}")
    if line["green"]:
        run.green = run.patch


def _without_broken_thinking(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """A secret in the model's own words was masked in the record: what it thought after them no
    longer fits what stands before it, and a server may refuse it."""

    def holds_mask(block: Mapping[str, object]) -> bool:
        return MASK in str({k: v for k, v in block.items() if k != "thinking"})

    first = next(
        (
            number
            for number, message in enumerate(messages)
            if message.role == "assistant" and any(map(holds_mask, message.blocks))
        ),
        len(messages),
    )
    return tuple(
        message
        if number <= first
        else dataclasses.replace(
            message, blocks=tuple(b for b in message.blocks if b.get("type") not in THINKING)
        )
        for number, message in enumerate(messages)
    )
