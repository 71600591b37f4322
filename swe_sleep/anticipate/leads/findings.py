"""From new findings of checkers to leads: which kinds are worth a proof, and how much."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from swe_sleep.anticipate.leads.checkers import Finding
from swe_sleep.anticipate.leads.lead import Lead
from swe_sleep.notes import kinds
from swe_sleep.records import Place

WEIGHTS: Mapping[str, float] = {
    "ruff invalid-syntax": 0.9,
    **dict.fromkeys(("ruff F821", "ruff F822", "ruff F823", "ruff F634", "ruff F631"), 0.5),
    **dict.fromkeys(("ruff F632", "ruff F702", "ruff F704", "ruff F706", "ruff F811"), 0.3),
    **dict.fromkeys(("ruff B005", "ruff B012", "ruff B020", "ruff B023", "ruff B031"), 0.3),
    **dict.fromkeys((f"ruff F5{number:02}" for number in range(1, 26)), 0.3),
    **dict.fromkeys(("ruff PLE1205", "ruff PLE1206", "ruff PLE0604", "ruff PLE0118"), 0.3),
    "ty missing-module-member": 0.5,
    **dict.fromkeys(("ty missing-argument", "ty unknown-argument"), 0.5),
    **dict.fromkeys(("ty parameter-already-assigned", "ty too-many-positional-arguments"), 0.5),
    **dict.fromkeys(("ty missing-attribute", "ty not-callable", "ty not-subscriptable"), 0.4),
    **dict.fromkeys(("ty not-iterable", "ty index-out-of-bounds", "ty invalid-raise"), 0.4),
    **dict.fromkeys(("ty invalid-exception-caught", "ty unused-awaitable"), 0.4),
    "ty missing-union-attribute": 0.2,
}
"""The kinds that are leads. On 120 bugs put back and 120 ordinary commits of six libraries (`python
-m benchmarks.checks`) ruff newly found something in none and 2, ty in 5 and 13. So nothing is here
that was new on ordinary work more than twice and no more often on bugs: unknown imports, arguments
and operators of another type, and names that ty does not find (of which ruff finds the same)."""
MOST = 1
"""Leads of one change set: who has many findings sees them in an editor."""


def subject(finding: Finding) -> str:
    """That of the note which holds a finding."""
    return kinds.issue_subject(finding.path, finding.qualname, finding.kind)


def leads(found: Iterable[Finding], active: Callable[[str], bool]) -> list[Lead]:
    """The finding of a change set that is most likely a fault, if any is likely at all."""
    wanted = [each for each in found if each.kind in WEIGHTS and active(each.kind)]
    wanted.sort(key=lambda each: -WEIGHTS[each.kind])
    return [
        Lead(
            each.path,
            each.qualname,
            each.kind,
            Place(each.path, each.line),
            f"{each.tool} newly says: {' '.join(each.message.split())} ({each.code})",
            WEIGHTS[each.kind],
            "Run that line.",
        )
        for each in wanted[:MOST]
    ]
