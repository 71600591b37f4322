"""Blocks of code in an issue: sessions, scripts, tracebacks, and what is only an output.

Nothing is run.
"""

from __future__ import annotations

import ast
import io
import re
import textwrap
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from swe_sleep.solve.reproduction.parts import (
    Example,
    Failure,
    Output,
    Part,
    Raised,
    Step,
    parse,
)

PROMPT = re.compile(r"^\s{0,40}(?:>>>|In \[\d{1,5}\]:)(?: |$)")
_MORE = re.compile(r"^\s{0,40}(?:\.\.\.(?: |$)|\s{1,8}\.\.\.:(?: |$))")
_OUT = re.compile(r"^\s{0,40}Out\[\d{1,5}\]: ?")
_PYTHON = frozenset({"", "python", "py", "python3", "pycon", "python-repl", "ipython", "pytb"})


def parts_of(text: str, language: str) -> Iterator[Part]:
    """What a block holds. `language` is what its fence says, or ""."""
    text = textwrap.dedent(text.expandtabs(4))
    lines = text.split("\n")
    if any(PROMPT.match(line) for line in lines):
        steps = tuple(_session(lines))
        if steps:
            yield Example(steps)
        return
    raised = raised_in(text)
    at = next((n for n, line in enumerate(lines) if "Traceback (most" in line), None)
    if raised and at is not None:
        steps = tuple(_script("\n".join(lines[:at])))
        if steps:
            yield Example(steps)
        yield Failure(raised)
        return
    if raised and len([line for line in lines if line.strip()]) <= 3:
        yield Failure(raised)
        return
    steps = tuple(_script(text)) if language in _PYTHON else ()
    if steps and (language or _is_code(steps)):
        yield Example(steps)
    elif text.strip() and not text.lstrip().startswith(("#", "$", ">>>", "%")):
        yield Output(text.strip("\n"))


_ERROR = re.compile(
    r"^(?:E\s{1,8})?((?:\w{1,80}\.){0,8}\w{0,80}(?:Error|Exception|Warning|Interrupt|Exit|Iteration"
    r"|Failure|Fault|Timeout))(?::\s(.{0,2000}))?\s*$"
)
_ANY_ERROR = re.compile(r"^((?:\w{1,80}\.){1,8}[A-Z]\w{1,80})(?::\s(.{0,2000}))?$")


def raised_in(text: str) -> Raised | None:
    """The exception that a traceback, or a line of its own, gives; of several the last."""
    traced = "Traceback (most recent call last)" in text
    for line in reversed(text.split("\n")):
        match = _ERROR.match(line.rstrip()[:2200] if traced else line.strip()[:2200])
        if match and not traced and match[1] in ("Error", "Warning", "Exception"):
            continue  # a program's own output
        if match is None and traced:
            match = _ANY_ERROR.match(line.rstrip()[:2200])
        if match:
            return Raised(match[1].rpartition(".")[2], (match[2] or "").strip())
    return None


def _session(lines: Sequence[str]) -> Iterator[Step]:
    """The statements of an interactive session, with what it shows after each."""
    index = 0
    while index < len(lines):
        if not PROMPT.match(lines[index]):
            index += 1
            continue
        source = [PROMPT.sub("", lines[index], count=1)]
        index += 1
        while index < len(lines) and _MORE.match(lines[index]):
            source.append(_MORE.sub("", lines[index], count=1))
            index += 1
        shown: list[str] = []
        while index < len(lines) and not PROMPT.match(lines[index]):
            if not lines[index].strip() and not _traced(shown):
                break
            shown.append(_OUT.sub("", lines[index], count=1))
            index += 1
        steps = list(_script("\n".join(source)))
        if steps:
            steps[-1] = _with_shown(steps[-1], "\n".join(shown).strip("\n"))
        yield from steps


def _traced(shown: Sequence[str]) -> bool:
    text = "\n".join(shown)
    return "Traceback (most" in text and raised_in(text) is None


def _with_shown(step: Step, shown: str) -> Step:
    if not shown.strip():
        return step
    raised = raised_in(shown)
    if raised and ("Traceback (most" in shown or "\n" not in shown.strip()):
        return replace(step, raised=raised)
    if "Traceback (most" in shown:
        return step  # cut off before its end
    if all(line.lstrip().startswith("#") for line in shown.split("\n") if line.strip()):
        said = " ".join(line.strip("# ") for line in shown.split("\n"))
        return replace(step, remark=f"{step.remark} {said}".strip())
    return replace(step, shown=textwrap.dedent(shown))


def _script(text: str) -> Iterator[Step]:
    """The statements of a script; where it does not parse, of its beginning that does, with the
    rest as what the last of them shows."""
    text = textwrap.dedent(text)
    tree = parse(text)
    rest = ""
    if tree is None:
        text, rest = _beginning(text)
        tree = parse(text)
    if tree is None or not tree.body:
        return
    remarks = _comments(text)
    lines = text.split("\n")
    for number, node in enumerate(tree.body):
        last = number + 1 == len(tree.body)
        end = node.end_lineno or node.lineno
        remark = remarks.get(end, "")
        following = end + 1
        while not remark or following in remarks:
            said = remarks.get(following, "")
            if not said or not lines[following - 1].lstrip().startswith("#"):
                break
            if not last and not _RESULT.match(said):
                break
            remark = f"{remark} {said}".strip()
            following += 1
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
        code = "\n".join(lines[first - 1 : end])
        if (sole := ast.get_source_segment(text, node)) and ";" in code:
            code = sole
        step = Step(code, isinstance(node, ast.Expr), remark=remark)
        yield _with_shown(step, rest) if last else step


_RESULT = re.compile(
    r"(?:=+>|-+>|>>|returns?\b|gives?\b|outputs?\b|prints?\b|expect|should\b|raises?\b|fails?\b"
    r"|throws?\b|actual|got\b|\(?[\d'\"\[{]|True\b|False\b|None\b|nan\b|\w+(?:Error|Exception)\b)",
    re.I,
)


def _beginning(text: str) -> tuple[str, str]:
    lines = text.split("\n")
    for _ in range(12):
        try:
            ast.parse("\n".join(lines))
            break
        except SyntaxError as error:
            cut = min(error.lineno or 1, len(lines)) - 1
            lines = lines[:cut]
        except (ValueError, MemoryError, RecursionError):
            return "", ""
        if not lines:
            break
    return "\n".join(lines), "\n".join(text.split("\n")[len(lines) :])


def _comments(text: str) -> dict[int, str]:
    found: dict[int, str] = {}
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                found[token.start[0]] = token.string.lstrip("#: ").rstrip()
    except (tokenize.TokenError, SyntaxError, IndentationError):
        pass
    return found


def _is_code(steps: Iterable[Step]) -> bool:
    """Whether a block without a language is Python, and not an output that happens to parse."""
    for step in steps:
        tree = parse(step.code)
        for node in ast.walk(tree) if tree else ():
            if isinstance(
                node, ast.Call | ast.Import | ast.ImportFrom | ast.Assert | ast.FunctionDef
            ):
                return True
    return False
