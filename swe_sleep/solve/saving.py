"""What a run of `solve` did not spend because notes were there: an estimate, and how it is made.

What a note saved is taken to be what it took to make it: the search for a prepared patch ran at
sleep, and would have run now. Notes that only helped to look in the right place are not counted:
what that saved nobody measured.
"""

from __future__ import annotations

from collections.abc import Iterable

from swe_sleep.notes.ledger import Saved
from swe_sleep.notes.view import SeenIssue
from swe_sleep.solve.outcome import Solved


def savings(solved: Solved, issues: Iterable[SeenIssue]) -> list[Saved]:
    """For the ledger. `issues` are the anticipated issues that the run could know."""
    found: list[Saved] = []
    for seen in issues:
        why = _why(solved, seen)
        if why:
            note = seen.note
            step = note.producer.partition("@")[0]
            found.append(Saved(0.0, "solve", step, note.subject, note.usage, why))
    return found


def _why(solved: Solved, seen: SeenIssue) -> str:
    issue, patch, made = seen.issue, solved.patch, solved.reproduction
    if patch is not None and solved.solver == "prepared" and patch in issue.patches:
        return "its patch was taken: as much as it took to find it"
    if made is not None and issue.written is not None and made.files == issue.written.files:
        return "its test showed the issue: as much as it took to write it"
    return ""
