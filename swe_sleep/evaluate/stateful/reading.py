"""Sleep on a text: `S(c) -> c'`, in the loop that repositories are read with.

Several readings of one text know nothing of each other; what is used at test time is all that they
wrote, one after the other (Lin et al., 2025, section 5.2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from swe_sleep.anticipate.asking import read as read_reply
from swe_sleep.anticipate.asking import schema_of
from swe_sleep.anticipate.rethinking import MOST_CHARS, rethink
from swe_sleep.config import Effort
from swe_sleep.model.protocol import Reply, Request, user
from swe_sleep.prompts.fence import Fence
from swe_sleep.prompts.render import prompt_hash, render
from swe_sleep.records import Usage

MOST_TOKENS = 16_000
"""Of one turn, thinking included."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reading of one text wrote, and took."""

    key: str
    text_id: str
    effort: str
    """Empty: the model's own default."""
    number: int
    seed: int
    memory: str
    rethinks: int
    finished: bool
    usage: Usage
    wall_s: float = 0.0


def read(
    text: str,
    ask: Callable[[Request], Reply],
    *,
    key: str,
    text_id: str,
    effort: Effort | None,
    number: int,
    seed: int,
) -> Reading:
    """Read a text before anybody asks. An empty one takes nothing. Raises Refused, and what `ask`
    raises."""
    said = effort or ""
    if not text:
        return Reading(key, text_id, said, number, seed, "", 0, True, Usage())
    request = Request("", (), max_tokens=MOST_TOKENS, effort=effort, purpose="texts sleep")
    learned = rethink([shown(text)], ask, system=system(), reading=number, request=request)
    return Reading(
        key,
        text_id,
        said,
        number,
        seed,
        learned.memory,
        learned.rethinks,
        learned.finished,
        learned.usage,
        learned.usage.wall_s,
    )


def system() -> str:
    return render("texts_sleep_system", most_chars=MOST_CHARS)


def version() -> str:
    """Changes with what the reading is told to do."""
    return prompt_hash(system(), render("rethink_begin", memory="", reading=2), shown("x"))


def shown(text: str, memory: str = "") -> str:
    """A text, what was noted of it, or both, between markers that are the same each time: a
    request that is repeated has to be the same to the byte."""
    fence = Fence.lasting(f"{text}\0{memory}".encode("utf-8", "surrogatepass"))
    return render(
        "texts_context",
        tag=fence.tag,
        text=fence.around(text) if text else "",
        memory=fence.around(memory) if memory else "",
    )


def together(readings: Sequence[Reading]) -> str:
    """The learned context: what all readings wrote."""
    written = [reading.memory for reading in readings if reading.memory.strip()]
    if len(written) < 2:
        return "".join(written)
    return "\n\n".join(f"Reading {n}:\n{memory}" for n, memory in enumerate(written, 1))


def foreseen(text: str, ask: Callable[[Request], Reply], most: int) -> tuple[list[str], Usage]:
    """The questions that a model expects on a text, most likely first. Asked apart from the sleep,
    so that its memory is not shaped by it. Raises Misfit, and what `ask` raises."""
    request = Request(
        render("texts_foresee_system", most=most),
        (user(shown(text)),),
        max_tokens=MOST_TOKENS,
        schema=schema_of(_Foreseen),
        purpose="texts foresee",
    )
    reply = ask(request)
    return read_reply(reply, _Foreseen).questions[:most], reply.usage


class _Foreseen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    questions: list[str]
