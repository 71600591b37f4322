"""Asking a model for something that a program can use: a checked value, or a typed error.

A reply is classified purely (`Misfit` says why it is of no use); then, once, the model is asked
again with the reason.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from swe_sleep.errors import ModelError
from swe_sleep.model.protocol import Message, Reply, Request, user
from swe_sleep.prompts.render import render

Ask = Callable[[Request], Reply]
"""Answers one request. Raises what the desk raises, which is nobody's business in this room."""

MOST_REASON = 1200
"""Characters of a reason that the model is told."""

T = TypeVar("T")
V = TypeVar("V")


class Misfit(ValueError):
    """A reply that is of no use. The text says why, in words that the model can act on."""


class Unfit(ModelError):
    """No reply was of use, the one to the second request neither."""


def structured(ask: Ask, request: Request, kind: type[T], check: Callable[[T], V]) -> V:
    """Ask for a reply that is the JSON of `kind`, and give what `check` makes of it. `check`
    raises Misfit. Raises Unfit, and what `ask` raises."""
    wanted = dataclasses.replace(request, schema=schema_of(kind))
    reply = ask(wanted)
    try:
        return check(read(reply, kind))
    except Misfit as misfit:
        reason = _short(misfit)
    reply = ask(again(wanted, reply, reason))
    try:
        return check(read(reply, kind))
    except Misfit as misfit:
        raise Unfit(f"the model's reply cannot be used: {_short(misfit)}") from misfit


def read(reply: Reply, kind: type[T]) -> T:
    """The value in a reply. Raises Misfit."""
    if reply.stop == "refusal":
        raise Misfit(f"it was refused{f' ({reply.refusal})' if reply.refusal else ''}")
    if reply.stop in ("max_tokens", "model_context_window_exceeded"):
        raise Misfit("it reached the output limit and was cut; give less, most important first")
    if reply.calls:
        raise Misfit("it called a tool, and there is none to call now")
    text = reply.text.strip()
    if not text:
        raise Misfit("it was empty")
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError as error:
        raise Misfit(f"it does not match the schema: {error}") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise Misfit(f"it is not JSON: {error}") from error


def again(request: Request, reply: Reply, reason: str) -> Request:
    """The request for a second try. What was cut or refused is not sent back: it would be paid
    for again, and leads nowhere."""
    said: tuple[Message, ...] = ()
    if reply.stop in ("end_turn", "stop_sequence") and reply.text.strip() and not reply.calls:
        said = (Message("assistant", reply.blocks),)
    room = request.max_tokens
    if room is not None and reply.stop == "max_tokens":
        room *= 2
    told = user(render("unfit_reply", reason=reason))
    return dataclasses.replace(request, messages=(*request.messages, *said, told), max_tokens=room)


def schema_of(kind: type[Any]) -> Mapping[str, object]:
    """The JSON schema of a type in the form that structured outputs take: nothing by reference,
    no bounds."""
    whole = msgspec.json.schema(kind)
    found = _plain(whole, whole.get("$defs", {}))
    assert isinstance(found, dict)
    return found


def _plain(node: object, definitions: Mapping[str, object]) -> object:
    if isinstance(node, list):
        return [_plain(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _plain(definitions[str(node["$ref"]).rpartition("/")[2]], definitions)
    kept = {key: value for key, value in node.items() if key not in ("title", "$defs")}
    properties = kept.pop("properties", None)
    plain = {key: _plain(value, definitions) for key, value in kept.items()}
    if isinstance(properties, dict):  # a property may be called "title"
        plain["properties"] = {k: _plain(v, definitions) for k, v in properties.items()}
    return plain


def _short(reason: object) -> str:
    text = " ".join(str(reason).split())
    return text if len(text) <= MOST_REASON else text[:MOST_REASON] + " ..."
