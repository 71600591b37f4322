"""Asking a model for something that a program can use: a checked value, or a typed error.

A reply is classified purely (`Misfit` says why it is of no use); then, once, the model is asked
again with the reason.
"""

from __future__ import annotations

import ast
import dataclasses
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from swe_sleep.anticipate.digest import Module, around
from swe_sleep.errors import ModelError
from swe_sleep.index.outline import outline
from swe_sleep.model.protocol import Message, Reply, Request, user
from swe_sleep.prompts.fence import Fence
from swe_sleep.prompts.render import render
from swe_sleep.records import AnticipatedIssue
from swe_sleep.testing.discovery import is_test_path

Ask = Callable[[Request], Reply]
"""Answers one request. Raises what the desk raises, which is nobody's business in this room."""

MOST_REASON = 1200
"""Characters of a reason that the model is told."""
MOST_TOKENS = 6000
"""For an answer with a patch, the thinking before it included."""

T = TypeVar("T")
V = TypeVar("V")


class Misfit(ValueError):
    """A reply that is of no use. The text says why, in words that the model can act on."""


class Unfit(ModelError):
    """No reply was of use, the one to the second request neither."""


def structured(
    ask: Ask, request: Request, kind: type[T], check: Callable[[T], V], fence: Fence
) -> V:
    """Ask for a reply that is the JSON of `kind`, and give what `check` makes of it. `check`
    raises Misfit; the reason, which may quote anything, goes back between the markers. Raises
    Unfit, and what `ask` raises."""
    wanted = dataclasses.replace(request, schema=schema_of(kind))
    reply = ask(wanted)
    try:
        return check(read(reply, kind))
    except Misfit as misfit:
        reason = _short(misfit)
    reply = ask(again(wanted, reply, fence.around(reason)))
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


# -- edits -----------------------------------------------------------------------------------------


class Edit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`search` stands exactly once in the file, and is replaced."""

    path: str
    search: str
    replace: str


class Edits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    cause: str
    edits: list[Edit]


def edited(files: Mapping[str, bytes], edits: Sequence[Edit]) -> dict[str, bytes]:
    """The files that the edits change, with the edits made. Raises Misfit where one does not fit,
    changes tests, or leaves a file that does not parse."""
    texts: dict[str, str] = {}
    for edit in edits:
        if edit.path not in files:
            raise Misfit(f"{edit.path[:200]!r} is none of the files that you were shown")
        if is_test_path(edit.path):
            raise Misfit(f"{edit.path} is a test, which a patch must not change")
        text = texts.get(edit.path)
        if text is None:
            text = _decoded(edit.path, files[edit.path])
        windows = "\r\n" in text
        search, replace = (
            part.replace("\r\n", "\n").replace("\n", "\r\n") if windows else part
            for part in (edit.search, edit.replace)
        )
        count = text.count(search) if search.strip() else 0
        if count != 1:
            where = f"stands {count} times in {edit.path}" if count else f"is not in {edit.path}"
            raise Misfit(f"the text to be replaced {where}: {edit.search[:200]!r}")
        texts[edit.path] = text.replace(search, replace)
    found = {path: text.encode() for path, text in texts.items()}
    changed = {path: content for path, content in found.items() if content != files[path]}
    for path, content in changed.items():
        if path.endswith(".py") and (problem := unparsable(content)):
            raise Misfit(f"with the edits {path} does not parse: {problem}")
    return changed


def _decoded(path: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise Misfit(f"{path} is not UTF-8, so it cannot be edited") from None


def unparsable(content: bytes) -> str:
    """Why this is no Python, or ""."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(content)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return " ".join(str(error).split()) or type(error).__name__
    return ""


def patch_for(
    issue: AnticipatedIssue,
    files: Mapping[str, bytes],
    ask: Ask,
    *,
    fence: Fence,
    shown: str = "",
    request: Request | None = None,
) -> dict[str, bytes]:
    """The new contents of some of these files, so that the test which shows the issue would pass.
    `shown` is what that test prints now. Nothing is run here: the patch is yet to be verified.

    Sent are the functions at the issue's suspicious places, not whole files. Raises Unfit, and what
    `ask` raises.
    """
    code = []
    for path, content in files.items():
        text = content.decode("utf-8", "replace")
        module = Module(path, text, outline(content, "python"))
        places = [*(s.place for s in issue.suspicions), *issue.cause]
        lines = [place.line for place in places if place.path == path and place.line]
        code.append(around(module, lines))
    parts = {
        "issue": f"{issue.title}\n\n{issue.symptom}",
        "why": "\n".join(f"{s.place}: {s.why}" for s in issue.suspicions[:5]),
        "test": issue.written.content if issue.written else "\n".join(issue.tests),
        "shown": shown,
        "code": "\n\n".join(code),
    }
    fenced = {name: fence.around(text) if text.strip() else "" for name, text in parts.items()}
    asked = dataclasses.replace(
        request or Request("", ()),
        system=render("patch_system"),
        messages=(user(render("patch", tag=fence.tag, **fenced)),),
        max_tokens=MOST_TOKENS,
    )

    def check(given: Edits) -> dict[str, bytes]:
        made = edited(files, given.edits)
        if not made:
            raise Misfit("it changes nothing")
        return made

    return structured(ask, asked, Edits, check, fence)
