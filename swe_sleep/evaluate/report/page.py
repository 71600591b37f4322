"""One page that has everything: no network, no script, nothing beside it but the links' files."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from swe_sleep import __version__
from swe_sleep.evaluate.extras import need
from swe_sleep.evaluate.figures.costs import WEIGHTS
from swe_sleep.evaluate.figures.figures import Entry, Figures, Report, TaskRow
from swe_sleep.evaluate.figures.grid import Key
from swe_sleep.evaluate.figures.units import RESOLVED
from swe_sleep.evaluate.report import plots, sheets, words
from swe_sleep.evaluate.report.links import links
from swe_sleep.evaluate.report.sheets import Sheet
from swe_sleep.evaluate.report.words import Said
from swe_sleep.evaluate.runs.records import Arm, Manifest

if TYPE_CHECKING:
    from jinja2 import Template

SIGNS = {"resolved": "yes", "not resolved": "no", "lost": "lost", "not run": "-"}
"""How a trial ended, in the matrix."""


@dataclass(frozen=True, slots=True)
class Plot:
    name: str
    title: str
    svg: str
    sheet: Sheet


@dataclass(frozen=True, slots=True)
class Trialled:
    """One trial in the matrix."""

    kind: str
    sign: str
    why: str
    links: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Section:
    """Everything about runs that were put together."""

    name: str
    anchor: str
    runs: str
    units: str
    summary: list[Said]
    plots: list[Plot]
    sheets: list[Sheet]
    keys: list[Key]
    matrix: list[tuple[TaskRow, list[list[Trialled]]]]
    manifests: list[tuple[str, list[tuple[str, str]]]]
    remarks: tuple[str, ...]


def page(report: Report, folder: Path) -> str:
    """The page's HTML, with links for its being in `folder`. Raises UsageError where matplotlib
    is missing."""
    need("matplotlib", extra="eval")
    sections = [_section(each, f"s{n}", folder) for n, each in enumerate(report.groups, 1)]
    html = _template().render(
        report=report, sections=sections, version=__version__, overview=_overview(report)
    )
    return html.encode("utf-8", "backslashreplace").decode()


def _overview(report: Report) -> Sheet | None:
    """Groups side by side, where there are several."""
    if len(report.groups) < 2:
        return None
    rows = [
        (
            words.visible(group.name),
            *(words.visible(part) or words.NONE for part in cell.key),
            f"{words.number(cell.rate.resolved)} of {cell.rate.tasks}",
            words.percents(cell.rate.interval),
            f"{words.number(cost.per_issue[1])} {group.unit.plural}" if cost else words.NONE,
        )
        for group in report.groups
        for cell in group.cells
        for cost in [cell.cost(group.unit)]
    ]
    columns = ("runs", *sheets.ARM, "resolved", words.PERCENT, "an issue, t = 1")
    note = "These were not paired with each other: their tasks, solver, model or settings differ."
    return Sheet("overview", "Side by side", columns, tuple(rows), 4, note)


def _section(figures: Figures, anchor: str, folder: Path) -> Section:
    keys = [cell.key for cell in figures.cells]
    return Section(
        name=words.visible(figures.name),
        anchor=anchor,
        runs=words.visible(words.names(figures)),
        units=words.unit_words(figures.unit, figures.units),
        summary=words.summary(figures),
        plots=list(_plots(figures, anchor)),
        sheets=list(_sheets(figures)),
        keys=keys,
        matrix=[
            (row, [[_trialled(e, folder) for e in row.entries.get(key, ())] for key in keys])
            for row in figures.rows
        ],
        manifests=[(words.visible(name), _manifest(what)) for name, what in figures.manifests],
        remarks=figures.remarks,
    )


def _plots(figures: Figures, anchor: str) -> Iterator[Plot]:
    """Each with its table."""

    def plot(name: str, title: str, svg: str | None, sheet: Sheet) -> Iterator[Plot]:
        if svg is not None:
            yield Plot(name, title, svg, sheet)

    name = f"{anchor}-curves"
    curve = sheets.curves(figures)
    yield from plot(name, curve.title, plots.curves(figures, name), curve)
    budgets = list(dict.fromkeys(cell.key.budget for cell in figures.cells))
    for number, budget in enumerate(budgets):
        for t in WEIGHTS:
            name = f"{anchor}-shared{number}-{t}"
            title = f"Cost an issue at t = {t}, {words.visible(budget)}"
            sheet = sheets.shared(figures, budget, t)
            yield from plot(name, title, plots.shared(figures, budget, t, name), sheet)
    for number, each in enumerate(figures.predictability):
        name = f"{anchor}-foreseen{number}"
        sheet = sheets.foreseen(each)
        yield from plot(name, sheet.title, plots.foreseen(each, name), sheet)
    for measure in (RESOLVED.name, figures.unit.value, *(f"cost-{t}" for t in WEIGHTS)):
        found = sheets.differences_in(figures, measure)
        if found is not None:
            name = f"{anchor}-forest-{measure}"
            svg = plots.forest(figures, measure, found.title, name)
            yield from plot(name, found.title, svg, found)


def _sheets(figures: Figures) -> Iterator[Sheet]:
    yield sheets.resolved(figures)
    yield sheets.work(figures)
    for unit in figures.units:
        yield sheets.costs(figures, unit)
    yield sheets.notes(figures)
    if figures.comparisons:
        yield sheets.differences(figures)


def _trialled(entry: Entry, folder: Path) -> Trialled:
    kind = entry.state.replace(" ", "-")
    seed = f"seed {entry.trial.seed}: " if entry.trial.seed else ""
    why = words.visible(entry.why)
    return Trialled(kind, f"{seed}{SIGNS[entry.state]}", why, links(entry, folder))


def _manifest(what: Manifest) -> list[tuple[str, str]]:
    """All of it, to repeat the run by."""

    def text(value: object) -> str:
        return words.visible(
            value if isinstance(value, str) else msgspec.json.encode(value).decode()
        )

    facts = [("command", words.visible(shlex.join(what.command)))]
    facts += [("begun", text(what.created)), ("suite", text(what.suite))]
    facts += [("digest of the suite", text(what.suite_digest))]
    facts += [("solver", text(what.solver)), ("model", text(what.model) or "none")]
    facts += [(name, _listed(getattr(what, name))) for name in ("arms", "budgets", "sleeps")]
    facts += [("seeds", _listed(what.seeds)), (f"tasks ({len(what.tasks)})", _listed(what.tasks))]
    facts += [
        (f"version of {words.visible(name)}", text(each)) for name, each in what.versions.items()
    ]
    facts += [
        (f"machine: {words.visible(name)}", text(each)) for name, each in what.machine.items()
    ]
    facts += [
        (f"setting {words.visible(name)}", text(each)) for name, each in what.settings.items()
    ]
    return facts


def _listed(values: tuple[object, ...]) -> str:
    return ", ".join(
        words.visible(each.value if isinstance(each, Arm) else str(each)) for each in values
    )


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["visible"] = words.visible
    return environment.get_template("page.html.j2")
