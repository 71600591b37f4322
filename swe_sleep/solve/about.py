"""Everything that is known of a path or a symbol, as lines with a place.

What stands in the code and who uses it comes first, then the tests that run it, then what the
history and the proven issues say of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from swe_sleep.anticipate.risk.noted import in_words, of_path
from swe_sleep.errors import SweSleepError
from swe_sleep.index.graph import Graph
from swe_sleep.index.outline import MODULE, Outline, Symbol
from swe_sleep.index.uses import references
from swe_sleep.notes import kinds
from swe_sleep.notes.evidence import Evidence
from swe_sleep.notes.kinds import HistoryData, SummaryData
from swe_sleep.notes.outlines import Outlines
from swe_sleep.notes.view import View
from swe_sleep.records import ContextLine, Coverage, Place, State
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.testing.discovery import is_test_path

MOST_USES = 10
MOST_CALLS = 6
MOST_TESTS = 6
MOST_SYMBOLS = 40
MOST_RISKY = 3
MOST_CONTRACTS = 8
MOST_MADE = 200
"""Outlines made while a model waits."""


class About:
    """Answers from what is fresh; what it needs is made at the first question."""

    def __init__(
        self, view: View, snapshot: Snapshot, evidence: Evidence, outlines: Outlines
    ) -> None:
        self._view = view
        self._snapshot = snapshot
        self._evidence = evidence
        self._outlines = outlines

    def __call__(self, subject: str, limit: int) -> list[ContextLine]:
        path, _, name = subject.partition("::")
        if path not in self._snapshot.files:
            return list(islice(self._elsewhere(subject), limit))
        outline = self._outlines.get(path)
        symbol = self._symbol(outline, name) if outline is not None and name else None
        if name and symbol is None:
            return list(islice(self._of_path(path, outline), limit))
        lines = self._of_path(path, outline) if symbol is None else self._of_symbol(path, symbol)
        return list(islice(lines, limit))

    @staticmethod
    def _symbol(outline: Outline, name: str) -> Symbol | None:
        wanted = name.replace("::", ".")
        exact = [s for s in outline.symbols if s.qualname == wanted]
        by_end = [s for s in outline.symbols if s.qualname.endswith(f".{wanted}")]
        return next(iter(exact or by_end), None)

    def _elsewhere(self, name: str) -> Iterator[ContextLine]:
        """A bare name: where it is defined, and what is known of it if that is in one place."""
        wanted = name.rpartition("/")[2].replace("::", ".")
        found = self._graph().definitions(wanted.rpartition(".")[2])
        if "." in wanted:
            exact = [d for d in found if f".{d.symbol.qualname}".endswith(f".{wanted}")]
            found = tuple(exact) or found
        if len({(each.symbol.qualname, each.symbol.digest) for each in found}) == 1:
            yield from self._of_symbol(found[0].path, found[0].symbol)
            return
        for definition in found[:MOST_SYMBOLS]:
            yield ContextLine(definition.place, _signature(definition.symbol))

    def _of_symbol(self, path: str, symbol: Symbol) -> Iterator[ContextLine]:
        yield ContextLine(Place(path, symbol.line, symbol.end_line), _signature(symbol))
        for twin in self._graph().definitions(symbol.name):
            same = twin.symbol.digest == symbol.digest and twin.symbol.qualname == symbol.qualname
            if same and symbol.digest and twin.path != path:
                yield ContextLine(twin.place, "the very same code stands here too")
        try:
            uses = self._graph().references_to(path, symbol.qualname)
        except SweSleepError:  # the work tree moved on under a reader
            uses = ()
        uses = tuple(use for use in uses if use.weight > 0.2)
        uses = tuple(sorted(uses, key=lambda use: is_test_path(use.place.path)))
        yield from self._calls(path, symbol)
        for use in uses[:MOST_USES]:
            where = f" in {use.within}" if use.within else ""
            sure = "" if use.weight >= 1 else ", perhaps"
            yield ContextLine(use.place, f"{'called' if use.call else 'used'}{where}{sure}")
        if len(uses) > MOST_USES:
            place = uses[MOST_USES].place
            yield ContextLine(place, f"used here and in {len(uses) - MOST_USES - 1} more places")
        # the line of a `def` runs at import
        lines = range(symbol.name_line + 1, symbol.end_line + 1)
        yield from self._tests(path, lines or range(symbol.line, symbol.end_line + 1))
        yield from self._issues(path, range(symbol.line, symbol.end_line + 1))
        yield from self._summary(path, range(symbol.line, symbol.end_line + 1))

    def _calls(self, path: str, symbol: Symbol) -> Iterator[ContextLine]:
        """The repository's own code that a function leads to: the cause of a fault is often there.
        Only plain names; what `.name(` means depends on an object."""
        outline = self._outlines.get(path)
        if outline is None or symbol.kind == "class":
            return
        try:
            content = self._snapshot.read(path)
        except SweSleepError:  # the work tree moved on under a reader
            return
        wanted = {token for token in outline.tokens if token.endswith("(") and token[0] != "."}
        told = 0
        for use in references(content, outline, wanted):
            if use.symbol == MODULE or outline.symbols[use.symbol] != symbol:
                continue
            found = self._graph().resolve(path, use.name)
            if len(found) == 1 and found[0].symbol != symbol and told < MOST_CALLS:
                told += 1
                yield ContextLine(found[0].place, f"calls {_named(found[0].symbol)}")

    def _of_path(self, path: str, outline: Outline | None) -> Iterator[ContextLine]:
        yield from self._issues(path, None)
        yield from self._history(path)
        yield from self._risk(path)
        if outline is None:
            return
        importers = sorted(self._graph().importers_of(path), key=lambda p: (is_test_path(p), p))
        if importers:
            yield ContextLine(Place(path), f"imported by {_some(importers, MOST_USES)}")
        if not is_test_path(path):
            yield from self._tests(path, None)
        inside = [s for s in outline.symbols if s.kind in ("class", "function", "method")]
        for symbol in inside[:MOST_SYMBOLS]:
            yield ContextLine(Place(path, symbol.line, symbol.end_line), _named(symbol))
        yield from self._summary(path, None)

    def _summary(self, path: str, lines: range | None) -> Iterator[ContextLine]:
        """Contracts and pitfalls. What a docstring says of a name stands with its signature."""
        seen = self._view.get(kinds.SUMMARY, path)
        if seen is None or not seen.fresh:
            return
        data = seen.data(SummaryData)
        told = [each for each in data.lines if each.sort in ("contract", "invariant", "pitfall")]
        if lines is not None:
            told = [each for each in told if each.place.line in lines]
        for each in told[:MOST_CONTRACTS]:
            yield ContextLine(each.place, f"{each.sort}: {each.text}")

    def _tests(self, path: str, lines: range | None) -> Iterator[ContextLine]:
        """Those that run the fewest other lines tell the most."""
        coverage, results = self._evidence.coverage_of([path])
        running = [
            test
            for test, files in coverage.lines.items()
            if test
            and path in files
            and (lines is None or any(line in lines for line in files[path]))
        ]
        bad = {result.test_id for result in results if result.outcome.bad}
        running.sort(key=lambda test: (test not in bad, _size(coverage, test), test))
        told: dict[tuple[str, str], list[str]] = {}
        # of a parametrised test the ids say little: its function is one, and runs them all
        functions = list(dict.fromkeys((test.partition("[")[0], test in bad) for test in running))
        for test, fails in functions[:MOST_TESTS]:
            file, _, name = test.partition("::")
            told.setdefault((file, "fails now" if fails else "passes"), []).append(name)
        for (file, state), names in told.items():
            yield ContextLine(Place(file), f"runs it and {state}: {', '.join(names)}", "proven")
        if len(functions) > MOST_TESTS:
            place = Place(path, lines[0], lines[-1]) if lines else Place(path)
            left = len(functions) - MOST_TESTS
            yield ContextLine(place, f"run by {left} more test functions", "proven")

    def _risk(self, path: str) -> Iterator[ContextLine]:
        whole, functions = of_path(self._view, path)
        if whole is not None:
            yield ContextLine(Place(path), in_words(whole))
        for each in functions[:MOST_RISKY]:
            place = Place(path, each.line or None)
            yield ContextLine(place, f"{each.qualname}: {in_words(each)}")

    def _history(self, path: str) -> Iterator[ContextLine]:
        seen = self._view.get(kinds.HISTORY)
        if seen is None:
            return
        data = seen.data(HistoryData)
        churn, fixes = data.churn.get(path, 0), data.fixes.get(path, 0)
        if churn:
            yield ContextLine(
                Place(path), f"{churn} of the last {data.commits} commits changed it, {fixes} fixes"
            )
        along = data.co_change.get(path, {})
        if along:
            names = sorted(along, key=lambda name: (-along[name], name))
            yield ContextLine(Place(path), f"often changed together with {_some(names, 4)}")

    def _issues(self, path: str, lines: range | None) -> Iterator[ContextLine]:
        """Proven issues only; what is suspected of them is marked so."""
        for each in self._view.issues(State.PATCHED, State.REPRODUCED):
            for suspicion in each.issue.suspicions:
                place = suspicion.place
                inside = lines is None or place.line is None or place.line in lines
                if place.path == path and inside:
                    yield ContextLine(place, f"suspicious: {suspicion.why}", "suspicion")

    def _graph(self) -> Graph:
        for path in self._outlines.missing()[:MOST_MADE]:  # such as what was edited since
            self._outlines.get(path)
        return self._outlines.graph()


def _signature(symbol: Symbol) -> str:
    """With the class before the name, and the first line of what it says of itself."""
    doc = symbol.docstring.strip().partition("\n")[0]
    return f"{_named(symbol)}{f'  # {doc}' if doc else ''}"


def _named(symbol: Symbol) -> str:
    return symbol.signature.replace(symbol.name, symbol.qualname, 1)


def _size(coverage: Coverage, test: str) -> int:
    return sum(map(len, coverage.lines[test].values()))


def _some(names: Sequence[str], most: int) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
