"""Answers as numbers: the right one of a record, the one in a reply, and whether they are equal.

They are compared exactly, as fractions: "72.0", "$72" and "144/2" are 72, but 0.33 is not 1/3. A
percentage is right by its number or by its value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import msgspec

from swe_sleep.model.protocol import Reply

Form = Literal["number", "aime"]
"""What an answer may be: any number, or one of the competition's whole ones, 0 to 999."""
MOST_DIGITS = 60
"""No right answer is longer, and enormous powers are not worked out."""


class Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    # What a reply is to be, so that it need not be searched for its answer. The working stands
    # first, as it is written first. No docstring: it would be sent with the schema.
    working: str
    answer: str


@dataclass(frozen=True, slots=True)
class Number:
    value: Fraction
    percent: bool = False

    def equals(self, other: Number) -> bool:
        if self.value == other.value:
            return True
        if self.percent == other.percent:
            return False
        percent, plain = (self, other) if self.percent else (other, self)
        return percent.value / 100 == plain.value


@dataclass(frozen=True, slots=True)
class Said:
    """The answer in a reply, as it was written; `number` None where it is none, because `why`."""

    text: str
    number: Number | None
    why: str = ""


_PLAIN = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+"
_NUMBER = re.compile(
    rf"""(?<![\w.])(?P<sign>[-+])?\s*(?P<currency>[$€£])?\s*(?P<sign2>[-+](?=[\d.]))?
    (?:
        (?:(?P<whole>\d+)\s+)?(?P<top>\d+)\s*/\s*(?P<bottom>\d+)(?![\d/])
      | (?P<plain>{_PLAIN})(?:\s*(?:[eE]|\*\s*10\s*\^)\s*(?P<power>[-+]?\d{{1,2}})(?!\d))?
    )
    (?!\.?\d)(?:\s*(?P<percent>%|percent\b))?""",
    re.VERBOSE,
)
_FRACTION = re.compile(r"\\[dt]?frac\s*(?:\{([^{}]*)\}|(\d))\s*(?:\{([^{}]*)\}|(\d))")
_DROPPED = re.compile(r"\\(?:text|mathrm|mathbf|textbf|mbox|operatorname)\s*\{([^{}]*)\}")
_SPACES = re.compile(
    r"\\(?:left|right|displaystyle|quad|qquad)|\\[,;:!\s]|\^\s*\{?\s*\\circ\s*\}?|°"
)
_TELLS = re.compile(
    r"\b(?:answer|result)\s*(?:is\b|=|:|\*\*)+[\s:*]*+(?!not\b)(?=(?P<rest>[^\n]*))", re.IGNORECASE
)
_UNDONE = re.compile(r"\d|\^|!|√|π|\\(?:sqrt|pi|binom|log|ln|sin|cos|tan)\b")
"""Beside a number these say that it is not all there is."""
_HASHES = re.compile(r"####\s*(?P<rest>[^\n]*)")


def right(given: object, form: Form = "number") -> Number:
    """The number in a record's answer: a number, or a text whose last "#### N" has it. Raises
    ValueError where there is none."""
    if isinstance(given, bool) or given is None:
        raise ValueError("its answer is no number")
    if isinstance(given, int | float):
        found = number(repr(given))
    else:
        text = str(given)
        found = number(text.rpartition("####")[2] if "####" in text else text)
    if found is None:
        raise ValueError(f"its answer {str(given)[-60:]!r} is no number")
    if form == "aime" and not _competes(found):
        raise ValueError(f"its answer {str(given)[-60:]!r} is no whole number from 0 to 999")
    return found


def said(reply: Reply, form: Form = "number") -> Said:
    """The answer in a reply: the field of a structured one, else what it ends with."""
    if reply.stop == "refusal":
        return Said("", None, "the model refused")
    if reply.stop in ("max_tokens", "model_context_window_exceeded"):
        return Said("", None, "the reply was cut at its output limit")
    text = reply.text.strip()
    written = _written(text)
    found = written.answer if written is not None else told(text)
    if not found.strip():
        return Said("", None, "the reply has no answer")
    value = number(found)
    short = " ".join(found.split())[:80]
    if value is None:
        return Said(short, None, "the answer is no single number")
    if form == "aime" and not _competes(value):
        return Said(short, None, "the answer is no whole number from 0 to 999")
    return Said(short, value)


def told(text: str) -> str:
    """The answer that a text ends with: after the last "the answer is", in the last box, after the
    last "####", or a last line that is nothing but a number. Empty where there is none."""
    found: list[tuple[int, str]] = [(m.start(), m["rest"]) for m in _TELLS.finditer(text)]
    found += [(m.start(), m["rest"]) for m in _HASHES.finditer(text)]
    found += _boxes(text)
    if found:
        return _clause(max(found)[1])
    last = text.strip().rpartition("\n")[2]
    whole = _NUMBER.fullmatch(_plain(last))
    return last if whole else ""


def number(text: str) -> Number | None:
    """The one number in a short text, or None where it has none, or several that are not the sides
    of an equation (then the last side's counts)."""
    boxes = _boxes(text)
    plain = _plain(boxes[-1][1] if boxes else text)
    plain = re.split(r"=|≈|\\approx", plain)[-1]
    matches = list(_NUMBER.finditer(plain))
    if len(matches) != 1 or _UNDONE.search(_NUMBER.sub("", plain)):
        return None
    return _value(matches[0])


def _written(text: str) -> Written | None:
    try:
        return msgspec.json.decode(text, type=Written)
    except (msgspec.MsgspecError, RecursionError):
        return None


def _clause(rest: str) -> str:
    """The beginning of what follows "the answer is", up to where the sentence ends."""
    if boxes := _boxes(rest):
        return boxes[-1][1]
    return re.split(r"(?<!\d)\.(?=\s|$)|\.(?=\s|\*|$)|;|\s\(|,\s|\bbecause\b|\bsince\b", rest)[0]


def _boxes(text: str) -> list[tuple[int, str]]:
    """What stands in LaTeX's boxes, with where each begins."""
    found: list[tuple[int, str]] = []
    for match in re.finditer(r"\\f?boxed\s*\{", text):
        depth, at = 1, match.end()
        while at < len(text) and depth:
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            at += 1
        if not depth:
            found.append((match.start(), text[match.end() : at - 1]))
    return found


def _plain(text: str) -> str:
    """The text without what LaTeX and typography put around a number."""
    text = re.sub(r"[−–‒﹣－]", "-", text).replace("\\%", "%").replace("\\$", "$")
    text = text.replace("{,}", ",").replace("\u202f", " ").replace("\u00a0", " ")
    for _ in range(3):
        text = _DROPPED.sub(r" \1 ", text)
    text = _SPACES.sub(" ", text)
    text = _FRACTION.sub(lambda m: f" {m[1] or m[2]}/{m[3] or m[4]} ", text)
    text = text.replace("\\times", "*").replace("\\cdot", "*").replace("×", "*")
    text = re.sub(r"\\[()\[\]]", " ", text).replace("**", " ")
    text = re.sub(r"\^\s*\{\s*([-+]?\d+)\s*\}", r"^\1", text)
    text = re.sub(r"\$(?!\s*[-+\d.])|(?<=\d)\$", " ", text)  # a formula's, not money's
    return text.strip().rstrip(".")


def _value(match: re.Match[str]) -> Number | None:
    if len(match.group()) > MOST_DIGITS:
        return None
    if match["top"]:
        if int(match["bottom"]) == 0:
            return None
        value = int(match["whole"] or 0) + Fraction(int(match["top"]), int(match["bottom"]))
    else:
        value = Fraction(match["plain"].replace(",", ""))
        if match["power"]:
            value *= Fraction(10) ** int(match["power"])
    negative = (match["sign"] == "-") != (match["sign2"] == "-")
    return Number(-value if negative else value, bool(match["percent"]))


def _competes(found: Number) -> bool:
    return found.value.denominator == 1 and 0 <= found.value <= 999 and not found.percent
