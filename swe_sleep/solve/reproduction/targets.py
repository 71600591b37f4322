"""What an issue's text says of which piece of its code, gathered in the order of the text.

What is said of no code by name is said of what stands before it: a wish of what has an outcome
and no wish yet, several wishes in order.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from swe_sleep.solve.reproduction.parts import (
    Example,
    Failure,
    Output,
    Prose,
    Raised,
    Role,
    Step,
    parse,
)
from swe_sleep.solve.reproduction.reading import read
from swe_sleep.solve.reproduction.sentences import Saying, remark, sayings

HANGS = "hang"
"""The name that stands for an end that does not come."""
_HANGS = re.compile(
    r"\b(?:hangs?|infinite (?:loop|recursion)|never (?:returns|ends|terminates)|freezes?)\b"
)
_FAILS = re.compile(
    r"\b(?:crash(?:es|ed|ing)?|fail(?:s|ed|ure)?|raises?|throws?|exceptions?|errors?)\b", re.I
)


@dataclass
class Target:
    """Code that something is, or may yet be, said of."""

    code: str
    setup: list[Step]
    earlier: list[Step]
    is_value: bool
    group: int
    actual: str = ""
    expected: str = ""
    expected_is_text: bool = False
    forbidden: str = ""
    raised: Raised | None = None
    raises: Raised | None = None
    role: Role = ""
    prints: bool = False
    is_prose: bool = False
    """A sentence has the code, which may as well explain as complain."""

    @property
    def is_open(self) -> bool:
        return not self.expected and self.raises is None


@dataclass
class _Book:
    """What is known after so many parts."""

    targets: list[Target] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)
    whole: list[Target] = field(default_factory=list)
    """One for each example: all of it, for what is said of its run."""
    waiting: list[Saying] = field(default_factory=list)
    """Said before there was any code."""
    failure: Failure | None = None
    """A traceback without code before it."""
    group: int = 0


def targets_of(text: str) -> list[Target]:
    """Every piece of code that the text has, with what it says of it. Never raises."""
    parts = read(text)
    book = _Book()
    title: list[Saying] = []
    for part in parts:
        book.group += 1
        match part:
            case Prose(is_title=True):
                title = list(sayings(part.text))
                _prose([each for each in title if each.subject], book)
            case Prose():
                _prose(list(sayings(part.text, part.role)), book, lead=part.text.endswith(":"))
            case Example():
                _example(part, book)
            case Output():
                _output(part, book)
            case Failure():
                _failure(part, book)
    if book.failure and book.whole and book.whole[-1].raised is None:
        book.whole[-1].raised = book.failure.raised
    if not any(_said(each) for each in (*book.targets, *book.whole)):
        _attach([each for each in title if not each.subject], book)
    if book.whole and not any(_said(each) for each in (*book.targets, *book.whole)):
        _complaint(text, book.whole[-1])
    return [*book.targets, *book.whole]


def _complaint(text: str, whole: Target) -> None:
    """Where the text says only that its example fails, or never ends."""
    if _HANGS.search(text):
        whole.raised = Raised(HANGS)
    elif _FAILS.search(text):
        whole.raised = Raised("")


def _said(target: Target) -> bool:
    return bool(
        target.actual or target.expected or target.forbidden or target.raised or target.raises
    )


# prose


def _prose(said: Sequence[Saying], book: _Book, *, lead: bool = False) -> None:
    free: list[Saying] = []
    for saying in said:
        if not saying.subject:
            free.append(saying)
            continue
        _attach(free, book)
        free = []
        target = next((t for t in book.targets if t.code == saying.subject), None)
        if target is None:
            earlier = _steps(book.examples)
            target = Target(saying.subject, [], earlier, True, book.group, is_prose=True)
            book.targets.append(target)
        _note(target, saying)
    if lead or not book.targets:
        book.waiting += free
    else:
        _attach(free, book)


def _attach(said: Sequence[Saying], book: _Book) -> None:
    """Values that are said of what stands before: one for all that are alike, else in order."""
    for kind in ("actual", "raised", "forbidden"):
        for saying in (each for each in said if each.said == kind):
            target = _latest(book, saying)
            if target is not None and not target.actual and target.raised is None:
                _note(target, saying)
    for saying in (each for each in said if each.said == "raises"):
        if (target := _latest(book, saying)) is not None:
            _note(target, saying)
    wished = [each for each in said if each.said == "expected"]
    if not wished or not book.targets:
        return
    # of the last piece of text that says something open
    last = max((t.group for t in book.targets if t.is_value and t.is_open), default=0)
    open_ones = [t for t in book.targets if t.group == last and t.is_value and t.is_open]
    known = [t for t in open_ones if t.actual or t.raised]
    if not known:
        known = open_ones[-1:]
    if len(wished) == 1:
        alike = {t.actual for t in known}
        for target in known if len(alike) == 1 else known[-1:]:
            _note(target, wished[0])
    else:
        for target, saying in zip(known, wished, strict=False):
            _note(target, saying)


def _latest(book: _Book, saying: Saying) -> Target | None:
    values = [t for t in book.targets if t.is_value]
    if saying.said in ("raised", "raises"):
        if not book.whole:
            return values[-1] if values else None
        last = book.targets[-1]
        if last.is_value and last.group == book.whole[-1].group:
            return last
        return book.whole[-1]
    return values[-1] if values else None


def _note(target: Target, saying: Saying) -> None:
    match saying.said:
        case "expected":
            if not target.expected:
                target.expected = saying.value
                target.expected_is_text = saying.is_text
        case "actual":
            target.actual = target.actual or saying.value
        case "forbidden":
            target.forbidden = saying.value
        case "raised":
            target.raised = target.raised or saying.raised
        case "raises":
            target.raises = saying.raised


# examples


def _steps(examples: Iterable[Example]) -> list[Step]:
    return [step for example in examples for step in example.steps]


def _example(example: Example, book: _Book) -> None:
    earlier = _steps(book.examples)
    done: list[Step] = []
    for step in example.steps:
        target = Target(
            step.code,
            list(done),
            earlier,
            step.is_value,
            book.group,
            actual=step.shown,
            raised=step.raised,
            role=example.role,
        )
        if is_print(step.code):
            argument = _printed_value(step.code)
            target.is_value = bool(argument) and not step.shown
            target.code = argument if target.is_value else step.code
            target.prints = bool(step.shown)
        elif step.shown and not step.is_value:
            target.prints = True  # a loop that prints
        for saying in remark(step.remark) if step.remark else ():
            if not saying.subject:
                _note(target, saying)
        book.targets.append(target)
        if step.raised is None:
            done.append(step)
    book.examples.append(example)
    book.whole.append(
        Target("", list(example.steps), earlier, False, book.group, role=example.role)
    )
    waiting, book.waiting = book.waiting, []
    _attach(waiting, book)


def is_print(code: str) -> bool:
    tree = parse(code)
    return (
        tree is not None
        and len(tree.body) == 1
        and isinstance(tree.body[0], ast.Expr)
        and isinstance(call := tree.body[0].value, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in ("print", "pprint")
    )


def _printed_value(code: str) -> str:
    """What a call of `print` is given, where that is one value."""
    tree = parse(code)
    call = tree.body[0].value if tree and isinstance(tree.body[0], ast.Expr) else None
    if not isinstance(call, ast.Call) or len(call.args) != 1 or call.keywords:
        return ""
    return "" if isinstance(call.args[0], ast.Starred) else ast.unparse(call.args[0])


def _output(output: Output, book: _Book) -> None:
    if not book.whole or len(output.text) > 4000:
        return
    whole = book.whole[-1]
    if any("print(" in step.code for step in whole.setup):
        whole.prints = True
        target = whole
    else:
        values = [t for t in book.targets if t.is_value and t.group == whole.group]
        if not values or values[-1].setup != whole.setup[:-1]:
            return  # the example ends with no value
        target = values[-1]
    if output.role == "expected":
        target.expected, target.expected_is_text = output.text, True
    elif output.role == "actual" and not target.actual:
        target.actual = output.text


def _failure(failure: Failure, book: _Book) -> None:
    if not book.whole:
        book.failure = failure
        return
    whole = book.whole[-1]
    if failure.role == "expected":
        whole.raises = failure.raised
    elif whole.raised is None:
        whole.raised = failure.raised
