"""Which commits mend a bug, by what they say; and which of them are told apart from the rest."""

from __future__ import annotations

import re

_FIX = re.compile(
    r"\b(?:fix(?:e[sd]|ing)?|bug(?:fix(?:es)?|s)?|hotfix|regressions?|crash(?:e[sd]|ing)?|faults?"
    r"|segfaults?|deadlocks?|race condition|memory leak|leaks?|broken|incorrect(?:ly)?|wrong(?:ly)?"
    r"|handle .{0,30}(?:error|exception|missing|empty|none))\b",
    re.IGNORECASE,
)
_SAID = re.compile(
    r"^\W*(?:Fixed|Fixes|Fix) (?:an? |the )?(?:\w+ ){0,2}(?:bug|issue|regression|crash)"
    r"\b(?! ?#)",
    re.MULTILINE,
)
"""In the body: some projects put there what goes into their list of changes."""
_NOT = re.compile(
    r"\b(?:typos?|spelling|misspell\w*|grammar|docs|docstrings?|doctests?|documentation|readme"
    r"|changelog|change ?log|lint\w*|flake8|pep ?8|pep257|pyflakes|isort|pre-commit"
    r"|style|whitespace|indentation|formatting|typing|type[ -](?:hints?|annotations?)|type ignore"
    r"|flaky|failing tests?|tests? failures?|broken tests?|fix(?:e[sd]|ing)? (?:the )?tests?|tox"
    r"|travis|appveyor|github actions?|workflows?|codecov|doc build|copyright|licen[cs]e|bump"
    r"|merge conflicts?|broken links?|refactor\w*|pyupgrade|python ?3 (?:fix\w*|compat\w*))\b",
    re.IGNORECASE,
)
_TAIL = re.compile(r"\(?#\d+\)?")


def says_fix(title: str, body: str = "") -> bool:
    """Whether a message says that its commit mends a bug of the program: not of its papers, its
    tests, its looks or its build. That an issue is closed says nothing: features close them too."""
    title = _TAIL.sub("", title)
    if title.startswith(("Revert", "Merge branch", "Bump ")) or _NOT.search(title):
        return False
    return bool(_FIX.search(title) or _SAID.search(body))
