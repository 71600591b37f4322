"""Plots as SVG that stands inside a page: text stays text, colours are the page's own.

matplotlib draws with colours that stand for names; these become CSS variables, so one drawing
serves light and dark. Arms differ by marker too. Every drawing has a title and a description.
"""

from __future__ import annotations

import io
import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from swe_sleep.evaluate.extras import need
from swe_sleep.evaluate.figures.cells import Cell
from swe_sleep.evaluate.figures.comparisons import Comparison, Difference
from swe_sleep.evaluate.figures.costs import SHARED
from swe_sleep.evaluate.figures.figures import Figures
from swe_sleep.evaluate.figures.predictability import Predictability
from swe_sleep.evaluate.figures.units import RESOLVED
from swe_sleep.evaluate.report import words
from swe_sleep.evaluate.report.sheets import curve_unit, ranked
from swe_sleep.evaluate.runs.records import Arm

WIDTH = 4.7
"""Inches, that a phone shows at about the size that is meant."""
SIZE = 12.5
"""Points, of the text."""
LONGEST = 42
"""Characters of a name beside a plot."""

LEAST = 10.0
"""Percentage points that an axis spans to either side, where all differences are alike."""

VARIABLES = {
    "#0a0a01": "--ink",
    "#0a0a02": "--grid",
    "#0a0a03": "--muted",
    "#0a0a10": "--off",
    "#0a0a11": "--on",
    "#0a0a12": "--behind",
    "#0a0a13": "--stale",
    "#0a0a14": "--shuffled",
    "#0a0a04": "--paper",
}
INK, GRID, MUTED, PAPER = "#0a0a01", "#0a0a02", "#0a0a03", "#0a0a04"
COLOURS = dict(zip(Arm, ("#0a0a10", "#0a0a11", "#0a0a12", "#0a0a13", "#0a0a14"), strict=True))
MARKERS = dict(zip(Arm, ("o", "s", "^", "D", "X"), strict=True))
LINES = ("-", "--", ":", "-.")
"""By sleep budget."""


def curves(figures: Figures, name: str) -> str | None:
    """Resolved against work at test time, a line an arm and sleep budget over the test budgets."""
    with _axes(2.9) as (figure, axes):
        unit = curve_unit(figures)
        drawn = False
        for (arm, sleep), line in _series(figures).items():
            points = [
                (cost.test, cell.rate.share, cell.rate.interval)
                for cell in line
                if (cost := cell.cost(unit)) is not None
                and cost.test is not None
                and cell.rate.share is not None
                and cell.rate.interval is not None
            ]
            points.sort(key=lambda point: point[:2])
            if not points:
                continue
            drawn = True
            shares = [100 * share for _, share, _ in points]
            _line(axes, figures, arm, sleep, [x for x, _, _ in points], shares)
            for x, _, interval in points:
                low, high = 100 * interval.low, 100 * interval.high
                axes.plot([x, x], [low, high], color=COLOURS[arm], linewidth=0.8, alpha=0.55)
        if not drawn:
            return None
        axes.set_ylim(-3, 103)
        _from_zero(axes.set_xlim, axes.dataLim.x1)
        _ticks(axes.xaxis)
        axes.set_ylabel("resolved, %")
        axes.set_xlabel(f"{unit.plural}, an issue")
        _legend(figure, axes)
        about = "One line an arm over its test budgets; bars are 95 % Wilson intervals."
        return _svg(figure, name, f"Resolved against {unit.plural} at test time", about)


def shared(figures: Figures, budget: str, t: int, name: str) -> str | None:
    """Cost an issue against the number of issues a sleep, at one test budget."""
    with _axes(2.8) as (figure, axes):
        drawn = False
        for (arm, sleep), line in _series(figures).items():
            for cell in line:
                cost = cell.cost(figures.unit)
                if cell.key.budget != budget or cost is None or t not in cost.curve:
                    continue
                drawn = True
                _line(axes, figures, arm, sleep, list(SHARED), [cost.curve[t][n] for n in SHARED])
        if not drawn:
            return None
        axes.set_xscale("log")
        axes.set_xticks(SHARED, [str(n) for n in SHARED])
        axes.minorticks_off()
        _from_zero(axes.set_ylim, axes.dataLim.y1)
        _ticks(axes.yaxis)
        axes.set_xlabel("N, issues that share a sleep")
        axes.set_ylabel(figures.unit.plural)
        _legend(figure, axes)
        title = f"Cost an issue against N, at t = {t}"
        about = f"t * test + sleep / N, test budget {words.visible(budget)}."
        return _svg(figure, name, title, about)


def foreseen(found: Predictability, name: str) -> str | None:
    """The gain of every fifth, with its interval."""
    with _axes(3.2) as (figure, axes):
        colour = COLOURS[Arm.ON]
        axes.axhline(0, color=MUTED, linewidth=1)
        for place, each in enumerate(found.fifths):
            if each.interval is not None:
                ends = [100 * each.interval.low, 100 * each.interval.high]
                axes.plot([place, place], ends, color=colour, linewidth=1.6)
            shown = each.interval is not None and not each.interval.holds(0)
            face = colour if shown else PAPER
            gain = 100 * each.gain
            axes.plot([place], [gain], "s", color=colour, markerfacecolor=face, markersize=7)
        labels = [
            f"{each.name.replace(' to ', '-').replace('ranks ', 'rank ').replace(' ', chr(10), 1)}"
            f"\nn = {len(each.tasks)}"
            for each in found.fifths
        ]
        axes.set_xticks(range(len(labels)), labels)
        axes.set_xlim(-0.5, len(labels) - 0.5)
        axes.set_ylabel("gain, percentage points")
        if axes.dataLim.y1 - axes.dataLim.y0 < LEAST:
            axes.set_ylim(axes.dataLim.y0 - LEAST, axes.dataLim.y1 + LEAST)
        axes.set_xlabel(ranked(found))
        about = f"Resolved with notes less without, {words.visible(found.key.name)}. "
        about += "Hollow: no difference shown."
        return _svg(figure, name, "Gain by how well sleep had expected the issue", about)


def forest(figures: Figures, measure: str, title: str, name: str) -> str | None:
    """Differences with their intervals, one under the other."""
    comparisons = figures.comparisons
    rows = [(each, found) for each in comparisons if (found := each.of(measure)) is not None]
    if not rows:
        return None
    factor = 100.0 if measure == RESOLVED.name else 1.0
    with _axes(0.9 + 0.53 * len(rows)) as (figure, axes):
        axes.axvline(0, color=MUTED, linewidth=1)
        one = len({comparison.arm.sleep for comparison, _ in rows}) == 1
        for place, (comparison, found) in enumerate(rows):
            label = comparison.name.rpartition(" · ")[0] if one else comparison.name
            _row(axes, -place, comparison, found, factor, label)
        axes.set_ylim(-len(rows) + 0.6, 0.75)
        axes.set_yticks([])
        axes.margins(x=0.06)
        ends = [axes.dataLim.x0, axes.dataLim.x1, 0.0]
        if max(ends) - min(ends) == 0 or (factor > 1 and max(ends) - min(ends) < LEAST):
            axes.set_xlim(-LEAST, LEAST)
        _ticks(axes.xaxis)
        unit = "percentage points" if measure == RESOLVED.name else figures.unit.plural
        axes.set_xlabel(unit)
        about = "The first arm less the second: a mark is the mean difference, its line the 95 % "
        about += "interval over tasks; hollow: no difference shown."
        return _svg(figure, name, title, about)


def _row(
    axes: Any, y: float, comparison: Comparison, found: Difference, factor: float, label: str
) -> None:
    arm = comparison.arm.arm if comparison.against.arm is Arm.OFF else comparison.against.arm
    colour = COLOURS[arm]
    middle = factor * found.difference
    ends = found.interval and (factor * found.interval.low, factor * found.interval.high)
    if ends:
        axes.plot(ends, [y, y], color=colour, linewidth=1.8)
    face = colour if found.shown else PAPER
    axes.plot([middle], [y], MARKERS[arm], color=colour, markerfacecolor=face, markersize=7)
    where = axes.get_yaxis_transform()
    axes.text(0.01, y + 0.3, _cut(label), transform=where, color=INK, fontsize=SIZE - 1)


def _series(figures: Figures) -> Mapping[tuple[Arm, str], list[Cell]]:
    series: dict[tuple[Arm, str], list[Cell]] = {}
    for cell in figures.cells:
        if cell.trials:
            series.setdefault((cell.key.arm, cell.key.sleep), []).append(cell)
    return series


def _line(
    axes: Any, figures: Figures, arm: Arm, sleep: str, xs: Sequence[float], ys: Sequence[float]
) -> None:
    sleeps = list(dict.fromkeys(cell.key.sleep for cell in figures.cells if cell.key.sleep))
    style = LINES[sleeps.index(sleep) % len(LINES)] if sleep else "-"
    label = f"{arm}, sleep {sleep}" if sleep and len(sleeps) > 1 else arm.value
    axes.plot(
        xs, ys, style, color=COLOURS[arm], marker=MARKERS[arm], markersize=6, label=_cut(label)
    )  # fmt: skip


def _cut(text: str) -> str:
    shown = words.visible(text)
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"


def _from_zero(limit: Callable[[float, float], object], end: float) -> None:
    """With room for the markers at the end."""
    limit(0, 1.06 * end if end > 0 else 1)


def _legend(figure: Any, axes: Any) -> None:
    """Above the axes, in a figure that grows by it."""
    handles, labels = axes.get_legend_handles_labels()
    longest = max(map(len, labels), default=0)
    columns = 3 if longest < 10 else 2 if longest < 24 else 1
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + 0.21 * math.ceil(len(labels) / columns))
    # matplotlib fills columns first, a reader lines
    order = [place for first in range(columns) for place in range(first, len(labels), columns)]
    figure.legend(
        [handles[place] for place in order],
        [labels[place] for place in order],
        loc="outside upper left",
        ncols=columns,
        frameon=False,
        borderpad=0,
        columnspacing=1.2,
        handletextpad=0.5,
    )


def _ticks(axis: Any) -> None:
    """Few, and short: 20k for 20,000."""
    ticker = need("matplotlib.ticker", extra="eval")
    axis.set_major_locator(ticker.MaxNLocator(6))
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: _short(value)))


def _short(value: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


@contextmanager
def _axes(height: float) -> Iterator[tuple[Any, Any]]:
    matplotlib = need("matplotlib", extra="eval")
    figures = need("matplotlib.figure", extra="eval")
    style = {
        "svg.fonttype": "none",
        "svg.hashsalt": "swe-sleep",
        "text.parse_math": False,
        "font.family": "sans-serif",
        "font.size": SIZE,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": MUTED,
        "axes.facecolor": "none",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.unicode_minus": False,
        "grid.color": GRID,
        "grid.linewidth": 0.8,
        "xtick.color": INK,
        "ytick.color": INK,
        "lines.linewidth": 1.6,
        "figure.facecolor": "none",
        "legend.fontsize": SIZE - 1,
    }
    with matplotlib.rc_context(style):
        figure = figures.Figure(figsize=(WIDTH, height), layout="constrained")
        yield figure, figure.add_subplot()


def _svg(figure: Any, name: str, title: str, about: str) -> str:
    """The drawing as an element of an HTML page; `name` makes its ids its own."""
    out = io.BytesIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    root = ElementTree.fromstring(out.getvalue().decode())
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.endswith(("}metadata", "}style")):  # the page has the style
                parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.partition("}")[2] or element.tag
        for key in list(element.attrib):
            plain = key.partition("}")[2] or key
            element.attrib[plain] = _adapted(plain, element.attrib.pop(key), name)
    box = root.get("viewBox", "").split()
    width = math.ceil(float(box[2])) if len(box) == 4 else 340
    root.attrib = {
        "viewBox": " ".join(box),
        "role": "img",
        "aria-labelledby": f"{name}-title {name}-about",
        "style": f"--wide: {width}",
    }
    for tag, text in (("desc", about), ("title", title)):
        element = ElementTree.Element(tag, {"id": f"{name}-{'about' if tag == 'desc' else tag}"})
        element.text = text
        root.insert(0, element)
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=False)


def _adapted(key: str, value: str, name: str) -> str:
    """An attribute with ids of this drawing alone, and colours by name."""
    if key == "id":
        return f"{name}-{value}"
    value = value.replace("url(#", f"url(#{name}-")
    if key == "href" and value.startswith("#"):
        return f"#{name}-{value[1:]}"
    for colour, variable in VARIABLES.items():
        if key == "style":
            value = value.replace(colour, f"var({variable})")
    return value
