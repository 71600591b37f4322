"""What a model is to the rest of the program: a request goes in, a reply comes out.

Blocks are the Messages API's content blocks as JSON objects. They are kept as they came, because
thinking blocks must be sent back unchanged, and because a trajectory must be able to repeat them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from swe_sleep.config import Effort
from swe_sleep.records import Usage

Block = Mapping[str, object]
OnText = Callable[[str], None]
"""Called with pieces of the model's text, thinking included, as they arrive."""

Stop = Literal[
    "end_turn",
    "tool_use",
    "max_tokens",
    "stop_sequence",
    "pause_turn",
    "refusal",
    "model_context_window_exceeded",
]


@dataclass(frozen=True, slots=True)
class Message:
    role: Literal["user", "assistant"]
    blocks: tuple[Block, ...]


def user(*texts: str) -> Message:
    """A message of ours, one text block for each text."""
    return Message("user", tuple({"type": "text", "text": text} for text in texts))


@dataclass(frozen=True, slots=True)
class Request:
    """One turn. `max_tokens` None is the model's own limit; `schema` asks for a JSON reply that
    matches a JSON schema. `purpose` goes into the ledger: "solve", "summary", ..."""

    system: str
    messages: tuple[Message, ...]
    tools: tuple[Block, ...] = ()
    max_tokens: int | None = None
    effort: Effort | None = None
    schema: Mapping[str, object] | None = None
    purpose: str = ""
    timeout_s: float | None = None
    """Wall seconds for the whole turn, the retries in it included."""
    stop: Callable[[], bool] | None = None
    """Polled; once it is true the turn is given up with the fault "stopped"."""
    on_begin: Callable[[], None] | None = None
    """Called once the reply has begun: what the prompt shares with others is cached by then."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call the model made. `invalid` is empty, or says why the input is not usable."""

    call_id: str
    name: str
    input: Mapping[str, object]
    invalid: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply. `blocks` is what goes back into the conversation; it may be empty."""

    blocks: tuple[Block, ...]
    stop: Stop
    usage: Usage
    model: str
    request_id: str = ""
    calls: tuple[ToolCall, ...] = ()
    refusal: str = ""
    """For `stop` "refusal": what the server says about it, if anything."""

    @property
    def text(self) -> str:
        return "".join(str(b.get("text", "")) for b in self.blocks if b.get("type") == "text")


class Model(Protocol):
    """A model that answers turns."""

    @property
    def name(self) -> str: ...

    def turn(self, request: Request, *, on_text: OnText | None = None) -> Reply:
        """Answer one turn. Raises `ModelFault` (a ModelError) and BudgetExceeded."""
        ...
