"""The results of `benchmarks.putback`, and their tables."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.putback_cases import BUG, ORDINARY, SHOWN

PROVEN = ("reproduced", "patched")


@dataclass(frozen=True)
class Said:
    """An issue that stood after the edit, and not before it."""

    subject: str
    state: str
    lead: str
    written: bool
    right: bool
    """Whether it points at a function that the fix touches."""
    confidence: float = 1.0
    stood_s: float = 0.0
    """From the beginning of the pass to its note; for a proven one, to its proof."""
    patched_s: float = 0.0
    tests: Sequence[str] = ()
    title: str = ""

    @property
    def proven(self) -> bool:
        return self.state in PROVEN


@dataclass(frozen=True)
class Outcome:
    """One line of the results."""

    id: str
    kind: str
    library: str
    passing: int = 0
    """Tests that were known to pass before the edit."""
    visible: int = 0
    """Visible tests that the edit makes fail, as they did when the case was made."""
    said: Sequence[Said] = ()
    patched: bool = False
    correct: bool = False
    """By the hidden tests."""
    broken: Sequence[str] = ()
    diff: str = ""
    seconds: float = 0.0
    left: int = 0
    problems: Sequence[str] = ()
    problem: str = field(default="")
    """Why it could not be measured."""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Outcome:
        return cls(**{**row, "said": [Said(**each) for each in row.get("said", ())]})

    @property
    def measured(self) -> bool:
        return not self.problem and self.passing > 0

    @property
    def by_tests(self) -> bool:
        """Reproduced by the repository's own tests."""
        return any(each.proven and not each.written for each in self.said)

    @property
    def by_written(self) -> bool:
        return any(each.proven and each.written and each.right for each in self.said)

    @property
    def suspicions(self) -> list[Said]:
        """The surest first."""
        found = [each for each in self.said if each.state == "suspected"]
        return sorted(found, key=lambda each: -each.confidence)

    @property
    def noticed(self) -> str:
        if self.by_tests:
            return "tests"
        if self.by_written:
            return "written"
        where = [each.right for each in self.suspicions]
        if True in where:
            return "suspected first" if where[0] else "suspected"
        return "elsewhere" if self.said else "missed"

    @property
    def stood_s(self) -> float | None:
        """The first proof, or else the first right suspicion."""
        proven = [e.stood_s for e in self.said if e.proven and (e.right or not e.written)]
        right = [each.stood_s for each in self.suspicions if each.right]
        return min(proven or right, default=None)

    @property
    def line(self) -> str:
        if self.problem:
            return f"{self.id:40} PROBLEM {self.problem.strip().splitlines()[-1][:90]}"
        patch = "correct patch" if self.correct else "patch" if self.patched else ""
        proven = sum(each.proven for each in self.said)
        counts = f"{proven} proven {len(self.suspicions)} suspected"
        titles = "; ".join(each.title[:60] for each in self.said[:2])
        return (
            f"{self.id:40} {self.visible:3} visible  {self.noticed:16} {counts:22} {patch:14} "
            f"{self.seconds:6.1f} s  {titles}"
        )


def share(count: int, of: int) -> str:
    return f"{count:4} of {of:3} {count / of:5.0%}" if of else f"{count:4} of {of:3}     -"


def median(values: Iterable[float | None]) -> str:
    found = [value for value in values if value is not None]
    return f"{statistics.median(found):6.1f}" if found else "     -"


def report(rows: Sequence[Outcome], *, each: bool = False) -> None:
    if each:
        for row in sorted(rows, key=lambda row: (row.kind, row.library, row.id)):
            print(row.line)
            for said in row.said:
                mark = "right" if said.right else "     "
                how = "written" if said.written else said.lead
                print(f"    {said.state:10} {mark} {how:16} {said.subject[:60]}  {said.title[:90]}")
    for kind in (BUG, SHOWN):
        whole = [row for row in rows if row.kind == kind]
        if whole:
            bugs(kind, whole)
    ordinary([row for row in rows if row.kind == ORDINARY])


def bugs(kind: str, whole: Sequence[Outcome]) -> None:
    rows = [row for row in whole if row.measured]
    print(f"\n{kind}: {len(rows)} of {len({row.library for row in rows})} libraries, "
          f"{len(whole) - len(rows)} not measured")  # fmt: skip
    seen = [row for row in rows if row.visible]
    rest = [row for row in rows if not row.visible]
    shown = sum(row.by_tests for row in seen)
    print(f"  visible tests show it: reproduced      {share(shown, len(seen))}")
    wrote = sum(row.by_written for row in rest)
    print(f"  of the rest:  by a written test        {share(wrote, len(rest))}")
    suspected = [row.noticed.startswith("suspected") or row.by_written for row in rest]
    only = [row.noticed.startswith("suspected") for row in rest]
    first = sum(row.noticed == "suspected first" for row in rest)
    print(f"                at the right function    {share(sum(suspected), len(rest))}"
          f"  (only suspected {sum(only)}, of these the first suspicion {first})")  # fmt: skip
    by_tests = sum(row.by_tests for row in rest)
    print(f"                by a test after all      {share(by_tests, len(rest))}")
    missed = Counter(row.noticed for row in rest)
    print(f"                elsewhere only           {share(missed['elsewhere'], len(rest))}")
    print(f"                nothing said             {share(missed['missed'], len(rest))}")
    false = sum(e.proven and e.written and not e.right for r in rows for e in r.said)
    many = [len(row.suspicions) for row in rows]
    print(f"  written proofs elsewhere               {false:4}")
    print(f"  suspicions per change                  {statistics.mean(many or [0]):.2f}")
    proven = [row for row in rows if row.by_tests or row.by_written]
    patched = [row for row in proven if row.patched]
    correct = sum(row.correct for row in proven)
    print(f"  patch prepared, of the reproduced      {share(len(patched), len(proven))}"
          f"   correct by the hidden tests {share(correct, len(patched))}")  # fmt: skip
    print(f"  seconds to the proof, median           {median(row.stood_s for row in proven)}")
    times = [e.patched_s or None for row in patched for e in row.said if e.state == "patched"]
    print(f"  seconds to the patch, median           {median(times)}")
    print(f"  seconds of the pass, median            {median(row.seconds for row in rows)}")


def ordinary(whole: Sequence[Outcome]) -> None:
    rows = [row for row in whole if row.measured]
    if not whole:
        return
    print(f"\nordinary: {len(rows)} of {len({row.library for row in rows})} libraries, "
          f"{len(whole) - len(rows)} not measured")  # fmt: skip
    written = [sum(e.proven and e.written for e in row.said) for row in rows]
    tests = [sum(e.proven and not e.written for e in row.said) for row in rows]
    many = [len(row.suspicions) for row in rows]
    print(f"  with a false proof by a written test   {share(sum(map(bool, written)), len(rows))}"
          f"   in all {sum(written)}")  # fmt: skip
    print(f"  with a failing test of their own       {share(sum(map(bool, tests)), len(rows))}"
          f"   in all {sum(tests)} (to be looked at: --list)")  # fmt: skip
    print(f"  suspicions per change                  {statistics.mean(many or [0]):.2f}"
          f"   with any {share(sum(map(bool, many)), len(rows))}")  # fmt: skip
    leads = Counter(e.lead or "(none)" for row in rows for e in row.said if not e.proven)
    print("  by lead: " + ", ".join(f"{lead} {count}" for lead, count in leads.most_common(12)))
    print(f"  seconds of the pass, median            {median(row.seconds for row in rows)}")
