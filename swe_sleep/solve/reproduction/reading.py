"""An issue's text as parts in order: prose, examples of code, outputs, errors.

Each part knows what the text around it makes of it: what should be, what is, or neither. Nothing
is run and nothing of a repository is known here. Never raises, on any text.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace

from swe_sleep.solve.reproduction.examples import PROMPT, parts_of
from swe_sleep.solve.reproduction.parts import Part, Prose, Role

MAX_TEXT, MAX_BLOCK = 60_000, 12_000
MAX_PARTS = 200

_FENCE = re.compile(r"^\s{0,8}(`{3,}|~{3,})\s*([\w+-]*)")
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
    r"(?: (?:behaviou?rs?|results?|outputs?|values?|returns?))?)\W{0,4}[:=][\s*_>]{0,3}(.*)$",
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
        if PROMPT.match(line) or "Traceback (most recent call last)" in line:
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
        return bool(following) and bool(PROMPT.match(following[0]))

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
        for part in parts_of(text, language):
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
