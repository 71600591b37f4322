"""Sleep on a text: `S(c) -> c'`, the loop of *Sleep-time Compute* (Lin et al., 2025).

The model reads a context `c` before anybody asks about it, and rewrites what it has learned (`c'`)
with `rethink_memory`, at most ten times, until it calls `finish_rethinking_memory`. Nothing here
knows what the context is about: a module of a repository, or a mathematical text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from swe_sleep.errors import ModelError
from swe_sleep.model.protocol import Block, Message, Reply, Request, ToolCall, user
from swe_sleep.prompts.render import render
from swe_sleep.records import Usage

MOST_RETHINKS = 10
MOST_STUMBLES = 2
"""So many turns in a row without a step forward end the loop."""
MOST_CHARS = 5000
"""Of the memory; it stands in place of the context, so it has to be short."""

RETHINK_MEMORY: Block = {
    "name": "rethink_memory",
    "description": (
        "Rewrite the memory. What it held before is replaced, so repeat what is still true and "
        "leave out what is not."
    ),
    "input_schema": {
        "type": "object",
        "properties": {
            "new_memory": {"type": "string", "description": "All that the memory is to hold."}
        },
        "required": ["new_memory"],
        "additionalProperties": False,
    },
}

FINISH_RETHINKING_MEMORY: Block = {
    "name": "finish_rethinking_memory",
    "description": "The memory holds what is worth knowing. Ends the work.",
    "input_schema": {"type": "object", "properties": {}, "additionalProperties": False},
}

TOOLS: tuple[Block, ...] = (RETHINK_MEMORY, FINISH_RETHINKING_MEMORY)


class Refused(ModelError):
    """The model would not read the text."""


@dataclass(frozen=True, slots=True)
class Learned:
    """The learned context `c'`. `finished`: the model said so itself."""

    memory: str
    rethinks: int
    finished: bool
    usage: Usage


def rethink(
    contexts: Sequence[str],
    ask: Callable[[Request], Reply],
    *,
    system: str,
    memory: str = "",
    reading: int = 1,
    most: int = MOST_RETHINKS,
    most_chars: int = MOST_CHARS,
    request: Request | None = None,
) -> Learned:
    """Learn from the texts, most general first: each is a message of its own, so that what several
    contexts begin with alike is cached for all.

    `memory` is what is known already. Independent readings of the same texts are told apart by
    their number. `request` gives what the turns are asked with (effort, `max_tokens`, purpose).
    Raises Refused, and what `ask` raises.
    """
    state = _Loop(memory, most, most_chars)
    messages = [user(text) for text in contexts]
    messages.append(user(render("rethink_begin", memory=memory, reading=reading)))
    base = request or Request("", ())
    stumbles, usage = 0, Usage()
    while not state.over and stumbles < MOST_STUMBLES:
        reply = ask(replace(base, system=system, messages=tuple(messages), tools=TOOLS))
        usage += reply.usage
        if reply.stop == "refusal":
            raise Refused(f"the model refused to read the text. {reply.refusal}".strip())
        if reply.blocks:
            messages.append(Message("assistant", reply.blocks))
        before = state.rethinks
        if reply.calls:
            results = tuple(_result(call, *state.take(call)) for call in reply.calls)
            messages.append(Message("user", results))
        elif reply.stop != "pause_turn":
            messages.append(user(render("rethink_nudge")))
        stumbles = 0 if state.rethinks > before else stumbles + 1
    return Learned(state.memory, state.rethinks, state.finished, usage)


@dataclass
class _Loop:
    """The memory, and what may still be done to it."""

    memory: str
    most: int
    most_chars: int
    rethinks: int = 0
    finished: bool = False

    @property
    def over(self) -> bool:
        return self.finished or self.rethinks >= self.most

    def take(self, call: ToolCall) -> tuple[str, bool]:
        """Do what was called for; what to say to it, and whether that is a complaint."""
        if call.invalid:
            return call.invalid, True
        if self.over:
            return "The work has ended; this was not done.", True
        if call.name == "finish_rethinking_memory":
            self.finished = True
            return "Done.", False
        if call.name != "rethink_memory":
            return f"There is no tool {call.name[:60]!r}.", True
        wanted = call.input.get("new_memory")
        if not isinstance(wanted, str) or not wanted.strip():
            return "`new_memory` must be a text that is not empty.", True
        if len(wanted) > self.most_chars:
            excess = len(wanted) - self.most_chars
            return f"{excess} characters too long; the memory stays as it was. Shorten it.", True
        self.memory = wanted.strip()
        self.rethinks += 1
        return f"Rewritten, {self.rethinks} of at most {self.most} times.", False


def _result(call: ToolCall, said: str, complaint: bool) -> Block:
    block: dict[str, object] = {
        "type": "tool_result",
        "tool_use_id": call.call_id,
        "content": said,
    }
    return {**block, "is_error": True} if complaint else block
