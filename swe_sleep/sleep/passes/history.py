"""What the newest commits say: churn, fixes, files that change together."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import permutations

from swe_sleep.notes import kinds
from swe_sleep.records import HEAD, Note, Place
from swe_sleep.sleep.engine import Made, Unit
from swe_sleep.sleep.situation import Situation

FIX = re.compile(r"\b(fix(e[sd])?|bug(fix)?|regression|crash(es)?|fault)\b", re.IGNORECASE)
WIDE = 30
"""A commit of more files than this (a reformat, an import) says nothing of any two of them."""
PARTNERS = 8
"""Files kept per file as changing together with it."""


class HistoryPass:
    name = "history"
    version = 1
    reads = ()

    def plan(self, work: Situation) -> Iterator[Unit]:
        if work.snapshot.head and work.settings.sleep.history_commits:
            inputs = {HEAD: work.snapshot.head}
            yield Unit(f"{self.name}@{self.version}", "", inputs, 20.0, 1.0)

    def run(self, unit: Unit, work: Situation) -> Made:
        churn: Counter[str] = Counter()
        fixes: Counter[str] = Counter()
        together: dict[str, Counter[str]] = defaultdict(Counter)
        count = 0
        limit = work.settings.sleep.history_commits
        for commit in work.repository.commits(limit=limit, counts=False):
            work.budget.checkpoint()
            count += 1
            paths = [file.path for file in commit.files if file.path in work.snapshot.files]
            if not paths or len(commit.files) > WIDE:
                continue
            churn.update(paths)
            if FIX.search(commit.subject):
                fixes.update(paths)
            for one, other in permutations(paths, 2):
                together[one][other] += 1
        data = kinds.HistoryData(
            commits=count,
            churn=dict(churn),
            fixes=dict(fixes),
            co_change={
                path: dict(others.most_common(PARTNERS))
                for path, others in together.items()
                if others.most_common(1)[0][1] > 1
            },
            newest=unit.inputs[HEAD],
        )
        note = Note(
            kind=kinds.HISTORY,
            subject="",
            body=_body(data),
            producer=unit.producer,
            inputs=unit.inputs,
            data=kinds.encode(data),
            evidence=tuple(Place(path) for path, _ in fixes.most_common(10)),
        )
        return Made(notes=(note,))


def _body(data: kinds.HistoryData) -> str:
    lines = [f"The newest {data.commits} commits."]
    busiest = sorted(data.churn.items(), key=lambda item: (-item[1], item[0]))[:10]
    for path, commits in busiest:
        fixed = data.fixes.get(path, 0)
        partner = max(data.co_change.get(path, {}).items(), key=lambda p: p[1], default=None)
        line = f"- `{path}`: {commits} commits, {fixed} of them fixes"
        if partner:
            line += f"; changes together with `{partner[0]}` ({partner[1]} times)"
        lines.append(line)
    return "\n".join(lines)
