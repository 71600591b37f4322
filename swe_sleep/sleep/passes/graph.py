"""The graph over all outlines: which files matter most, and where the program begins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from swe_sleep.notes import kinds
from swe_sleep.records import TREE, Note, Place
from swe_sleep.sleep import schedule
from swe_sleep.sleep.engine import Made, Unit
from swe_sleep.sleep.situation import Situation

RANKED = 200
"""Files whose rank is kept in the note."""


class GraphPass:
    name = "graph"
    version = 1
    reads = ("outline",)

    def plan(self, work: Situation) -> Iterator[Unit]:
        if not work.outlines.missing():
            cost_s = 0.1 if work.outlines.has_graph else 1.0
            inputs = {TREE: work.snapshot.id}
            yield schedule.GRAPH.unit(f"{self.name}@{self.version}", "", inputs, cost_s=cost_s)

    def run(self, unit: Unit, work: Situation) -> Made:
        graph = work.outlines.graph()
        ranks = graph.rank()
        order = sorted(ranks, key=lambda path: (-ranks[path], path))[:RANKED]
        outlines = {path: graph.outline(path) for path in work.outlines.languages}
        data = kinds.GraphData(
            files=len(work.snapshot.files),
            symbols=sum(len(each.symbols) for each in outlines.values() if each),
            languages=Counter(work.outlines.languages.values()),
            rank={path: ranks[path] for path in order},
            entry_points=tuple(
                Place(path, each.main_line)
                for path, each in sorted(outlines.items())
                if each and each.main_line
            )[:50],
            problems={
                path: each.problem for path, each in outlines.items() if each and each.problem
            },
        )
        note = Note(
            kind=kinds.GRAPH,
            subject="",
            body=_body(data),
            producer=unit.producer,
            inputs=unit.inputs,
            data=kinds.encode(data),
            evidence=tuple(Place(path) for path in order[:10]),
        )
        return Made((note,))


def _body(data: kinds.GraphData) -> str:
    languages = ", ".join(f"{n} {name}" for name, n in Counter(data.languages).most_common())
    lines = [f"{data.files} files ({languages or 'no source'}), {data.symbols} symbols."]
    lines += [f"- `{path}`: rank {rank:.3f}" for path, rank in list(data.rank.items())[:10]]
    lines += [f"- `{place}`: an entry point" for place in data.entry_points[:5]]
    lines += [f"- `{path}`: {problem}" for path, problem in list(data.problems.items())[:10]]
    return "\n".join(lines)
