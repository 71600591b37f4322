"""What a sentence of an issue says of a value: that it is, that it should be, or must not be.

The words between two pieces of code decide. A sentence that is about something else than code (a
piece in backticks that is none) says nothing here: to abstain is better than to invent a wish.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from swe_sleep.solve.reproduction.parts import Raised, Role, parse

MAX_PARAGRAPH, MAX_BRACKETS = 8_000, 100

Kind = Literal["call", "name", "value", "error", "other"]
Said = Literal["expected", "actual", "forbidden", "raises", "raised"]
"""`raises`: an exception that should come; `raised`: one that comes and should not."""


@dataclass(frozen=True, slots=True)
class Saying:
    """One thing said. `subject` is the code it is said of, "" where that is another sentence's."""

    said: Said
    value: str = ""
    """A Python expression."""
    subject: str = ""
    raised: Raised | None = None
    is_text: bool = False
    """The value is no Python; it is what would be printed."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: Kind
    text: str
    start: int
    end: int


_TOKEN = re.compile(
    r"(?P<ticks>`{1,3})(?P<code>[^`\n]{1,400})(?P=ticks)"
    r"|(?<![\w'\"])(?P<quoted>'[^'\n]{0,120}'|\"[^\"\n]{0,120}\")(?!\w)"
    r"|(?P<error>\b(?:[A-Z]\w{0,60}(?:Error|Exception|Warning)|StopIteration|SystemExit)\b(?!\())"
    r"|(?P<word>\b(?:True|False|None|NaN|nan)\b)"
    r"|(?P<open>(?:(?<![\w.])[A-Za-z_][\w.]{0,120})?[(\[{])"
    r"|(?P<number>(?<![\w.$#/:-])-?\d{1,20}(?:\.\d{1,20})?(?:e[+-]?\d{1,3})?(?![\w%/:-]|\.\d))"
)
_SENTENCE = re.compile(r"(?<=[.!?;])\s+(?=[^a-z\s]|$)|\n\s*(?=[-*] )")
_FORBID = re.compile(
    r"(?:should(?:n't| not| never)|must(?:n't| not)|ought not|not supposed to"
    r"|(?:did|do)(?:n't| not) expect|never) ?(?:be|return|give|raise|throw|print|yield|\b)"
)
_WISH = re.compile(
    r"(?<!un)\bexpect|\bshould\b|\bmust\b|\bought to\b|\bsupposed to\b|\bdesired\b|\bi want\b"
    r"|\bthe correct\b|\bcorrectly\b|\bwanted\b|\bwould like\b|\bwould be\b|\bneeds? to be\b"
)
_IS = re.compile(
    r"(?:\b(?:returns?|returned|gives?|gave|yields?|produces?|evaluates to|results? in|outputs?"
    r"|prints?|shows?|equals?|gets?|got|getting|becomes?|is|was|are|result|returning|giving"
    r"|ends up (?:as|with)|comes out as|turns into|->|=>)|->|=>|==|→)"
    r"(?: (?:back|out|the|a|an|value|wrong|incorrect|string|list|tuple|result|of|just|only|simply"
    r"|now|still|always|actually|currently|as|wrongly|incorrectly|empty|real|name))*\s*:?\s*$"
)
_BE = re.compile(
    r"\b(?:be|return|returns|give|gives|yield|produce|equal|print|output|show|get|see|become|is"
    r"|evaluate to|result in|to|a|an|the|value|result|expect|expected|expects|like|just|also|of"
    r"|wanted|desired|output is|and|or|have|:)\s*:?\s*$|\bexpected\W*$"
)
_INSTEAD = re.compile(r"\b(?:instead of|rather than|in place of)(?: \w+){0,2}\s*$")
_NOT = re.compile(r"(?:,|\bbut|\band|\() ?(?:not|never)(?: \w+)?\s*$")
_TO_BE = re.compile(r"^\s*to (?:be|return|give|equal|yield|produce|print|evaluate to)\b")
_CONDITION = re.compile(r"\b(?:when|if|where|for|with|while|unless|because|since|after)\b[^,;]*$")
_LIST = re.compile(r"^\s*(?:,|,? ?(?:and|or|respectively))\s*$")
_RIGHT = re.compile(r"\b(?:rightly|correctly|as expected|as it should|properly|works?|fine)\b")
_RAISE = re.compile(
    r"\b(?:rais|throw|threw|fail|crash|caus|error|blow|get|got|see|result|exception|trigger|hit"
    r"|rais(?:es|ing)|leads? to|ends? (?:up )?(?:in|with))"
)
_FOLLOWS = re.compile(
    r"^\s*(?:to (?:be|return|give|equal|yield|produce|print|evaluate|raise)|should|must|ought"
    r"|returns?|gives?|gave|returned|yields?|produces?|prints?|raises?|throws?|fails?|crash|evaluates"
    r"|results? in|outputs?|is\b|was\b|are\b|->|=>|==|→)"
)
_CONTAINS = re.compile(r"\b(?:contain|include|start|end|at least|at most|more|less|greater)\w*")


def sayings(text: str, role: Role = "") -> Iterator[Saying]:
    """What a paragraph says, in order. `role` is what its heading says of it."""
    text = re.sub(r"^\s*\d{1,2}[.)]\s", "", text, flags=re.M)  # of a list
    for sentence in _SENTENCE.split(text[:MAX_PARAGRAPH]):
        yield from _of_sentence(sentence, role)


def remark(text: str) -> Iterator[Saying]:
    """What a comment beside code says of the code's value."""
    text = text.strip()
    said = list(_of_sentence(text, ""))
    if said:
        first = leading_value(text)
        if first and all(each.said == "expected" for each in said):
            yield Saying("actual", first)
        yield from said
        return
    negated = re.match(r"(?:is |it's )?not (?=[\d'\"\[{(TFN-])", text)
    bare = (
        text[negated.end() :]
        if negated
        else re.sub(r"^(?:=+>|-+>|>+|→|=+|(?:out|output|result)\s*[:=])\s*", "", text)
    )
    if value := leading_value(bare):
        # "not [1, 2]" beside a call is a complaint.
        yield Saying("expected" if negated else "actual", value)
    elif error := re.match(r"(\w+(?:Error|Exception))(?::\s*(.*))?", bare):
        yield Saying("raised", raised=Raised(error[1], error[2] or ""))
    elif re.match(
        r"(?:this |it |now |still |also )?(?:fails?|crash|raises?|throws?|breaks?|boom|error)\b",
        text,
        re.I,
    ):
        yield Saying("raised", raised=Raised(""))


def leading_value(text: str) -> str:
    """The literal that a text begins with, "" where it begins with none."""
    token = next(iter(_tokens(text)), None)
    if token is not None and token.start == 0 and token.kind == "value":
        following = text[token.end :].lstrip()
        return token.text if not following or following[0] in ",;.(!#" else ""
    return ""


def _of_sentence(sentence: str, role: Role) -> Iterator[Saying]:
    tokens = _tokens(sentence)
    subject, other = "", False
    last: Said | None = None
    at = 0
    for number, token in enumerate(tokens):
        words = sentence[at : token.start].lower()
        after = sentence[token.end :].lower()
        at = token.end
        if token.kind == "error":
            for saying in _error(token, words, after, subject if not other else "-"):
                yield saying
                last = saying.said
            continue
        is_value = token.kind == "value"
        said = _role_of(words, last, role if number == 0 or last else "")
        if token.kind in ("call", "name") and (said is None or _FOLLOWS.match(after)):
            if token.kind == "call" or _FOLLOWS.match(after):
                subject, other, last = token.text, False, None
                at = token.end
            continue
        if token.kind == "other":
            if said is None:
                other, last = True, None
            elif not other:
                yield Saying(said, token.text, subject, is_text=True)
                last = said
            continue
        if said is not None and not other and not _CONTAINS.search(words):
            if token.kind == "name":
                continue
            yield Saying(said, token.text, subject)
            last = said
        elif not is_value:
            last = None


def _role_of(words: str, last: Said | None, role: Role) -> Said | None:
    if _RIGHT.search(words) and not _WISH.search(words):
        return None
    if last in ("expected", "actual"):
        if _INSTEAD.search(words) or _NOT.search(words):
            return "actual" if last == "expected" else "expected"
        if _LIST.match(words):
            return last
    if _INSTEAD.search(words):
        return "expected" if last == "raised" else None
    if _FORBID.search(words):
        return "forbidden" if _BE.search(words) else None
    if _WISH.search(words) and (_BE.search(words) or _IS.search(words)):
        return "expected"
    if _TO_BE.match(words):
        return "expected"
    if _IS.search(words) and not _CONDITION.search(words):
        # "should, as documented, return": the wish stands before another piece of code
        return "expected" if role == "expected" else "actual"
    if role and re.fullmatch(r"[\W_]*(?:the |a |an |result|value|output|it |\W)*", words):
        return role
    return None


def _error(token: _Token, words: str, after: str, subject: str) -> Iterator[Saying]:
    if subject == "-":
        return
    match = re.match(r"(\w+)(?::\s*(.*))?$", token.text, re.S)
    raised = Raised(match[1], (match[2] or "").strip()) if match else Raised(token.text)
    if not raised.message and (message := re.match(r":\s+[`\"']?([^`\n]{3,200})", after)):
        raised = Raised(raised.name, message[1].strip())
    if _FORBID.search(words) or re.search(r"\bno(?:t| longer)? \w*\s*$", words):
        yield Saying("raised", subject=subject, raised=raised)
    elif _WISH.search(words) and re.search(r"\brais|\bthrow|\bfail|\bget|\bbe\b", words):
        yield Saying("raises", subject=subject, raised=raised)
    elif _INSTEAD.search(words) or _RAISE.search(words):
        yield Saying("raised", subject=subject, raised=raised)


# pieces


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = brackets = 0
    while (match := _TOKEN.search(text, at)) and brackets < MAX_BRACKETS:
        at = match.end()
        brackets += match["open"] is not None
        if match["code"] is not None:
            code = match["code"].strip()
            found.append(_Token(kind_of(code), code, match.start(), match.end()))
        elif match["error"]:
            found.append(_Token("error", match["error"], match.start(), match.end()))
        elif match["open"] is not None:
            end = _closing(text, match.end() - 1)
            whole = text[match.start() : end]
            kind: Kind = kind_of(whole) if end else "other"
            bare = match["open"] in "([{"
            # Of bare brackets only values count, and a link is none.
            if bare and (kind != "value" or match["open"] == "(" or text[end : end + 1] == "("):
                continue
            if end and kind != "other":
                found.append(_Token(kind, whole, match.start(), end))
                at = end
        else:
            literal = match["quoted"] or match["word"] or match["number"]
            kind = kind_of(literal)
            if kind == "value":
                found.append(_Token(kind, literal, match.start(), match.end()))
    return found


def _closing(text: str, start: int) -> int:
    """The place after the bracket that closes the one at `start`, 0 where none does."""
    depth, quote = 0, ""
    for index in range(start, min(len(text), start + 400)):
        char = text[index]
        if quote:
            if char == quote and text[index - 1] != "\\":
                quote = ""
        elif char in "'\"":
            quote = char
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
            if depth == 0:
                return index + 1
    return 0


def kind_of(code: str) -> Kind:
    if re.fullmatch(
        r"\w*(?:Error|Exception|Warning|StopIteration|SystemExit)(?::\s.*)?", code, re.S
    ):
        return "error"
    if code.lower() in ("nan", "inf", "-inf"):
        return "value"
    tree = parse(code.strip())
    if tree is None or len(tree.body) != 1 or not isinstance(tree.body[0], ast.Expr):
        return "other"
    node = tree.body[0].value
    if is_literal(node):
        return "value"
    if isinstance(node, ast.Name):
        return "name"
    if isinstance(node, ast.Attribute):
        return "call" if isinstance(node.value, ast.Call | ast.Subscript) else "name"
    if isinstance(node, ast.Call) and not node.args and not node.keywords:
        return "call"
    uses = (ast.Call, ast.Subscript, ast.Compare)
    return "call" if any(isinstance(inner, uses) for inner in ast.walk(node)) else "other"


def is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return not (isinstance(node, ast.Constant) and node.value is Ellipsis)
