"""What was said in a run so far, written down as it grows.

It only ever grows at its end, so that the provider's cache holds for all of it; the rare steps
that shorten it are written down too. `resume.py` reads it back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from swe_sleep.errors import StoreError
from swe_sleep.model.protocol import Block, Message, Reply
from swe_sleep.solve.masking import MaskPolicy, mask
from swe_sleep.solve.work import NoRecorder, Recorder

FULL = "model_context_window_exceeded"


def nudge(reply: Reply) -> str:
    """The name of the prompt that answers a reply without calls."""
    if reply.stop in ("max_tokens", FULL):
        return "cut_reply"
    return "no_submit" if reply.blocks else "empty_reply"


class Conversation:
    def __init__(
        self,
        recorder: Recorder | None,
        policy: MaskPolicy | None,
        bound: bool,
        progress: Callable[[str], None],
    ) -> None:
        self.messages: tuple[Message, ...] = ()
        self._recorder = recorder or NoRecorder()
        self._policy = policy
        self._bound = bound
        self._progress = progress

    def say(self, message: Message, invalid: Mapping[str, str] | None = None) -> None:
        """`invalid` tells of calls in it that cannot be run, by their ids."""
        self.messages += (message,)
        more = {"invalid": dict(invalid)} if invalid else {}
        self.record("message", role=message.role, blocks=message.blocks, **more)

    def answer(self, results: tuple[Block, ...]) -> None:
        self.say(Message("user", results))

    def record(self, kind: str, **values: object) -> None:
        try:
            self._recorder.write(kind, **values)
        except StoreError as error:  # a full disk must not cost the work
            self._recorder = NoRecorder()
            self._progress(f"The run is no longer recorded. {error}")

    def shorten_if_long(self, prompt_tokens: int) -> None:
        """Mask what is old, where the last prompt was long and it is worth it."""
        if self._policy is not None and prompt_tokens > self._policy.above_tokens:
            self._shorten(self._policy, force=False)

    def shorten(self) -> bool:
        """Mask as much as can be; False where there is nothing to mask."""
        return self._shorten(self._policy or MaskPolicy(), force=True)

    def _shorten(self, policy: MaskPolicy, *, force: bool) -> bool:
        shorter = mask(self.messages, policy, bound=self._bound, force=force)
        if shorter is None:
            return False
        self.messages = shorter
        self.record("masked", bound=self._bound, force=force)
        return True
