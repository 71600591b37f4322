"""Which files, functions and late changes are likely to need a fix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from swe_sleep.anticipate.risk.noted import in_words, risky
from swe_sleep.index.outline import language_of
from swe_sleep.notes import kinds
from swe_sleep.records import HEAD, Note, Place
from swe_sleep.repo.snapshot import REGULAR_FILES
from swe_sleep.sleep.engine import Made, Unit
from swe_sleep.sleep.situation import Situation

if TYPE_CHECKING:  # they import numpy, which takes long
    from swe_sleep.anticipate.risk.assess import Assessed, Past
    from swe_sleep.anticipate.risk.measure import Measured

__all__ = ["RiskPass", "risky"]

STATE = "risk state"
WISDOM = "risk wisdom"
LATEST = "latest"
KEPT_AT_ONCE = 200
"""Measures that wait at most to be stored: a pass that is stopped does not measure them again."""
SHOWN = 10
FIRST_S, AGAIN_S = 20.0, 2.0


class RiskPass:
    """A unit for each HEAD; edits that are not committed change nothing of the past."""

    name = "risk"
    version = 1
    reads = ("history",)

    def plan(self, work: Situation) -> Iterator[Unit]:
        head = work.snapshot.head
        if head is None or not work.settings.sleep.history_commits:
            return
        known = bool(work.store.has_artefacts(WISDOM, [LATEST]))
        cost_s = AGAIN_S if known else FIRST_S
        yield Unit(f"{self.name}@{self.version}", "", {HEAD: head}, 10.0, cost_s)

    def run(self, unit: Unit, work: Situation) -> Made:
        from swe_sleep.anticipate.risk import assess

        head = unit.inputs[HEAD]
        state = work.store.artefacts(STATE, [LATEST]).get(LATEST)
        wisdom = work.store.artefacts(WISDOM, [LATEST]).get(LATEST)
        measures = _Measures(work)
        found = assess.assess(
            _past(work, measures),
            head,
            state,
            assess.decode_wisdom(wisdom) if wisdom else None,
        )
        measures.store()
        return Made(
            (_note(unit, work, found),),
            (
                (STATE, LATEST, found.state),
                (WISDOM, LATEST, assess.encode_wisdom(found.wisdom)),
            ),
        )


class _Measures:
    """What the text of each content says of itself; kept by content, as outlines are."""

    def __init__(self, work: Situation) -> None:
        from swe_sleep.anticipate.risk import measure

        self._work = work
        self._kind = measure.MEASURED
        self._waiting: dict[str, bytes] = {}
        self._held: dict[str, Measured] = {}

    def of(self, path: str, blob: str) -> Measured:
        from swe_sleep.anticipate.risk import measure

        key = f"{language_of(path)} {blob}"
        if key not in self._held:
            payload = self._work.store.artefacts(self._kind, [key]).get(key)
            if payload is None:
                self._work.budget.checkpoint()
                content = self._work.contents.get(path, blob) or b""
                made = self._work.outlines.of_blob(path, blob)
                made = made or self._work.outlines.of_content(path, content)
                assert made is not None  # only files with a language are asked for
                self._held[key] = measure.measure(content, made)
                self._waiting[key] = measure.encode(self._held[key])
                if len(self._waiting) >= KEPT_AT_ONCE:
                    self.store()
            else:
                self._held[key] = measure.decode(payload)
        return self._held[key]

    def store(self) -> None:
        made = [(self._kind, key, payload) for key, payload in self._waiting.items()]
        self._work.store.record(artefacts=made)
        self._waiting.clear()


def _past(work: Situation, measures: _Measures) -> Past:
    from swe_sleep.anticipate.risk.assess import Past

    names = {path.rpartition("/")[2].rpartition(".") for path in work.outlines.languages}
    suffixes = sorted({suffix for _, dot, suffix in names if dot})

    def tree_at(commit: str) -> Mapping[str, str]:
        files = work.repository.snapshot_of(commit).files
        return {
            path: entry.blob
            for path, entry in files.items()
            if entry.mode in REGULAR_FILES and language_of(path)
        }

    return Past(
        work.repository.git, suffixes, tree_at, measures.of, work.budget.checkpoint, work.progress
    )


def _note(unit: Unit, work: Situation, found: Assessed) -> Note:
    import msgspec

    functions = tuple(
        msgspec.structs.replace(each, uncovered=uncovered)
        for each, uncovered in zip(found.data.functions, _uncovered(work, found.data), strict=True)
    )
    data = msgspec.structs.replace(found.data, functions=functions)
    return Note(
        kind=kinds.RISK,
        subject="",
        body=_body(data),
        producer=unit.producer,
        inputs=unit.inputs,
        data=kinds.encode(data),
        evidence=tuple(Place(each.path) for each in data.files[:SHOWN]),
    )


def _uncovered(work: Situation, data: kinds.RiskData) -> Iterator[float | None]:
    """Of each function the share of lines that no known test runs."""
    files = {each.path for each in data.functions}
    known: dict[str, set[int]] = {path: set() for path in files}
    coverage, _ = work.evidence.coverage_of(files)
    for lines in coverage.lines.values():
        for path in files & lines.keys():
            known[path].update(lines[path])
    for each in data.functions:
        outline = work.outlines.get(each.path) if known[each.path] else None
        symbols = outline.symbols if outline else ()
        symbol = next((s for s in symbols if s.qualname == each.qualname), None)
        if symbol is None or symbol.end_line == symbol.name_line:
            yield None
            continue
        inside = range(symbol.name_line + 1, symbol.end_line + 1)
        ran = sum(line in known[each.path] for line in inside)
        # Blank lines and comments never run: nothing is made of a few.
        yield round(max(0.0, 1 - ran / max(min(len(inside), each.lines), 1)), 2)


def _body(data: kinds.RiskData) -> str:
    lines = [_measured(data), ""]
    lines += [f"- `{each.path}`: {in_words(each)}" for each in data.files[:SHOWN]]
    if data.functions:
        by = "" if data.function_measure == "model" else ", by size: here nothing else was better"
        lines += ["", f"Functions{by}{_functions_measured(data)}:"]
        lines += [
            f"- `{each.path}::{each.qualname}`: {in_words(each)}" for each in data.functions[:SHOWN]
        ]
    if data.changes:
        lines += ["", "The riskiest of the late changes:"]
        lines += [
            f"- {each.commit[:10]} {each.title[:80]}: riskier than {each.above:.0%} of the changes"
            f" made here ({', '.join(each.why)})"
            for each in data.changes
        ]
    return "\n".join(lines)


def _functions_measured(data: kinds.RiskData) -> str:
    told = data.accuracy
    if "functions auc" not in told:
        return ""
    return (
        f" (on this repository's own past AUC {told['functions auc']:.2f}, by size"
        f" {told['functions auc by size']:.2f}; of the top ten"
        f" {told['functions right of the top ten']:.0%} were mended within the year)"
    )


def _measured(data: kinds.RiskData) -> str:
    """How files were ranked, and how good that was on this repository's own past."""
    told = data.accuracy
    if not data.windows:
        return (
            f"Files ranked by size: the {data.steps} steps of this history hold too few fixes to"
            " measure anything better on."
        )
    by = (
        "from changes, fixes, size and people"
        if data.file_measure == "model"
        else "by size, since on this repository's own past nothing else was better"
    )
    years = "the last year" if data.windows == 1 else f"the last {data.windows} years"
    return (
        f"Files ranked {by}. Measured on {years} ({data.fixes} fixes), each told from what came"
        f" before it: AUC {told['files auc']:.2f} (by size {told['files auc by size']:.2f});"
        f" {told['files fixes in the top ten']:.0%} of the fixes touched the top ten files"
        f" (by size {told['files fixes in the top ten by size']:.0%});"
        f" {told['files found in a fifth of the lines']:.0%} of the mended files stood in the"
        " fifth of the lines to be read first"
        f" (by size {told['files found in a fifth of the lines by size']:.0%})."
    )
