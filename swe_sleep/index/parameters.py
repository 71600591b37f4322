"""The parameters that a signature declares."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from typing import Literal, NamedTuple

Passing = Literal["positional", "either", "keyword", "varargs", "varkeywords"]


class Parameter(NamedTuple):
    """One parameter. `default` and `annotation` are source text, "" where there is none."""

    name: str
    passing: Passing = "either"
    required: bool = True
    default: str = ""
    annotation: str = ""


class Signature(NamedTuple):
    parameters: tuple[Parameter, ...]
    returns: str = ""


def signature_of(text: str, language: str) -> Signature | None:
    """The parameters of a function's signature text, or None where they cannot be told."""
    return _python(text) if language == "python" else _bracketed(text, language)


def _python(text: str) -> Signature | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a default may hold an odd escape
            node = ast.parse(f"{text}: pass").body[0]
    except (SyntaxError, ValueError, RecursionError, MemoryError, IndexError):
        return None
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    spec = node.args
    found: list[Parameter] = []
    ordered = [*spec.posonlyargs, *spec.args]
    first_default = len(ordered) - len(spec.defaults)
    for index, argument in enumerate(ordered):
        passing: Passing = "positional" if index < len(spec.posonlyargs) else "either"
        default = spec.defaults[index - first_default] if index >= first_default else None
        found.append(_parameter(argument, passing, default))
    if spec.vararg:
        found.append(_parameter(spec.vararg, "varargs", None))
    for argument, default in zip(spec.kwonlyargs, spec.kw_defaults, strict=True):
        found.append(_parameter(argument, "keyword", default))
    if spec.kwarg:
        found.append(_parameter(spec.kwarg, "varkeywords", None))
    return Signature(tuple(found), ast.unparse(node.returns) if node.returns else "")


def _parameter(argument: ast.arg, passing: Passing, default: ast.expr | None) -> Parameter:
    return Parameter(
        argument.arg,
        passing,
        default is None and passing not in ("varargs", "varkeywords"),
        ast.unparse(default) if default is not None else "",
        ast.unparse(argument.annotation) if argument.annotation else "",
    )


_NAME = re.compile(r"[A-Za-z_$][\w$]*")
_OPEN, _CLOSE = "([{<", ")]}>"


def _bracketed(text: str, language: str) -> Signature | None:
    """The list in the parentheses after the name, split where no bracket is open."""
    start = text.find("(")
    if language == "go" and re.match(r"func\s*\(", text):
        start = text.find("(", _closing(text, start) + 1)  # the first is the receiver
    if start < 0:
        return None
    end = _closing(text, start)
    parameters = []
    for part in _split(text[start + 1 : end]):
        parameter = _other(part, language)
        if parameter is not None:
            parameters.append(parameter)
    return Signature(tuple(parameters), text[end + 1 :].strip(" :->"))


def _closing(text: str, start: int) -> int:
    depth = 0
    for index in range(start, len(text)):
        if text[index] == "(":
            depth += 1
        elif text[index] == ")":
            depth -= 1
            if not depth:
                return index
    return len(text)


def _split(text: str) -> Iterator[str]:
    depth, at = 0, 0
    for index, character in enumerate(text):
        arrow = character == ">" and text[index - 1 : index] in ("=", "-")
        if character in _OPEN:
            depth += 1
        elif character in _CLOSE and not arrow:
            depth -= 1
        elif character == "," and depth <= 0:
            yield text[at:index].strip()
            at = index + 1
    yield text[at:].strip()


def _other(part: str, language: str) -> Parameter | None:
    if not part or part in ("void", "self", "&self", "&mut self", "mut self"):
        return None
    head, _, default = part.partition("=")
    head, default = head.strip(), default.strip()
    variadic = "..." in head or (language == "ruby" and head.startswith("*"))
    annotation = ""
    required = not default and not variadic
    passing: Passing = "varargs" if variadic else "either"
    if language in ("c", "cpp", "java"):  # the type stands first
        names = _NAME.findall(re.sub(r"[\[({].*", "", head) if "(" not in head else head)
        name = names[-1] if names else head
        annotation = head[: head.rfind(name)].strip() if name in head else ""
    elif language == "ruby" and ":" in head:
        name, _, default = part.partition(":")
        passing, required, default = "keyword", not default.strip(), default.strip()
    elif language == "go":
        name, _, annotation = head.partition(" ")
    else:
        name, _, annotation = head.partition(":")
        if name.endswith("?"):
            required = False
    name = name.strip(" ?*&.")
    return Parameter(name.strip(), passing, required, default, annotation.strip())
