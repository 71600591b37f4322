"""Figures in words, the same in the terminal and on the page."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from swe_sleep.evaluate.figures.comparisons import WITH_LOST, Comparison, Difference, Verdict
from swe_sleep.evaluate.figures.costs import BreakEven
from swe_sleep.evaluate.figures.figures import Figures
from swe_sleep.evaluate.figures.statistics import CONFIDENCE, SIGNIFICANCE, Interval
from swe_sleep.evaluate.figures.units import RESOLVED, Unit
from swe_sleep.evaluate.runs.records import Arm

NONE = "-"
PERCENT = f"{100 * CONFIDENCE:.0f} %"


def visible(text: str) -> str:
    """The text on one line, with all that could act on who reads it (escapes, bidirectional
    overrides, halves of characters) written out."""
    return "".join(
        char
        if char.isprintable() or unicodedata.category(char) == "Zs"
        else char.encode("unicode_escape").decode()
        for char in " ".join(text.split())
    )


def number(value: float | None) -> str:
    """To three figures, whole from a hundred on."""
    if value is None or math.isnan(value):
        return NONE
    if math.isinf(value):
        return "no end" if value > 0 else "-no end"
    value = round(value, 9) if abs(value) > 1e-3 else value
    size = abs(value)
    if size >= 99.95 or value == round(value):
        return f"{value:,.0f}"
    if size >= 9.995:
        return f"{value:.1f}"
    return f"{value:.2f}" if size >= 0.9995 else f"{value:#.3g}" if size >= 1e-4 else f"{value:.0e}"


def signed(value: float) -> str:
    text = number(value)
    return text if text.startswith("-") or text == "0" else f"+{text}"


def span(interval: Interval | None, *, plus: bool = False) -> str:
    if interval is None:
        return NONE
    said = signed if plus else number
    return f"{said(interval.low)} to {said(interval.high)}"


def percent(share: float | None) -> str:
    return NONE if share is None else f"{100 * share:.0f} %"


def percents(interval: Interval | None) -> str:
    if interval is None:
        return NONE
    return f"{100 * interval.low:.0f} to {100 * interval.high:.0f} %"


def p_value(p: float | None) -> str:
    if p is None:
        return NONE
    return "< 0.001" if p < 0.0005 else f"{p:.3f}" if p < 0.0995 else f"{p:.2f}"


def equal_p(p: float | None) -> str:
    said = p_value(p)
    return f"p {said}" if said.startswith("<") else f"p = {said}"


def verdict(found: Difference) -> str:
    if found.verdict is Verdict.TOO_FEW:
        return f"too few pairs ({found.pairs})"
    if found.one_repository_only:
        return f"{found.verdict}, but not shown by repository"
    return found.verdict.value


def holds_zero(interval: Interval | None) -> str:
    if interval is None:
        return "too few or all alike"
    return "no difference shown" if interval.holds(0) else "differs"


def trend(tau: float | None, p: float | None, better: str) -> str:
    """Of what is gained by how well it was `better` than others."""
    if tau is None:
        return "There is no trend to test."
    said = f"Over all: Kendall's tau {tau:+.2f}"
    if p is None:
        return f"{said}; not tested, as questions on one text are not independent."
    shown = f"the better {better} gain {'more' if tau > 0 else 'less'}"
    return f"{said}, {equal_p(p)}; {shown if p <= SIGNIFICANCE else 'no trend shown'}."


def break_even(found: BreakEven | None) -> str:
    """Such as 12 (8 to 31)."""
    if found is None:
        return NONE
    if found.n is None:
        text = "never"
        if found.interval is not None and not math.isinf(found.interval.low):
            text += f" ({number(found.interval.low)} or more)"
        return text
    text = number(found.n)
    if found.interval is None:
        return text
    low, high = found.interval.low, found.interval.high
    if math.isinf(high):
        return f"{text} ({number(low)} or more, or never)"
    return f"{text} ({number(low)} to {number(high)})"


def names(figures: Figures) -> str:
    return ", ".join(name for name, _ in figures.manifests)


@dataclass(frozen=True, slots=True)
class Said:
    """Sentences under a heading."""

    heading: str
    sentences: tuple[str, ...]


def summary(figures: Figures) -> list[Said]:
    """What was found, the main question first."""
    main = [c for c in figures.comparisons if c.arm.arm is Arm.ON and c.against.arm is Arm.OFF]
    others = [c for c in figures.comparisons if c not in main]
    if not figures.comparisons:
        nothing = "There is nothing to compare: no two arms have a task in common."
        return [Said("Results", (nothing, *_alone(figures)))]
    said = [Said(f"Notes on against off, {_where(each)}", _notes(figures, each)) for each in main]
    apart = tuple(_apart(others))
    return [*said, Said("The other arms, in what is resolved", apart)] if apart else said


def _alone(figures: Figures) -> list[str]:
    return [
        f"{visible(cell.key.name)}: resolved {number(cell.rate.resolved)} of {cell.rate.tasks} "
        f"({PERCENT} interval {percents(cell.rate.interval)})."
        for cell in figures.cells
        if cell.trials
    ]


def _where(comparison: Comparison) -> str:
    parts = [comparison.arm.budget, comparison.arm.sleep and f"sleep {comparison.arm.sleep}"]
    return ", ".join(visible(part) for part in parts if part)


def _notes(figures: Figures, comparison: Comparison) -> tuple[str, ...]:
    said = []
    resolved = comparison.of(RESOLVED.name)
    if resolved is not None:
        said.append(f"Notes: {resolved_words(resolved)}.")
        lost = comparison.of(WITH_LOST)
        if lost is not None and resolved.left_out:
            left = "1 task is" if resolved.left_out == 1 else f"{resolved.left_out} tasks are"
            said.append(
                f"{left} left out of this, as one of the two trials is missing. Lost trials "
                f"counted as unresolved: {resolved_words(lost)}."
            )
    spent = comparison.of(figures.unit.value)
    if spent is not None:
        said.append(
            f"Test time: {number(spent.mean)} {figures.unit.plural} an issue with notes against "
            f"{number(spent.against)} without, {_difference(spent)}."
        )
    saves = spent is not None and spent.shown and spent.difference < 0
    placebo = _placebo(figures, comparison)
    own = placebo is None or (placebo.shown and placebo.difference < 0)
    if placebo is not None and saves and not own:
        said.append(
            f"With another's notes it took {number(placebo.against)}; the right ones against "
            f"those: {verdict(placebo)}. So what saves may be that there are notes, and not what "
            "they say."
        )
    cell = figures.cell(comparison.arm)
    cost = None if cell is None else cell.cost(figures.unit)
    if cost is not None and cost.sleeps and cost.shared_by:
        issues = "1 issue" if cost.shared_by == 1 else f"{number(cost.shared_by)} issues"
        said.append(
            f"Sleep took {number(cost.sleep_each)} {figures.unit.plural} at a time, "
            f"{number(cost.sleep_total)} in all, and was shared by {issues}."
        )
        for even in cost.break_even:
            found = comparison.of(f"cost-{even.t}")
            if found is not None:
                pays = "" if found.verdict is Verdict.TOO_FEW else pays_from(even, saves, own)
                said.append(
                    f"At t = {even.t} an issue cost {number(found.mean)} against "
                    f"{number(found.against)}; {verdict(found)}.{pays and f' {pays}.'}"
                )
    return tuple(said)


def _placebo(figures: Figures, comparison: Comparison) -> Difference | None:
    """What the right notes take at test time less what another's take; None without that arm."""
    for each in figures.comparisons:
        if each.arm == comparison.arm and each.against.arm is Arm.SHUFFLED:
            return each.of(figures.unit.value)
    return None


def pays_from(found: BreakEven, saves: bool, own: bool = True) -> str:
    """From how many issues a sleep on notes cost less, in whole issues; a promise only where they
    are shown to save something at test time, and what they say does it (`own`)."""
    if found.n is None:
        return "Notes saved nothing at test time, so there is no number from which on they pay"
    end = ""
    if found.interval is not None:
        low, high = found.interval.low, found.interval.high
        last = "or never" if math.isinf(high) else f"to {math.ceil(high):,}"
        end = f" ({PERCENT} interval {math.ceil(low):,} {last})"
    if saves and not own:
        return f"Any notes, right or not, would pay from {_whole(found.n)} on{end}"
    if saves and end and math.isfinite(high):
        return f"Notes pay from {_whole(found.n)} on{end}"
    said = "That notes save anything at test time is not shown"
    if found.n == 0:
        return f"{said}; sleep cost nothing in this unit"
    return f"{said}; by what was measured they would pay from {_whole(found.n)} on{end}"


def _whole(n: float) -> str:
    issues = math.ceil(n - 1e-9)
    return "the first issue a sleep" if issues == 1 else f"{issues:,} issues a sleep"


def _apart(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """Each that shows a difference, then all that do not in one sentence."""
    same: dict[str, list[str]] = {}
    few = 0
    for comparison in comparisons:
        found = comparison.of(RESOLVED.name)
        if found is None:
            continue
        arms = f"{comparison.arm.arm} against {comparison.against.arm}"
        if found.shown:
            yield f"{arms} ({_where(comparison)}): {resolved_words(found)}."
        elif found.verdict is Verdict.TOO_FEW:
            few += 1
        else:
            size = found.pairs
            counts = f"{number(found.mean * size)} and {number(found.against * size)} of {size}"
            same.setdefault(arms, []).append(f"{counts} at {_where(comparison)}")
    for arms, held in same.items():
        yield f"No difference shown: {arms} ({'; '.join(held)})."
    if few:
        yield f"Too few pairs to show a difference: {few} of the other comparisons."


def resolved_words(found: Difference) -> str:
    """Such as: resolved 14 of 24 against 9, +5 (95 % interval +1 to +9); ..."""
    size = found.pairs
    counts = f"resolved {number(found.mean * size)} of {size}"
    counts += f" against {number(found.against * size)}"
    difference = signed(found.difference * size)
    if found.interval is not None:
        difference += f" ({PERCENT} interval {span(found.interval.times(size), plus=True)})"
    elif found.verdict is not Verdict.TOO_FEW:
        difference += " (every pair alike, so no interval)"
    if found.verdict is Verdict.TOO_FEW:
        return f"{counts}, {difference}; too few pairs to show a difference"
    discordant = f"{found.higher} better and {found.lower} worse"
    tested = f"{found.test} {equal_p(found.p)} ({p_value(found.p_holm)} by Holm)"
    return f"{counts}, {difference}; {discordant}, {tested}; {verdict(found)}"


def _difference(found: Difference) -> str:
    if found.verdict is Verdict.TOO_FEW:
        return f"{signed(found.difference)}; too few pairs to show a difference"
    interval = "" if found.interval is None else f" ({span(found.interval, plus=True)})"
    tested = f"{equal_p(found.p_holm)} by Holm"
    return f"{signed(found.difference)}{interval}, {tested}; {verdict(found)}"


def unit_words(unit: Unit, units: Sequence[Unit]) -> str:
    """How compute is counted, for the head of a report."""
    rest = ", ".join(each.plural for each in units if each is not unit)
    counted = f"Costs are counted in {unit.plural}"
    if Unit.TOKENS not in units:
        counted += ", as no model was asked"
    return f"{counted}{f'; also known: {rest}' if rest else ''}."
