"""Fencing of text that comes from the repository, so that a model can tell data from orders."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fence:
    """A pair of markers that nobody who wrote the fenced text could have known.

    The tag stands in the first line of a run's first message; the system prompt, which never
    changes, has the rule. A fence is not a proof against a text that persuades; it keeps our own
    words and the repository's apart.
    """

    tag: str

    @classmethod
    def new(cls) -> Fence:
        return cls(f"data-{secrets.token_hex(6)}")

    @classmethod
    def lasting(cls, secret: bytes) -> Fence:
        """The same markers each time for who holds the secret: a request that is asked again has
        to be the same to the byte."""
        return cls(f"data-{hashlib.blake2b(secret, digest_size=6).hexdigest()}")

    def around(self, text: str) -> str:
        """The text between the markers. A copy of the tag inside it is made harmless."""
        inside = text.replace(self.tag, "data-(tag removed)")
        return f"<{self.tag}>\n{inside.rstrip()}\n</{self.tag}>"
