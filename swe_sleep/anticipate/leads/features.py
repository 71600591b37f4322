"""What of a change tells a fault from ordinary work, as numbers for the weighing.

Left out on purpose is what would only tell that a benchmark put a bug back: comments, docstrings,
change logs, and whether tests were changed along.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from typing import get_args

from swe_sleep.anticipate.leads.atoms import AtomKind
from swe_sleep.anticipate.leads.changes import ChangeSet, ScopeChange

CUSTOMARY = re.compile(
    r"\b(six|PY2|PY3|PYPY|unicode|basestring|version_info|iteritems|itervalues|text_type"
    r"|string_types|imap|izip|ifilter|xrange|TYPE_CHECKING|__version__\w*|__build__|__all__|warn"
    r"|DeprecationWarning|deprecat\w*|debug|logger?|log)\b",
    re.IGNORECASE,
)
"""What is taken out on purpose now and then: for old Pythons, deprecated, versions, logging."""

Features = Mapping[str, float]


def features(change: ScopeChange, company: ChangeSet) -> Features:
    """The numbers of one changed scope in its change set; what is not named is 0."""
    found: dict[str, float] = {}
    lost = Counter(atom.kind for atom in change.lost)
    gained = Counter(atom.kind for atom in change.gained)
    for kind in get_args(AtomKind):
        less, more = lost[kind], gained[kind]
        if less > more:
            found[f"loses {kind}"] = 1.0
        elif less and more:
            found[f"swaps {kind}"] = 1.0
        if more > less:
            found[f"gains {kind}"] = 1.0
    removed, added = change.removed_lines, change.added_lines
    found["removed"] = math.log1p(removed)
    found["added"] = math.log1p(added)
    found["balance"] = _balance(removed, added)
    found["nothing added"] = float(not added)
    found["nothing removed"] = float(not removed)
    found["share"] = removed / max(1, len(change.old.lines))
    found["length"] = math.log1p(len(change.old.lines))
    found["module"] = float(not change.qualname)
    found["class"] = float(bool(change.qualname) and not change.new.is_function)
    found["signature"] = float(
        change.old.is_function and change.old.lines[:1] != change.new.lines[:1]
    )
    atoms = (*change.lost, *change.gained)
    found["only texts"] = float(all(atom.text[:1] in "'\"" for atom in atoms))
    found["renaming"] = float(_renamed(change))
    found["customary"] = float(any(CUSTOMARY.search(atom.text) for atom in change.lost))
    found["files"] = math.log(max(1, company.files))
    found["scopes"] = math.log(max(1, len(company.scopes)))
    found["all removed"] = math.log1p(company.removed_lines)
    found["all added"] = math.log1p(company.added_lines)
    found["all balance"] = _balance(company.removed_lines, company.added_lines)
    found["new definitions"] = float(bool(company.added))
    found["gone definitions"] = float(bool(company.removed))
    return found


_TOKEN = re.compile(r"\w+|[^\w\s]")


def _renamed(change: ScopeChange) -> bool:
    """Whether one name for another, everywhere, is all that changed."""
    old: list[str] = []
    new: list[str] = []
    for _, i1, i2, j1, j2 in change.opcodes:
        old += _TOKEN.findall("\n".join(change.old.lines[i1:i2]))
        new += _TOKEN.findall("\n".join(change.new.lines[j1:j2]))
    if len(old) != len(new):
        return False
    names: dict[str, str] = {}
    for was, now in zip(old, new, strict=True):
        if was != now and not (was.isidentifier() and now.isidentifier()):
            return False
        if names.setdefault(was, now) != now:
            return False
    return len(set(names.values())) == len(names)


def _balance(removed: int, added: int) -> float:
    return (removed - added) / (removed + added) if removed + added else 0.0
