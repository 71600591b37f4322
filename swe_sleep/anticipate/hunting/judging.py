"""Whether what broke is something that a user could meet, and that nobody meant."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from swe_sleep.anticipate.hunting.exercising import Find
from swe_sleep.anticipate.hunting.seen import names_in
from swe_sleep.anticipate.hunting.targets import Target
from swe_sleep.testing.discovery import is_test_path

_UNDER = {
    "LookupError": ("KeyError", "IndexError"),
    "ArithmeticError": ("ZeroDivisionError",),
    "NameError": ("UnboundLocalError",),
    "RuntimeError": ("RecursionError",),
    "Exception": (
        "KeyError", "IndexError", "ZeroDivisionError", "AttributeError", "TypeError",
        "AssertionError", "RecursionError",
    ),
}  # fmt: skip
LONGEST = 200
"""Characters of a call; more than this nobody reads."""
_PATTERNS = re.compile(r"pattern|regexp?|expr|rx|glob", re.I)


def plausible(evidence: Mapping[str, str]) -> bool:
    """Whether more than names tells that the values fit."""
    return "guess" not in evidence.values()


@dataclass
class Judge:
    """Judges what was found of one function. `meant` are the errors that tests expect of it."""

    target: Target
    meant: Collection[str]
    sources: Mapping[str, bytes]
    expected: frozenset[str] = field(init=False)
    """Names of the errors that are meant."""
    _seen: set[tuple[str, object]] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        named = {*self.meant, *self.target.expected, *self._caught()}
        under = {each for name in named for each in _UNDER.get(name, ())}
        self.expected = frozenset(named | under)

    def _caught(self) -> set[str]:
        """What the repository itself catches around calls of the function."""
        found: set[str] = set()
        word = self.target.name.encode()
        for path, content in self.sources.items():
            if word not in content or b"except" not in content or is_test_path(path):
                continue
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    tree = ast.parse(content)
            except (SyntaxError, ValueError, RecursionError):
                continue
            for node in ast.walk(tree):
                if isinstance(node, ast.Try) and self._calls(node.body):
                    for handler in node.handlers:
                        if handler.type is not None:
                            found.update(names_in(handler.type))
        return found

    def _calls(self, body: list[ast.stmt]) -> bool:
        for statement in body:
            for node in ast.walk(statement):
                if isinstance(node, ast.Call):
                    function = node.func
                    name = getattr(function, "attr", getattr(function, "id", ""))
                    if name == self.target.name:
                        return True
        return False

    def refusal(self, find: Find) -> str:
        """Why a find does not count, or ""."""
        key = (find.kind, find.frames[-1][0] if find.frames else (find.property, find.other))
        if key in self._seen:
            return "it was found already"
        self._seen.add(key)
        size = sum(map(len, [find.receiver, *find.arguments, *find.keywords.values()]))
        if size > LONGEST:
            return "the call is too long to be read"
        if find.property == "crash" and find.kind != "hang":
            return self._crash(find)
        return ""

    @staticmethod
    def _values(find: Find) -> list[str]:
        return [*find.arguments, *find.keywords.values()]

    def _crash(self, find: Find) -> str:
        if not find.frames:
            return "it is nowhere in the repository"
        if any(is_test_path(place.path) for place, _ in find.frames):
            return "it is in a test"
        told = {"annotation", "docstring"}.issuperset(find.evidence.values())
        of_types = find.kind in ("TypeError", "AttributeError")
        if of_types and not told and "NoneType" not in find.message:
            return "only calls tell which types fit"
        if of_types and "None" in self._values(find):
            return "None was passed"
        if any(re.search(rf"\b{re.escape(name)}\(", find.statement) for name in find.evidence):
            return "it broke in a function that was passed"
        if find.kind == "re.error" and any(_PATTERNS.search(name) for name in find.evidence):
            return "a pattern was passed"
        return ""
