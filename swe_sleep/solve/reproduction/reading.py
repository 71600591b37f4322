"""An issue's text as parts in order: prose, examples of code, outputs, errors.

Each part knows what the text around it makes of it: what should be, what is, or neither. Nothing
is run and nothing of a repository is known here. Never raises, on any text.
"""

from __future__ import annotations

import ast
import io
import re
import textwrap
import tokenize
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

MAX_TEXT, MAX_BLOCK = 60_000, 12_000
MAX_PARTS = 200
MAX_DEPTH = 60

Role = Literal["", "expected", "actual"]


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception as the text has it: the last part of its name, and the message."""

    name: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One statement of an example, with what the example shows below or beside it."""

    code: str
    is_value: bool
    """Whether it is an expression, so that it has a value that can be compared."""
    shown: str = ""
    raised: Raised | None = None
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Prose:
    text: str
    role: Role = ""
    is_title: bool = False


@dataclass(frozen=True, slots=True)
class Example:
    steps: tuple[Step, ...]
    role: Role = ""


@dataclass(frozen=True, slots=True)
class Output:
    text: str
    role: Role = ""


@dataclass(frozen=True, slots=True)
class Failure:
    raised: Raised
    role: Role = ""


Part = Prose | Example | Output | Failure

_FENCE = re.compile(r"^\s{0,8}(`{3,}|~{3,})\s*([\w+-]*)")
_PROMPT = re.compile(r"^\s{0,40}(?:>>>|In \[\d{1,5}\]:)(?: |$)")
_MORE = re.compile(r"^\s{0,40}(?:\.\.\.(?: |$)|\s{1,8}\.\.\.:(?: |$))")
_OUT = re.compile(r"^\s{0,40}Out\[\d{1,5}\]: ?")
_PYTHON = frozenset({"", "python", "py", "python3", "pycon", "python-repl", "ipython", "pytb"})
_EXPECTED = re.compile(
    r"(?<!un)(?<!not )\bexpect|\bdesired|\bshould\b|\bcorrect\b|\bought\b|\bwanted\b|\bmust\b"
)
_ACTUAL = re.compile(
    r"\bactual|\bcurrent|\bobserved|\bwhat happen|\bi get\b|\bwe get\b|\bgives?\b|\bgot\b|\bwrong"
    r"|\breturns?\b|\bproduces?\b|\bprints?\b|\bfails?\b|\braises?\b|\binstead\b|\btraceback"
    r"|\boutputs?\b|\bresults? in\b|\bresults?:?$|\berror"
)
_ENVIRONMENT = re.compile(
    r"environment|versions?\b|system info|platform|pip (?:freeze|list)|setup details|\benv\b"
    r"|installed packages|operating system|screenshots?|additional (?:context|info)"
)
_LABEL = re.compile(
    r"^\W{0,6}((?:expected|actual|current|observed|desired|correct|wrong|got|wanted)"
    r"(?: (?:behaviou?rs?|results?|outputs?|values?|returns?))?)\W{0,4}[:=]\W{0,3}(.*)$",
    re.I,
)


def read(text: str) -> list[Part]:
    """The parts of a text, the title first."""
    text = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", " ", text[:MAX_TEXT].replace("\r\n", "\n"))
    text = re.sub(r"<!--.*?(?:-->|\Z)", "", text, flags=re.S)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a stranger's escapes
        return list(_Reader(text.split("\n")).parts())[:MAX_PARTS]


class _Reader:
    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        self.section: Role = ""
        self.lead = ""
        """The sentence before a block, which may say what the block is."""
        self.hidden = False
        """In a section on versions and machines."""

    def parts(self) -> Iterator[Part]:
        prose: list[str] = []
        first = True
        index = 0
        while index < len(self.lines):
            line = self.lines[index]
            end, block, language = self._block(index)
            if block is None and not _is_break(line):
                label = _LABEL.match(line) if not line.startswith("#") else None
                if label is None:
                    prose.append(line)
                    index += 1
                    if first and line.strip():
                        yield from self._prose(prose, is_title=True)
                        prose, first = [], False
                    continue
            if not self.hidden:
                yield from self._prose(prose)
            prose = []
            if block is not None:
                first = False
                if not self.hidden:
                    yield from self._blocks(block, language)
                index = end
                continue
            first = first and not line.strip()
            yield from self._heading(line, first)
            first = first and not line.strip()
            index += 1
        if not self.hidden:
            yield from self._prose(prose)

    def _block(self, index: int) -> tuple[int, str | None, str]:
        """The block of code that begins in a line, the line after it, and its language."""
        line = self.lines[index]
        fence = _FENCE.match(line)
        if fence and line.count("`") <= len(fence[1]):
            end = index + 1
            while end < len(self.lines) and not self.lines[end].strip().startswith(fence[1]):
                end += 1
            return end + 1, "\n".join(self.lines[index + 1 : end]), fence[2].lower()
        before = self.lines[index - 1] if index else ""
        if _PROMPT.match(line) or "Traceback (most recent call last)" in line:
            end = index
            while end < len(self.lines) and (self.lines[end].strip() or self._goes_on(end)):
                if _FENCE.match(self.lines[end]) or self.lines[end].startswith("#"):
                    break
                end += 1
            return end, "\n".join(self.lines[index:end]), "pycon"
        if line.startswith(("    ", "\t")) and line.strip() and not before.strip():
            end = index
            while end < len(self.lines) and (
                self.lines[end].startswith(("    ", "\t")) or not self.lines[end].strip()
            ):
                end += 1
            return end, "\n".join(self.lines[index:end]), ""
        return index, None, ""

    def _goes_on(self, blank: int) -> bool:
        following = self.lines[blank + 1 : blank + 2]
        return bool(following) and bool(_PROMPT.match(following[0]))

    def _heading(self, line: str, first: bool) -> Iterator[Part]:
        words = line.strip().strip("#*_:? ").lower()
        if label := _LABEL.match(line):
            role = role_of(label[1].lower())
            if label[2].strip():
                yield Prose(label[2].strip("* "), role)
            else:
                self.section, self.lead = role, label[1]
        elif words:
            if first:
                yield Prose(line.strip("#* "), is_title=True)
            else:
                self.section, self.lead = role_of(words), ""
                self.hidden = bool(_ENVIRONMENT.search(words))

    def _prose(self, lines: Sequence[str], *, is_title: bool = False) -> Iterator[Part]:
        text = "\n".join(lines).strip()
        if text:
            for paragraph in re.split(r"\n\s*\n", text):
                yield Prose(paragraph.strip(), self.section, is_title)
            if not is_title:
                self.lead = re.split(r"(?<=[.!?])\s+", text)[-1][-300:]

    def _blocks(self, text: str, language: str) -> Iterator[Part]:
        role: Role = self.section
        if self.lead and not self.section:
            role = role_of(self.lead.lower())
        self.lead = ""
        if len(text) > MAX_BLOCK:
            return
        for part in _parts_of(text, language):
            yield part if isinstance(part, Prose) else replace(part, role=role)


def role_of(words: str) -> Role:
    """What a heading or a sentence says of what follows it. The last word counts where it says
    both: "I expected 3 but got this"."""
    expected = [match.start() for match in _EXPECTED.finditer(words)]
    actual = [match.start() for match in _ACTUAL.finditer(words)]
    if expected and actual:
        if "expected and actual" in words or " vs" in words:
            return ""
        # "I expected it to print": the verb belongs to the wish.
        but = max(words.rfind(" but "), words.rfind("instead"))
        return "actual" if but > expected[-1] else "expected"
    if expected:
        return "expected"
    return "actual" if actual else ""


def _is_break(line: str) -> bool:
    """A heading, or a line in bold."""
    line = line.strip()
    if len(line) > 120:
        return False
    return bool(re.match(r"#{1,6}\s", line)) or bool(re.fullmatch(r"\*\*[^*]+\*\*:?", line))


# blocks


def _parts_of(text: str, language: str) -> Iterator[Part]:
    text = textwrap.dedent(text.expandtabs(4))
    lines = text.split("\n")
    if any(_PROMPT.match(line) for line in lines):
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
        if not _PROMPT.match(lines[index]):
            index += 1
            continue
        source = [_PROMPT.sub("", lines[index], count=1)]
        index += 1
        while index < len(lines) and _MORE.match(lines[index]):
            source.append(_MORE.sub("", lines[index], count=1))
            index += 1
        shown: list[str] = []
        while index < len(lines) and not _PROMPT.match(lines[index]):
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


def parse(text: str) -> ast.Module | None:
    """None for what is no Python, or nested so deeply that walking it by recursion would fail."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    level: list[ast.AST] = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return tree
    return None


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
