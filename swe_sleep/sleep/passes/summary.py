"""Summaries of files, folders and the repository: read off the code, and by a model where there is
one.

The code itself is read folder by folder; a file whose content was read before is not read again.
With a model each file that somebody is likely to ask about is asked for once for each content, and
what lies above it only where one of its parts came out different.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from swe_sleep.anticipate import summaries
from swe_sleep.anticipate.asking import Unfit
from swe_sleep.anticipate.extracting import extract
from swe_sleep.notes import kinds
from swe_sleep.notes.kinds import SummaryData
from swe_sleep.records import TREE, Note, Usage
from swe_sleep.sleep import schedule
from swe_sleep.sleep.engine import Made, Unit
from swe_sleep.sleep.passes import material
from swe_sleep.sleep.situation import Situation
from swe_sleep.testing.discovery import is_test_path

ABOVE = "summary above/1"
"""The kind of artefact: what a model made of parts, by what these are."""
MOST_ASKED = 40
"""Files that a model is asked about; the others are too unlikely to be asked about."""
LEAST_LINES = 15
COST_S, MOST_TOKENS, MOST_USD = 10.0, 12_000, 0.06
READ_S = 0.02
"""For reading one file without a model."""
READ = 0.1 * schedule.ANY
"""What the code says of itself can be read off it at any time: it comes after what cannot."""


class SummaryPass:
    name = "summary"
    version = 1
    reads = ("outline", "risk", "summary")

    @property
    def _producer(self) -> str:
        return f"{self.name}@{self.version}"

    def plan(self, work: Situation) -> Iterator[Unit]:
        if work.outlines.missing():
            return
        reading = [
            schedule.SUMMARY.unit(
                self._producer,
                folder,
                {path: work.snapshot.blob(path) for path in paths},
                cost_s=READ_S * len(paths),
                chance=READ,
            )
            for folder, paths in folders(work).items()
        ]
        yield from reading
        if len(work.store.finished([unit.key for unit in reading])) < len(reading):
            return
        yield schedule.SUMMARY.unit(
            self._producer, "", {TREE: work.snapshot.id}, cost_s=0.1, chance=READ
        )
        if work.desk is not None:
            yield from self._asked_for(work)

    def _asked_for(self, work: Situation) -> Iterator[Unit]:
        """Files first; a folder once none of its files waits, and the repository at last."""
        version = summaries.prompt_version()
        interest = work.interest
        wanted = [path for path in material.sources(work) if self._worth_it(work, path)]
        wanted.sort(key=lambda path: (-interest.of(path), path))
        files = [
            self._unit(f"{path}", {path: work.snapshot.blob(path), "<prompt>": version}, chance)
            for path, chance in ((path, interest.of(path)) for path in wanted[:MOST_ASKED])
        ]
        yield from files
        done = work.store.finished([unit.key for unit in files])
        waiting = {_folder(unit.subject) for unit in files if unit.key not in done}
        ready = {_folder(unit.subject) for unit in files} - waiting
        above = [self._above(work, folder, version) for folder in sorted(ready)]
        yield from above
        if ready and not waiting:
            keys = [unit.key for unit in above]
            if len(work.store.finished(keys)) == len(keys):
                yield self._above(work, "", version)

    def _above(self, work: Situation, subject: str, version: str) -> Unit:
        key = summaries.key_of(parts_of(work, subject))
        return self._unit(subject, {"<parts>": key, "<prompt>": version}, schedule.ANY)

    def _unit(self, subject: str, inputs: Mapping[str, str], chance: float) -> Unit:
        return schedule.SUMMARY.unit(
            self._producer,
            subject,
            inputs,
            cost_s=COST_S,
            chance=chance,
            tokens=MOST_TOKENS,
            usd=MOST_USD,
        )

    @staticmethod
    def _worth_it(work: Situation, path: str) -> bool:
        outline = work.outlines.get(path)
        return outline is not None and outline.lines >= LEAST_LINES and bool(outline.symbols)

    # -- the work ------------------------------------------------------------------------------

    def run(self, unit: Unit, work: Situation) -> Made:
        if "<prompt>" not in unit.inputs:
            notes = self._read(unit, work) if unit.subject else [self._repository(unit, work)]
            return Made(tuple(notes))
        try:
            return self._ask(unit, work)
        except Unfit as error:  # asked again, it would be the same: replies are kept
            work.progress(f"{unit.subject or 'the repository'}: {error}")
            return Made()

    def _ask(self, unit: Unit, work: Situation) -> Made:
        usage: list[Usage] = []
        if unit.subject in work.snapshot.files:
            data = self._of_file(unit, work, usage)
            if data is None:
                return Made()
            inputs = {unit.subject: unit.inputs[unit.subject]}
            note = _note(unit, unit.subject, data, inputs, Usage.total(usage))
            folder = _folder(unit.subject)
            parts = parts_of(work, folder) | {unit.subject: data}
            above = self._folder_note(unit, work, folder, parts)
            return Made((note, above, *self._again(unit, work, above)))
        parts = parts_of(work, unit.subject)
        data = self._of_parts(unit, work, parts, usage)
        artefact = (ABOVE, _key(unit.subject, parts), kinds.encode(data))
        inputs = _inputs(work, unit.subject)
        note = _note(unit, unit.subject, data, inputs, Usage.total(usage))
        again = self._again(unit, work, note) if unit.subject else ()
        return Made((note, *again), (artefact,))

    def _again(self, unit: Unit, work: Situation, folder: Note) -> tuple[Note, ...]:
        """The repository's summary that a model once made of just these parts, if it did: with
        equal parts nobody is asked again."""
        parts = parts_of(work, "")
        if folder.subject not in parts:
            return ()
        parts |= {folder.subject: kinds.decode(folder.data, SummaryData)}
        data = self._kept(work, "", parts)
        return (_note(unit, "", data, _inputs(work, "")),) if data is not None else ()

    def _read(self, unit: Unit, work: Situation) -> Iterator[Note]:
        """The files of one folder, and the folder."""
        parts: dict[str, SummaryData] = {}
        for path, blob in unit.inputs.items():
            work.budget.checkpoint()
            seen = work.view.get(kinds.SUMMARY, path)
            if seen is not None and seen.fresh:
                parts[path] = seen.data(SummaryData)
                continue
            parts[path] = extracted(work, path)
            yield _note(unit, path, parts[path], {path: blob})
        yield self._folder_note(unit, work, unit.subject, parts)

    def _folder_note(
        self, unit: Unit, work: Situation, folder: str, parts: Mapping[str, SummaryData]
    ) -> Note:
        kept = self._kept(work, folder, parts)
        purpose = parts.get(f"{folder}__init__.py".removeprefix("./"), SummaryData()).purpose
        data = kept or summaries.above(purpose, parts, summaries.PER_FILE)
        return _note(unit, folder, data, {path: work.snapshot.blob(path) for path in parts})

    def _repository(self, unit: Unit, work: Situation) -> Note:
        parts = parts_of(work, "")
        data = self._kept(work, "", parts)
        purpose = " ".join(material.described(work).split())[:200]
        data = data or summaries.above(purpose, parts, summaries.PER_FOLDER)
        return _note(unit, "", data, _inputs(work, ""))

    @staticmethod
    def _kept(
        work: Situation, subject: str, parts: Mapping[str, SummaryData]
    ) -> SummaryData | None:
        """What a model made of equal parts before."""
        key = _key(subject, parts)
        payload = work.store.artefacts(ABOVE, [key]).get(key)
        return summaries.decoded(payload) if payload is not None else None

    def _of_file(self, unit: Unit, work: Situation, usage: list[Usage]) -> SummaryData | None:
        module = material.module(work, unit.subject)
        if module is None:
            return None
        return summaries.of_file(
            module,
            extracted(work, unit.subject),
            material.counted(material.asking(work, f"{self.name} {unit.subject}"), usage),
            model=material.model_name(work),
            fence=material.fence_of(work.store),
            request=material.template(work, self.name),
        )

    def _of_parts(
        self, unit: Unit, work: Situation, parts: Mapping[str, SummaryData], usage: list[Usage]
    ) -> SummaryData:
        paths = {line.place.path for part in parts.values() for line in part.lines}
        texts = {
            path: work.snapshot.read(path).decode("utf-8", "replace")
            for path in sorted(paths & work.snapshot.files.keys())
        }
        return summaries.of_parts(
            "folder" if unit.subject else "repository",
            parts,
            texts,
            material.counted(material.asking(work, f"{self.name} {unit.subject or '.'}"), usage),
            model=material.model_name(work),
            fence=material.fence_of(work.store),
            request=material.template(work, self.name),
        )


def folders(work: Situation) -> dict[str, list[str]]:
    """The files that are summarised, by their folder."""
    found: dict[str, list[str]] = {}
    for path in sorted(work.outlines.languages):
        found.setdefault(_folder(path), []).append(path)
    return found


def _folder(path: str) -> str:
    """The subject of the folder that a file is in; "./" for the topmost."""
    return f"{path.rpartition('/')[0] or '.'}/"


def parts_of(work: Situation, subject: str) -> dict[str, SummaryData]:
    """The summaries that one is made of: of a folder those of its files, of the repository ("")
    those of its folders that hold no tests."""
    every = folders(work)
    names = every.get(subject, []) if subject else [f for f in every if not _tests(every[f])]
    found: dict[str, SummaryData] = {}
    for name in names:
        seen = work.view.get(kinds.SUMMARY, name)
        if seen is not None and seen.fresh:
            found[name] = seen.data(SummaryData)
    return found


def _tests(paths: list[str]) -> bool:
    return all(is_test_path(path) for path in paths)


def extracted(work: Situation, path: str) -> SummaryData:
    text = work.snapshot.read(path)[: material.MOST_BYTES].decode("utf-8", "replace")
    python = work.outlines.languages.get(path) == "python"
    return extract(path, text, python=python, test=is_test_path(path))


def _inputs(work: Situation, subject: str) -> dict[str, str]:
    if not subject:
        return {TREE: work.snapshot.id}
    return {path: work.snapshot.blob(path) for path in folders(work).get(subject, ())}


def _key(subject: str, parts: Mapping[str, SummaryData]) -> str:
    return f"{subject} {summaries.key_of(parts)}"


def _note(
    unit: Unit,
    subject: str,
    data: SummaryData,
    inputs: Mapping[str, str],
    usage: Usage | None = None,
) -> Note:
    return Note(
        kind=kinds.SUMMARY,
        subject=subject,
        body=summaries.body(data),
        producer=f"{unit.producer} {data.model}".strip(),
        inputs=inputs,
        data=kinds.encode(data),
        evidence=tuple(summaries.places(data)),
        usage=usage or Usage(),
        confidence=0.8 if data.model else 1.0,
    )
