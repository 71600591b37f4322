"""From new findings of checkers to leads: which kinds are worth a proof, and how much."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from swe_sleep.anticipate.leads.checkers import Finding
from swe_sleep.anticipate.leads.lead import Lead
from swe_sleep.notes import kinds
from swe_sleep.records import Place

WEIGHTS: Mapping[str, float] = {}
"""The kinds that are leads, with the share of new findings on bugs put back, by
`python -m benchmarks.checks`; the rest tell a bug from ordinary work no better than chance."""
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
