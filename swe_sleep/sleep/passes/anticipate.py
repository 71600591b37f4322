"""The issues that users of a module are likely to raise next, as a model foresees them."""

from __future__ import annotations

from collections.abc import Iterator

from swe_sleep.anticipate import foreseeing
from swe_sleep.anticipate.asking import Unfit
from swe_sleep.anticipate.foreseeing import Prediction, foresee
from swe_sleep.anticipate.rethinking import Refused
from swe_sleep.notes import kinds
from swe_sleep.records import Note, Place, Usage
from swe_sleep.sleep import schedule
from swe_sleep.sleep.engine import Made, Unit
from swe_sleep.sleep.passes import material
from swe_sleep.sleep.situation import Situation

MOST_CHANGED = 12
"""Changed modules that are read after one change: a rebase may change hundreds."""
MOST_RISKY = 8
"""Modules that are read without a change."""
LEAST_LINES = 8
COST_S = 30.0
MOST_TOKENS = 60_000
MOST_USD = 0.15


class AnticipatePass:
    """`readings` of a module are made apart from each other and merged."""

    name = "anticipate"
    version = 1
    reads = ("outline", "risk", "history")

    def __init__(self, *, readings: int = 1) -> None:
        self._readings = readings
        self._history: tuple[str | None, dict[str, list[str]]] = (None, {})

    def plan(self, work: Situation) -> Iterator[Unit]:
        if work.desk is None or work.outlines.missing():
            return
        files = material.sources(work)
        changed = [path for path in work.changed() if path in set(files)]
        risk = material.risk_of_files(work)
        risky = sorted(files, key=lambda path: (-risk.get(path, 0.0), path))
        risky = [path for path in risky if risk.get(path, 0.0) > 0]
        interest = work.interest
        changed.sort(key=lambda path: (-interest.of(path), path))
        version = foreseeing.prompt_version()
        for path in dict.fromkeys([*changed[:MOST_CHANGED], *risky[:MOST_RISKY]]):
            outline = work.outlines.get(path)
            if outline is None or outline.lines < LEAST_LINES or not outline.symbols:
                continue
            yield schedule.ANTICIPATION.unit(
                f"{self.name}@{self.version}",
                path,
                {path: work.snapshot.blob(path), "<prompt>": version},
                cost_s=COST_S * self._readings,
                chance=interest.of(path),
                tokens=MOST_TOKENS * self._readings,
                usd=min(MOST_USD * self._readings, work.settings.sleep.budget_usd_note),
            )

    def run(self, unit: Unit, work: Situation) -> Made:
        module = material.module(work, unit.subject)
        if module is None:
            return Made()
        work.progress(f"reading {unit.subject}")
        usage: list[Usage] = []
        try:
            found = foresee(
                module,
                material.background(work, unit.subject, self._subjects(work)),
                material.counted(material.asking(work, f"{self.name} {unit.subject}"), usage),
                overview=material.overview(work),
                fence=material.fence_of(work.store),
                readings=self._readings,
                request=material.template(work, self.name),
            )
        except (Unfit, Refused) as error:  # asked again, it would be the same: replies are kept
            work.progress(f"{unit.subject}: {error}")
            return Made()
        inputs = {unit.subject: unit.inputs[unit.subject]}
        return Made(tuple(_notes(found, unit, inputs, Usage.total(usage))))

    def _subjects(self, work: Situation) -> dict[str, list[str]]:
        head = work.snapshot.head
        if head is None or self._history[0] != head:
            self._history = head, material.subjects(work) if head else {}
        return self._history[1]


def _notes(
    found: list[Prediction], unit: Unit, inputs: dict[str, str], usage: Usage
) -> Iterator[Note]:
    """One for each prediction; what reading the module cost stands in the first."""
    taken: dict[str, int] = {}
    for each in found:
        count = taken[each.qualname] = taken.get(each.qualname, 0) + 1
        lead = foreseeing.LEAD if count == 1 else f"{foreseeing.LEAD} {count}"
        yield Note(
            kind=kinds.ISSUE,
            subject=kinds.issue_subject(each.place.path, each.qualname, lead),
            body=f"{each.title}\n\n{each.symptoms}\n\nWhy: {each.why}\n\nTo show it: {each.check}",
            producer=unit.producer,
            inputs=inputs,
            data=kinds.encode(each.issue()),
            evidence=(Place(each.place.path, each.place.line),),
            usage=usage,
            confidence=each.confidence,
        )
        usage = Usage()
