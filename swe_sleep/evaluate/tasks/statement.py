"""An issue's statement out of a commit's message: without what only its authors and their tools
need, and without what gives the change away.

What is left says what was wrong or wanted, as far as the message does. Nothing is written anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Told = Literal["given", "message", "title"]
"""Where a statement is from: a file of the user's, a message, or no more than its title."""

FEW = 3
"""Words that say something, and are no statement yet."""
BODY = 8
"""Words beside the title, from which on a message is more than its title."""
_LONG = 10
"""Characters of a line of code that is known again; shorter ones stand in any text."""

_TRAILER = re.compile(
    r"^\s*(?:[A-Z][A-Za-z]*(?:-[A-Za-z]+)+|Cc|Bug|Change-Id|PiperOrigin\w*|git-svn-id|Signed off by"
    r"|(?:Issue|Ticket|Trac|Ref|Refs|See|Closes|Fixes|PR|Link|Reviewed|Tested|Backport)(?=:))"
    r":.*$"
    r"|^\s*\(?cherry[- ]picked from.*$|^\s*-{3,}\s*$|^\s*={3,}\s*$",
    re.IGNORECASE,
)
_NUMBER = (
    r"(?:[\w.-]+/[\w.-]+)?(?:#|\bgh-)\d+\b"
    r"|<?https?://[^\s/]+/[^\s)>]*?/(?:issues|pull|pulls|merge_requests|commit|ticket|tickets)/\w+"
    r"(?:#[\w-]+)?>?"
)
_REFERENCE = re.compile(
    r"[\[(]?\b(?:(?:fix(?:e[sd])?|clos(?:e[sd]?|ing)|resolv(?:e[sd]?|ing)|refs?|references|see"
    r"|address(?:es)?|related to|part of|re|from|in|for|of)\b:?\s*)?"
    r"(?:\b(?:also|the|issues?|bugs?|tickets?|prs?|pull requests?)\b:?\s*)*"
    rf"(?:{_NUMBER})(?:\s*(?:,|and|&|\+)\s*(?:{_NUMBER}))*[\])]?"
    rf"|(?:{_NUMBER})",
    re.IGNORECASE,
)
_CLOSES = re.compile(
    r"\b(?:fix(?:e[sd])?|close[sd]?|resolve[sd]?)\b:?\s*(?:(?:the|issues?|bugs?|tickets?)\s*)*"
    rf"((?:{_NUMBER})(?:\s*(?:,|and|&)\s*(?:{_NUMBER}))*)",
    re.IGNORECASE,
)
_PREFIX = re.compile(
    r"^\s*(?:\[[^\]]{1,20}\]\s*)*(?:(?:fix|bug[- ]?fix|hotfix|feat|feature|bug|enh|mnt|api)"
    r"(?:\([^)]*\))?!?:\s+|-+\s+|:\s+)?",
    re.IGNORECASE,
)
_DIFF = re.compile(r"^(?:diff --git |index [0-9a-f]{7,}|@@ |--- a/|\+\+\+ b/|[+-]\s{2,}\S)")
_FENCED_DIFF = re.compile(r"^ *(```+|~~~+) *(?:diff|patch)\b.*?^ *\1 *$", re.MULTILINE | re.DOTALL)
_NOISE = re.compile(
    r"^\s*(?:[-*+•]\s+)?(?:(?:also\s+)?(?:add(?:ed|ing|s)?|updat(?:e[sd]?|ing)|improv\w+|extend\w*"
    r"|writ\w+|includ\w+|fix(?:e[sd])?)\s+(?:\w+\s+){0,4}?(?:tests?|test ?cases?|coverage|changelog"
    r"|change ?log|changes|news(?:\.\w+)?|history(?:\.\w+)?|release notes?|docs?|documentation"
    r"|docstrings?|readme(?:\.\w+)?|authors(?:\.\w+)?|contributors|typos?|lint\w*|flake8|mypy"
    r"|pre-commit|formatting|style|copyright)\b.{0,40}"
    r"|tests?(?:\s+\w+){0,3}|changelog\b.*|changes\b.{0,20}|lint\w*|flake8|format\w*|typos?|wip"
    r"|nits?|cleanup|clean up|black|ruff|isort|review\b.{0,30}|address\w* (?:review|comments).*"
    r"|apply suggestions.*|merge (?:branch|remote|pull|main|master|upstream).*|.*\bpre-commit\b.*"
    r"|(?:bump|release)\b.*|\[?(?:ci skip|skip ci)\]?|this reverts commit.*|rebased?\b.*|see <?https?://\S+)\s*$",
    re.IGNORECASE,
)
_LOG_LINE = re.compile(r"^\s*[*-]\s+[\w./-]+\.\w{1,5}(?:\s*\([^)]*\))?(?:,.*)?:")
"""`* src/parser.py (read): ...`, as some projects tell what they did where."""
_STEP = re.compile(
    r"^\s*(?:[-*+•]\s+)?(?:(?:use|replace|change|convert|move|rename|refactor|remove|drop|simplify"
    r"|switch|wrap|introduce|add|call|pass|set|store|implement|rework|rewrite|extract|split|delete"
    r"|apply|update|adjust|modify|define|override)(?:s|d|ed|ing)?"
    r"|stop|treat|guard|check|skip|make|ensure|normali[sz]e|let|keep)\b",
    re.IGNORECASE,
)
"""Of a step of the change, as an order."""
_SO = re.compile(r"(?:,\s*|\s)so(?: that)?\s|[:;]\s", re.IGNORECASE)
_HOW = re.compile(
    r"\b(?:fix(?:e[sd]|ing)?|solved?|done|avoid\w*|mended|corrected|resolved?)\b.{0,30}\bby\b"
    r"|\b(?:this|the) (?:commit|patch|change|changeset|pr|pull request|fix|solution)\b"
    r"|\bthis (?:\w+ )?(?:adds|removes|changes|replaces|uses|moves|fixes)\b",
    re.IGNORECASE,
)
"""Of what was done, not of what was wrong."""
_BEHAVES = re.compile(r"\b(?:raises?|returns|yields|gives|should|must)\b", re.IGNORECASE)
"""Of what is to come out, which somebody who mends it has to know."""
_PLAIN = re.compile(r"^(?![>|#])\S")
"""A line of running text, which goes on with the next one."""
_ITEM = re.compile(r"^\s*(?:[-*+•]|\d+[.)])\s")
_VALUE = re.compile(r"(?:^return |[^=!<>]=)\s+(.+)$")
_SENTENCE = re.compile(r"(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)\s+(?=[A-Z`\"'(])")
_QUOTED = re.compile(r"``?([^`\n]+)``?")
_OPERATOR = re.compile(r"[=<>*/+()\[\]-]")
"""What tells code from a sentence that is quoted, as an error's message is."""
_ANY_QUOTED = re.compile(r"(``?|['\"])([^`'\"\n]+)\1")
_WORD = re.compile(r"[^\W\d_][\w'.-]*")
_EMPTY_WORD = re.compile(
    r"an?|the|some|more|fix(?:e[sd]|ing)?|bug(?:s|fix)?|issues?|small|minor|little|various",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Secrets:
    """What of a change a statement must not say."""

    added: frozenset[str] = frozenset()
    """Its added lines of code, each with single spaces."""
    removed: frozenset[str] = frozenset()
    """And those that it takes away: what is quoted of them says where it is."""
    paths: frozenset[str] = frozenset()
    """The files that it changes."""
    names: frozenset[str] = frozenset()
    """Names that it brings and that no test needs to be told."""

    @classmethod
    def of(
        cls,
        added: Iterable[str],
        paths: Iterable[str],
        names: Iterable[str] = (),
        removed: Iterable[str] = (),
    ) -> Secrets:
        gone = (line for line in _code(removed) if _OPERATOR.search(line))
        return cls(_code(added), frozenset(gone), frozenset(paths), frozenset(names))

    def blanked(self, text: str) -> str:
        """The text with dots for what it quotes of the removed lines."""

        def dots(found: re.Match[str]) -> str:
            code = _squeezed(found[2])
            telling = len(code) >= _LONG and _OPERATOR.search(code)
            said = telling and any(code in line for line in self.removed)
            return f"{found[1]}...{found[1]}" if said else found[0]

        return _ANY_QUOTED.sub(dots, text)

    def in_text(self, text: str) -> bool:
        """Whether a sentence gives anything away."""
        plain = _squeezed(text)
        if any(line in plain for line in self.added | self.removed) or any(
            path in text for path in self.paths
        ):
            return True
        if not self.names.isdisjoint(re.findall(r"[^\W\d]\w*", text)):
            return True
        quoted = (_squeezed(found) for found in _QUOTED.findall(text))
        return any(
            len(code) >= _LONG and re.search(r"[(\[=.]", code) and code in line
            for code in quoted
            for line in self.added
        )


def cleaned(title: str, body: str, secrets: Secrets, *, how: bool = False) -> str:
    """The statement; empty where nothing of the message may stay. With `how` it keeps what says how
    something was done, as a description of what is wanted may."""
    head = secrets.blanked(_sentence(_PREFIX.sub("", _without_references(title))))
    if secrets.in_text(head):
        head = ""
    text = "\n".join(_kept(_FENCED_DIFF.sub("", body), secrets, how))
    text = re.sub(r"\n{3,}", "\n\n", text).strip("\n")
    return f"{head}\n\n{text}".strip() + "\n" if head or text else ""


def _kept(body: str, secrets: Secrets, how: bool) -> Iterable[str]:
    fenced = False
    for line in _unwrapped(body):
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
            yield line
            continue
        if _TRAILER.match(line) or _DIFF.match(line) or _LOG_LINE.match(line):
            continue
        if fenced or line.startswith(("    ", "\t")) or line.lstrip().startswith(">>>"):
            if not secrets.in_text(line):
                yield line
            continue
        line = _without_references(line) if line.strip() else line
        if _NOISE.match(line):
            continue
        sentences = _SENTENCE.split(secrets.blanked(line))
        kept = [part for each in sentences if (part := _may_stay(each, secrets, how))]
        if any(map(_WORD.search, kept)) or not line.strip():
            yield " ".join(kept).rstrip()


def _may_stay(sentence: str, secrets: Secrets, how: bool) -> str:
    """The sentence, or of one that is a step of the change what it says to come out; or nothing."""
    if secrets.in_text(sentence):
        return ""
    if how or not (_STEP.match(sentence) or _HOW.search(sentence)):
        return sentence
    if _STEP.match(sentence):
        steps = _SO.split(sentence, maxsplit=1)
        sentence = _sentence(steps[1]) if len(steps) > 1 else ""
    return sentence if _BEHAVES.search(sentence) else ""


def _unwrapped(body: str) -> Iterable[str]:
    """The lines, with each paragraph of running text, and each item of a list, in one."""
    fenced, text = False, ""
    for line in body.replace("\r", "").split("\n"):
        mark = line.lstrip().startswith(("```", "~~~"))
        item = bool(_ITEM.match(line)) and not fenced
        inside = bool(_ITEM.match(text)) and line.startswith("  ") and bool(line.strip())
        goes_on = not (fenced or mark or item) and (
            inside or (bool(_PLAIN.match(line)) and not _TRAILER.match(line))
        )
        fenced ^= mark
        if goes_on:
            text = f"{text} {line.strip()}" if text else line
            continue
        if text:
            yield text
        text = line.rstrip() if item else ""
        if not item:
            yield line
    if text:
        yield text


def closed_issues(text: str) -> list[str]:
    """The numbers of the issues that a message says it closes."""
    found = [number for match in _CLOSES.finditer(text) for number in _numbers(match[1])]
    return list(dict.fromkeys(found))


def named_issues(text: str) -> list[str]:
    """All numbers that a message names, those that it closes first."""
    return list(dict.fromkeys([*closed_issues(text), *_numbers(text)]))


def _numbers(text: str) -> list[str]:
    found = re.findall(_NUMBER, text, re.IGNORECASE)
    return [number[-1] for each in found if (number := re.findall(r"\d+", each.split("#c")[0]))]


def words(text: str) -> int:
    """How many words say something."""
    return sum(not _EMPTY_WORD.fullmatch(word) for word in _WORD.findall(text))


def told(statement: str) -> Told | None:
    """How much a cleaned statement says; None for too little."""
    title, _, body = statement.strip().partition("\n")
    if words(title) + words(body) <= FEW:
        return None
    return "message" if words(body) >= BODY else "title"


def _without_references(text: str) -> str:
    found = _REFERENCE.sub("", text)
    if found == text:
        return text
    found = re.sub(r"[(\[]\s*[)\]]", "", found)
    found = re.sub(r"^\s*(?:--|[-:,;.])\s*", "", found)
    found = re.sub(r"\s+([.,;:])", r"\1", found)
    found = re.sub(r"(?:\s*[,;:]|\s+(?:and|--|-))+\s*$", "", found.rstrip())
    return re.sub(r"(?<=\S) {2,}", " ", found)


def _sentence(title: str) -> str:
    title = title.strip()
    is_word = re.match(r"[a-z]+(?:\s|$)", title)  # and not the name of something
    return title[:1].upper() + title[1:] if is_word else title


def _code(lines: Iterable[str]) -> frozenset[str]:
    whole = [_squeezed(line) for line in lines]
    # What a line assigns or gives back says as much as the line.
    found = [*whole, *(part for line in whole for part in _VALUE.findall(line))]
    return frozenset(c for c in found if len(c) >= _LONG and re.search(r"\W\S|\S\W", c))


def _squeezed(text: str) -> str:
    return " ".join(text.split())
