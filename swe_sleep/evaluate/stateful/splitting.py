"""A problem in two: what is known beforehand (the context), and what is asked (its last sentence).

A full stop ends a sentence where whitespace and the beginning of another sentence follow, and
nothing says that it does not: decimals and times have no whitespace after it, titles and initials
have a name, abbreviations a small letter or a number. Inside formulas, quotes, brackets and figures
no sentence ends. Nothing of the text is lost: context and question, joined, are the text.
"""

from __future__ import annotations

import itertools
import re
from bisect import bisect_right
from dataclasses import dataclass


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TITLES = _words(
    "mr mrs ms mx dr prof st mt ft gen col maj capt lt sgt rev hon sen rep gov pres messrs"
)
"""A name follows, so no sentence ends."""
_LEADING = _words("e.g i.e eg ie vs cf approx fig figs eq eqs ca viz")
"""What they lead to belongs to the same sentence."""
_NUMBERED = _words("no nos vol ch sec pp p art ex")
"""With a number after them."""
_UNITS = _words(
    "in ft yd mi oz lb lbs gal qt pt pts hr hrs h min mins sec secs s cm mm m km g kg mg ml l"
)
_NAMED = _words(
    "jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri sat sun "
    "jr sr inc ltd co corp dept est etc al"
)
_DAYS = re.compile(
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|january|february|march|april|may|june|july|august|"
    r"september|october|november|december|est|pst|cst|gmt|utc",
    re.IGNORECASE,
)
_STARTERS = _words(
    "a after all also although an and another any are as assume at because before both but by "
    "calculate can compute consider could define denote determine did do does during each either "
    "every express find finally first for from give given has have he her here his how however i "
    "if in initially is it its later let like many more most my next no note now of on once one "
    "only other our prove she show similarly since so some still suppose that the their then there "
    "these they this those though thus to today together two under unless until was we were what "
    "when whenever where whereas which while who whose why will with without would yesterday you "
    "your"
)
"""Words that begin a sentence rather than go on with a name."""
_SAID = re.compile(
    r"(?:\w+\s+){1,3}?(?:said|says|asked|asks|replied|replies|answered|answers|cried|shouted|"
    r"wondered|wonders|exclaimed|added|thought)\b"
)

_SPANS = re.compile(
    r"""
      \[asy\].*?\[/asy\]
    | \\begin\{(?P<env>[a-zA-Z*]+)\}.*?\\end\{(?P=env)\}
    | \$\$.+?\$\$
    | \\\[.+?\\\]
    | \\\(.+?\\\)
    | (?<!\\)\$(?=\S)(?:\\.|[^$\\\n]|\n(?!\s*\n))*?(?<=[^\s\\])\$(?!\d)
    | “[^”]*”
    | (?<![\w"])"(?=\S)[^"]*?(?<=\S)"(?!\w)
    """,
    re.DOTALL | re.VERBOSE,
)
"""What is one piece. A `$` is a formula's by pandoc's rule: it touches what it encloses, and no
digit follows the second, so that $5 and $10 are money."""
_END = re.compile(r"(?:\.(?:\s?\.)+|[.!?…])[.!?…]*[\"”'’)\]]*")
_INSIDE_END = re.compile(r"[.!?…](?:\\?[\]\)$}]|[\"”'’)\s]|\\[,;!])*\Z")
_BLANK = re.compile(r"\n[ \t]*\n\s*")
_WORD = re.compile(r"[^\W\d_]+")
_TOKEN = re.compile(r"[^\s\"“‘(\[]+\Z")
_FIGURE = re.compile(r"\[asy\]|\\begin\{(?:asy|figure|tikzpicture|center)")


@dataclass(frozen=True, slots=True)
class Split:
    """`context + question` is the text, whitespace included; the context of one sentence is
    empty."""

    context: str
    question: str


def split(text: str) -> Split:
    """All sentences but the last, and the last."""
    starts = boundaries(text)
    at = starts[-1] if starts else 0
    return Split(text[:at], text[at:])


def sentences(text: str) -> list[str]:
    """The sentences, each with the whitespace after it."""
    starts = [0, *boundaries(text), len(text)]
    return [text[a:b] for a, b in itertools.pairwise(starts) if a < b]


def boundaries(text: str) -> list[int]:
    """Where sentences begin, but for the first."""
    spans = _pieces(text)
    found = {at for end, at in _candidates(text, spans) if _ends(text, end, at)}
    found |= {at for end, at in _blank_lines(text, spans) if _paragraph(text, end, at)}
    kept: list[int] = []
    begin = 0
    for at in sorted(found):
        if text[begin:at].strip() and not _marker(text[begin:at]):
            kept.append(at)
            begin = at
    while kept and _remark(text[kept[-1] :]):
        kept.pop()
    return kept


def _pieces(text: str) -> list[tuple[int, int]]:
    """What no sentence ends within: formulas, quotes, figures, brackets; in order, not nested."""
    spans = [match.span() for match in _SPANS.finditer(text)]
    opened: list[int] = []
    brackets: list[tuple[int, int]] = []
    inside = iter([*spans, (len(text), len(text))])
    begin, end = next(inside)
    at = 0
    while at < len(text):
        if at == begin and begin < end:
            at = end
            begin, end = next(inside)
            continue
        if text[at] == "(":
            opened.append(at)
        elif text[at] == ")" and opened:
            start = opened.pop()
            if not opened:
                brackets.append((start, at + 1))
        at += 1
    merged: list[tuple[int, int]] = []
    for span in sorted([*spans, *brackets]):
        if not merged or span[0] >= merged[-1][1]:
            merged.append(span)
    return merged


def _candidates(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Where a sentence may end, and where the next would begin."""
    starts = [start for start, _ in spans]
    found: list[tuple[int, int]] = []
    for match in _END.finditer(text):
        index = bisect_right(starts, match.start()) - 1
        if index < 0 or match.start() >= spans[index][1]:
            found.append((match.end(), _next(text, match.end())))
    for start, end in spans:
        if _INSIDE_END.search(text[start:end]):
            found.append((end, _next(text, end)))
    return [(end, at) for end, at in found if end < at < len(text)]


def _blank_lines(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    found = [(m.start(), m.end()) for m in _BLANK.finditer(text) if m.end() < len(text)]
    starts = [start for start, _ in spans]

    def outside(at: int) -> bool:
        index = bisect_right(starts, at) - 1
        return index < 0 or at >= spans[index][1]

    return [(end, at) for end, at in found if outside(end)]


def _next(text: str, end: int) -> int:
    at = end
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _ends(text: str, end: int, at: int) -> bool:
    """Whether a sentence ends before `end` and another begins at `at`."""
    if not _begins(text, at):
        return False
    head = text[:end].rstrip("\"”'’)]$")
    quoted = text[end - 1] in '"”'
    if quoted and _SAID.match(text, at):
        return False
    if not head.endswith(".") or head.endswith(".."):
        return True
    match = _TOKEN.search(head[-40:].rstrip("."))
    token = match.group() if match else ""
    return _stop(token, head[: -1 - len(token)], text, at)


def _stop(token: str, before: str, text: str, at: int) -> bool:
    """Whether the full stop after a word ends a sentence, with another that may begin at `at`."""
    word = token.lower()
    following = _WORD.match(text, at)
    name = following.group() if following else ""
    starter = name.lower() in _STARTERS
    digit = text[at].isdigit()
    if word in _LEADING or (word in _NUMBERED and digit and not token.islower()):
        return False
    if word in _UNITS and re.search(r"\d\s*\Z", before):
        return not (digit and _unit_follows(text, at))
    if word in _TITLES and token[:1].isupper():
        return starter and word in ("st", "mt", "ft")
    if word in ("a.m", "p.m", "am", "pm"):
        return not _DAYS.match(text, at)
    if word in _NAMED and token[:1].isupper():
        return starter
    if re.fullmatch(r"(?:[^\W\d_]\.)*[^\W\d_]", token) and token[:1].isupper():
        return starter or not name  # an initial, or letters such as U.S
    return True


def _unit_follows(text: str, at: int) -> bool:
    match = re.compile(r"\d[\d.,/]*\s*([a-z]+)\b").match(text, at)
    return match is not None and match.group(1) in _UNITS


def _begins(text: str, at: int) -> bool:
    """Whether a sentence can begin here."""
    if _FIGURE.match(text, at):
        return False
    char = text[at]
    if char in "\"“'‘([":
        following = text[at + 1 : at + 2]
        return following.isupper() or following.isdigit() or following in "$\\"
    return char.isupper() or char.isdigit() or char in "$\\€£¿¡-−•*" or not char.isascii()


def _paragraph(text: str, end: int, at: int) -> bool:
    """Whether a blank line parts two sentences, where no full stop does."""
    if text[:end].rstrip().endswith((",", ":", ";", "\\]", "$$")) or not _begins(text, at):
        return False
    return not text.startswith(("\\[", "$$", "\\begin"), at)


def _marker(piece: str) -> bool:
    """A list's number or bullet alone."""
    return re.fullmatch(r"\s*(?:\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)]|[•*-])\s*", piece) is not None


def _remark(piece: str) -> bool:
    """A last sentence that is but a remark in brackets on the one before it."""
    bare = piece.strip()
    return bare.startswith("(") and bare.endswith(")") and bare.count("(") == 1
