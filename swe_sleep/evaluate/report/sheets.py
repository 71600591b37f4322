"""Figures as tables of text, which the terminal and the page both show."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from swe_sleep.evaluate.figures.cells import CHARS_A_TOKEN, Cell
from swe_sleep.evaluate.figures.comparisons import WITH_LOST, Comparison, Difference
from swe_sleep.evaluate.figures.costs import SHARED, WEIGHTS, Cost
from swe_sleep.evaluate.figures.figures import Figures
from swe_sleep.evaluate.figures.predictability import Predictability
from swe_sleep.evaluate.figures.statistics import RESAMPLES, SIGNIFICANCE
from swe_sleep.evaluate.figures.units import RESOLVED, Unit
from swe_sleep.evaluate.report import words


@dataclass(frozen=True, slots=True)
class Sheet:
    name: str
    """Short, for an anchor."""
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    heads: int = 1
    """The first so many columns say what a row is of."""
    note: str = ""


ARM = ("arm", "test budget", "sleep budget")


def _arm(cell: Cell) -> tuple[str, ...]:
    key = cell.key
    return (key.arm.value, words.visible(key.budget), words.visible(key.sleep) or words.NONE)


def resolved(figures: Figures) -> Sheet:
    columns = ["tasks", "resolved", "share", words.PERCENT, "lost", "not run", "with lost"]
    columns += ["seconds to patch", "without patch", "of these not begun"]
    columns += ["proven", "of these weak", "wrong", "wrong and weak"]
    rows = [
        (
            *_arm(cell),
            str(cell.rate.tasks),
            words.number(cell.rate.resolved),
            words.percent(cell.rate.share),
            words.percents(cell.rate.interval),
            str(cell.lost),
            str(cell.not_run),
            f"{words.number(cell.rate_with_lost.resolved)} of {cell.rate_with_lost.tasks}",
            words.number(cell.patch_s),
            str(cell.without_patch),
            str(cell.not_begun),
            str(cell.proven),
            str(cell.weakly_proven),
            str(cell.wrongly_proven),
            str(cell.weakly_wrong),
        )
        for cell in figures.cells
    ]
    note = (
        "Intervals of a share are Wilson's. With several seeds a task counts as its share of them. "
        "With lost: lost trials counted as unresolved. Seconds to patch: the median of the trials "
        "that have one. Not begun: the built-in solver had no failing test, known or written from "
        "the text. Proven: the solver itself held its patch for verified; weak, where it said that "
        "its test leaves open what is right; wrong, where the hidden tests said otherwise."
    )
    return Sheet("resolved", "Resolved", (*ARM, *columns), tuple(rows), len(ARM), note)


_WORK: tuple[tuple[str, Callable[[Cell], float | None]], ...] = (
    ("input tokens", lambda cell: cell.input_tokens),
    ("cached tokens", lambda cell: cell.cached_tokens),
    ("cache writes", lambda cell: cell.cache_write_tokens),
    ("output tokens", lambda cell: cell.output_tokens),
    ("turns", lambda cell: cell.turns),
    ("test runs", lambda cell: cell.test_runs),
    ("candidates", lambda cell: cell.candidates),
    ("seconds", lambda cell: cell.seconds),
    ("F1 of files", lambda cell: cell.f1),
    ("precision", lambda cell: cell.precision),
    ("recall", lambda cell: cell.recall),
)


def work(figures: Figures) -> Sheet:
    told = [each for each in _WORK if any(each[1](cell) for cell in figures.cells)]
    rows = [(*_arm(cell), *(words.number(of(cell)) for _, of in told)) for cell in figures.cells]
    note = (
        "Means over the tasks, each task's seeds averaged first. Seconds are wall clock, up to the "
        "patch or to giving up. Tokens of the notes that were shown are inside the input's and the "
        "cache's: re-reading them is charged at every issue."
    )
    columns = (*ARM, *(name for name, _ in told))
    return Sheet("work", "Work at test time, an issue", columns, tuple(rows), len(ARM), note)


def costs(figures: Figures, unit: Unit) -> Sheet:
    columns = ["test", "sleep in all", "sleeps", "a sleep", "issues a sleep"]
    columns += [f"an issue, t = {t}" for t in WEIGHTS]
    columns += [f"break-even N, t = {t}" for t in WEIGHTS]
    rows = []
    for cell, cost in _costed(figures, unit):
        even = {each.t: each for each in cost.break_even}
        rows.append(
            (
                *_arm(cell),
                words.number(cost.test),
                words.number(cost.sleep_total),
                str(cost.sleeps),
                words.number(cost.sleep_each),
                words.number(cost.shared_by),
                *(words.number(cost.per_issue[t]) for t in WEIGHTS),
                *(words.break_even(even.get(t)) for t in WEIGHTS),
            )
        )
    unknown = sum(cost.unknown for _, cost in _costed(figures, unit))
    note = (
        "An issue costs t * test + sleep / N, for the N issues that really shared the sleep. "
        "Break-even N is sleep / (t * what the notes save at test time), with the interval over "
        "resampled tasks; never, where they save nothing."
    )
    if unknown:
        note += f" The cost of {unknown} trials or sleeps is not known; they are in no mean."
    title = f"Cost in {unit.plural}"
    return Sheet(f"cost-{unit}", title, (*ARM, *columns), tuple(rows), len(ARM), note)


def _costed(figures: Figures, unit: Unit) -> Iterable[tuple[Cell, Cost]]:
    for cell in figures.cells:
        cost = cell.cost(unit)
        if cost is not None:
            yield cell, cost


def curves(figures: Figures) -> Sheet:
    """Resolved against work at test time: in tokens, where a model was asked."""
    unit = curve_unit(figures)
    rows = [
        (
            *_arm(cell),
            words.number(cost.test),
            words.percent(cell.rate.share),
            words.percents(cell.rate.interval),
        )
        for cell, cost in _costed(figures, unit)
    ]
    columns = (*ARM, f"{unit.plural}, an issue", "resolved", words.PERCENT)
    title = f"Resolved against {unit.plural} at test time"
    return Sheet("curves", title, columns, tuple(rows), len(ARM))


def curve_unit(figures: Figures) -> Unit:
    return Unit.TOKENS if Unit.TOKENS in figures.units else figures.unit


def shared(figures: Figures, budget: str, t: int) -> Sheet:
    """Cost by N."""
    rows = [
        (*_arm(cell), *(words.number(cost.curve[t][n]) for n in SHARED))
        for cell, cost in _costed(figures, figures.unit)
        if cell.key.budget == budget and t in cost.curve
    ]
    columns = (*ARM, *(f"N = {n}" for n in SHARED))
    title = f"Cost an issue at t = {t}, in {figures.unit.plural}"
    return Sheet("shared", title, columns, tuple(rows), len(ARM))


def notes(figures: Figures) -> Sheet:
    columns = ["shown", "used", "characters", "tokens, about", "gold files hit", "functions hit"]
    columns += ["named", "named first", "rank", "1 / rank"]
    rows = []
    for cell in figures.cells:
        found = cell.localisation
        row = [words.number(each) for each in (cell.shown, cell.used)]
        row += [words.number(each) for each in (cell.note_chars, cell.note_tokens)]
        if found is None:
            row += [words.NONE] * 6
        else:
            row += [f"{found.hit_files} of {found.gold_files}"]
            row += [f"{found.hit_functions} of {found.gold_functions}"]
            row += [f"{found.named} of {found.trials}", f"{found.named_first} of {found.trials}"]
            row += [words.number(found.first_right), f"{found.reciprocal_rank:.2f}"]
        rows.append((*_arm(cell), *row))
    note = (
        "Shown: notes, or lines of them, that reached the solver, an issue; used: those that the "
        "patch came from or whose place it touches. Tokens are the notes' characters by "
        f"{CHARS_A_TOKEN}, and are part of the input's. Hit: gold files and functions that the "
        "patch touches. Named: trials where the notes named a gold file for the issue; rank: the "
        "median place of the first."
    )
    title = "Notes and localisation"
    return Sheet("notes", title, (*ARM, *columns), tuple(rows), len(ARM), note)


def differences(figures: Figures) -> Sheet:
    """All of them."""
    rows = [
        (*_compared(comparison), found.title, *_difference(found))
        for comparison in figures.comparisons
        for found in comparison.differences
    ]
    columns = ("compared", "budgets", "measure", *DIFFERENCE)
    note = (
        "Paired by task, budget and seed; seeds averaged first. Intervals: of resolved or not, "
        f"Bonett and Price's; else tasks drawn with replacement {RESAMPLES:,} times, percentiles "
        "widened for small samples; by repository, where there are at least five. A task that only "
        "one arm has is left out and counted. A difference is called shown where the interval "
        f"leaves 0 out and p is at most {SIGNIFICANCE:.2f}, by Holm over all arms and budgets that "
        "are compared with off, or with on, for each measure by itself."
    )
    return Sheet("differences", "Differences between arms", columns, tuple(rows), 3, note)


def differences_in(figures: Figures, measure: str) -> Sheet | None:
    """Of one measure; None where no two arms have it."""
    rows = [
        (comparison, found)
        for comparison in figures.comparisons
        if (found := comparison.of(measure)) is not None
    ]
    if not rows:
        return None
    title = f"Differences: {rows[0][1].title}"
    lines = [(*_compared(comparison), *_difference(found)) for comparison, found in rows]
    columns = ("compared", "budgets", *DIFFERENCE)
    return Sheet(f"differences-{measure}", title, columns, tuple(lines), 2)


DIFFERENCE = (
    "pairs",
    "left out",
    "mean",
    "against",
    "difference",
    words.PERCENT,
    "by repository",
    "more / less",
    "test",
    "p",
    "Holm",
    "verdict",
)


def _compared(comparison: Comparison) -> tuple[str, str]:
    budgets = [comparison.arm.budget, comparison.arm.sleep and f"sleep {comparison.arm.sleep}"]
    arms = f"{comparison.arm.arm} - {comparison.against.arm}"
    return arms, words.visible(", ".join(each for each in budgets if each))


def _difference(found: Difference) -> tuple[str, ...]:
    factor, sign = (100.0, " %") if found.measure in (RESOLVED.name, WITH_LOST) else (1.0, "")
    intervals = (each and each.times(factor) for each in (found.interval, found.by_repository))
    return (
        str(found.pairs),
        str(found.left_out),
        words.number(factor * found.mean) + sign,
        words.number(factor * found.against) + sign,
        words.signed(factor * found.difference),
        *(words.span(each, plus=True) for each in intervals),
        f"{found.higher} / {found.lower}",
        found.test,
        words.p_value(found.p),
        words.p_value(found.p_holm),
        words.verdict(found),
    )


def ranked(found: Predictability) -> str:
    """What the fifths are made by."""
    return "place of the fixed function" if found.by_function else "place of what was anticipated"


def foreseen(found: Predictability) -> Sheet:
    rows = [
        (
            each.name,
            str(len(each.tasks)),
            words.percent(each.on),
            words.percent(each.off),
            f"{100 * each.gain:+.0f} points",
            words.NONE
            if each.interval is None
            else words.span(each.interval.times(100), plus=True),
            words.holds_zero(each.interval),
            words.number(each.cost_on),
            words.number(each.cost_off),
        )
        for each in found.fifths
    ]
    unit = found.unit.plural
    over = words.trend(found.trend, found.trend_p, "expected")
    columns = [ranked(found), "tasks", "resolved on", "resolved off", "gain", words.PERCENT]
    columns += ["verdict", f"{unit}, on", f"{unit}, off"]
    listed = "functions that sleep had ranked" if found.by_function else "what sleep anticipated"
    note = (
        f"Fifths by the place of a task in the list of {listed}, before its text was known: "
        f"{found.expected} of {found.tasks} are in it; something anticipated was about the same as "
        f"{found.foreseen}. Equal ranks stay together, and those that are not in it are a group of "
        "their own. Work is that at test time. The intervals are not corrected for there being "
        f"several. {over}"
    )
    title = f"Gain by predictability ({words.visible(found.key.name)})"
    return Sheet("foreseen", title, tuple(columns), tuple(rows), 1, note)
