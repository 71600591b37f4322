"""How a unit of work began to ask, so that it goes on with the same words.

A unit that waits for a batch is run again in a later pass, and what it tells the model may be put
another way by then: a note is fresher, the change that set it off is no longer the last one. Its
code is still the same, or it would be another unit. So the texts before the first answer are kept,
and stand in for those of later runs: else no answer would ever fit what is asked.
"""

from __future__ import annotations

import dataclasses
import hashlib
import zlib

import msgspec

from swe_sleep.model.protocol import Message, Request
from swe_sleep.notes.store import Store

KIND = "opening"


class Openings:
    """Of one run of a unit. Its conversations for a note are told apart by their order."""

    def __init__(self, store: Store, unit: str) -> None:
        self._store = store
        self._unit = unit
        self._seen: dict[str, list[str]] = {}
        """By note: hashes of how its conversations began in this run."""

    def held(self, request: Request, note: str) -> Request:
        """The request as it began in an earlier run."""
        kept = self._store.artefacts(KIND, [key := self._key(request, note)]).get(key)
        if kept is None:
            return request
        opening = msgspec.json.decode(zlib.decompress(kept), type=Request)
        rest = request.messages[_length(request) :]
        return dataclasses.replace(
            request, system=opening.system, messages=(*opening.messages, *rest)
        )

    def hold(self, request: Request, note: str) -> None:
        """It was asked like this; later runs begin the same way."""
        key = self._key(request, note)
        if not self._store.has_artefacts(KIND, [key]):
            payload = zlib.compress(msgspec.json.encode(_opening(request)))
            self._store.record(artefacts=[(KIND, key, payload)])

    def _key(self, request: Request, note: str) -> str:
        began = hashlib.sha256(msgspec.json.encode(_opening(request))).hexdigest()
        seen = self._seen.setdefault(note, [])
        if began not in seen:
            seen.append(began)
        return hashlib.sha256(f"{self._unit}\0{note}\0{seen.index(began)}".encode()).hexdigest()


def _length(request: Request) -> int:
    roles = [message.role for message in request.messages]
    return roles.index("assistant") if "assistant" in roles else len(roles)


def _opening(request: Request) -> Request:
    messages: tuple[Message, ...] = request.messages[: _length(request)]
    return Request(request.system, messages)
