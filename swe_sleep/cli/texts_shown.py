"""The figures of a run on texts, in tables for a person and as plain values for a program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from swe_sleep.cli import output

if TYPE_CHECKING:
    from rich.console import Console

    from swe_sleep.evaluate.figures.statistics import Interval
    from swe_sleep.evaluate.stateful.estimate import Estimate
    from swe_sleep.evaluate.stateful.figures import Figures, Row
    from swe_sleep.evaluate.stateful.grid import Key
    from swe_sleep.evaluate.stateful.plan import Asked
    from swe_sleep.evaluate.stateful.problems import Data
    from swe_sleep.evaluate.stateful.run import Summary

SHOWN_LOST = 10
MEASURES = {"usd": "US dollars", "tokens": "tokens", "generated": "generated tokens (the paper's)"}


def plain_plan(
    data: Data, asked: Sequence[Asked], price: Estimate, limit_usd: float
) -> dict[str, object]:
    """What would be done, for a program."""
    return {
        **_plain_data(data),
        "answers": [{"trial": each.trial, "sample": each.sample} for each in asked],
        "to_do": {"readings": price.readings, "answers": price.answers, "lists": price.lists},
        "guess_usd": price.usd,
        "most_usd": limit_usd,
    }


def _plain_data(data: Data) -> dict[str, object]:
    return {
        "data": data.name,
        "queries": len(data.queries),
        "texts": len(data.texts),
        "left_out": list(data.problems),
        "repeated": data.repeated,
        "parted": data.parted,
        "damaged": data.damaged,
    }


def plain(data: Data, found: Figures, summary: Summary, folder: Path) -> dict[str, object]:
    """Everything, for a program."""
    import msgspec

    whole = msgspec.to_builtins(found, str_keys=True)
    verdicts = [each.verdict for each in found.differences]
    verdicts += [each.verdict for each in found.equal_tokens]
    for built, said in zip(whole["differences"] + whole["equal_tokens"], verdicts, strict=True):
        built["verdict"] = said
    return {
        "run": str(folder),
        **_plain_data(data),
        "figures": whole,
        "answers": len(summary.answers),
        "made": summary.made,
        "lost": [msgspec.to_builtins(each) for each in summary.lost],
        "left": summary.left,
        "spent": msgspec.to_builtins(summary.spent),
        "foresight": msgspec.to_builtins(summary.foresight),
        "ended": summary.ended,
        "wall_s": summary.wall_s,
    }


def show(console: Console, data: Data, found: Figures, summary: Summary, folder: Path) -> None:
    """The same for a person."""
    if found.rows:
        _accuracy(console, found)
        _differences(console, found)
        _costs(console, found)
        _samples(console, found)
        _predictability(console, found)
    _remarks(console, summary)
    console.print(f"figures.csv and figures.json are in {output.shown(folder)}", style="dim")
    console.print(f"As a page: swe-sleep eval report {output.shown(folder)}")


def _table(
    console: Console, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], texts: int
) -> None:
    """`texts`: so many columns hold words, the rest numbers."""
    from swe_sleep.cli.eval_report import width_of
    from swe_sleep.evaluate.report.sheets import Sheet
    from swe_sleep.evaluate.report.terminal import tabled

    sheet = Sheet("", title, tuple(columns), tuple(map(tuple, rows)), texts)
    for line, style in tabled(sheet, width_of(console)):
        console.print(line, style=style or None)
    console.print()


def _accuracy(console: Console, found: Figures) -> None:
    columns = ("arm", "budget", "sleep", "n", "right %", "95 %", "input", "cached", "output", "$")
    rows = [(*_key(row.key), *_row(row)) for row in found.rows]
    _table(console, "right, and what a question takes at test time", columns, rows, 3)
    names = ("arm", "sleep", "texts", "tokens", "generated", "$", "wrote nothing")
    slept = [
        (
            each.key.arm,
            each.key.sleep,
            str(each.texts),
            _count(each.tokens),
            _count(each.generated),
            _usd(each.usd),
            str(each.empty),
        )
        for each in found.sleeps
        if each.key.arm != "shuffled"  # the same sleeps, handed on
    ]
    if slept:
        _table(console, "what sleep takes, a text", names, slept, 2)
    for row in found.rows:
        if row.unanswered:
            console.print(
                f"{row.key.name}: {row.unanswered} replies without an answer", style="dim"
            )
        if row.bare:
            console.print(
                f"{row.key.name}: {row.bare} answered from the text, as sleep wrote nothing",
                style="dim",
            )


def _row(row: Row) -> tuple[str, ...]:
    written = (row.input_tokens or 0) + (row.cache_write_tokens or 0)
    return (
        str(row.queries),
        _percent(row.accuracy),
        _interval(row.interval),
        _count(written),
        _count(row.cached_tokens),
        _count(row.output_tokens),
        _usd(row.usd),
    )


def _differences(console: Console, found: Figures) -> None:
    rows = [
        (
            f"{each.key.arm} - {each.against.arm}",
            each.key.budget,
            each.key.sleep,
            each.verdict,
            str(each.pairs),
            f"{100 * each.difference:+.1f}",
            _interval(each.interval),
            f"{each.better} / {each.worse}",
            _p(each.p_holm),
        )
        for each in found.differences
    ]
    if rows:
        columns = (
            "arms",
            "budget",
            "sleep",
            "verdict",
            "pairs",
            "points",
            "95 %",
            "more / less",
            "p (Holm)",
        )
        _table(console, "difference, on the same questions", columns, rows, 4)


def _costs(console: Console, found: Figures) -> None:
    from swe_sleep.evaluate.report import words

    for measure, title in MEASURES.items():
        # what a placebo costs is in the files
        costs = [each for each in found.costs if each.measure == measure and each.key.arm == "on"]
        if not costs:
            continue
        say: Callable[[float | None], str] = _usd if measure == "usd" else _count
        rows = []
        for each in costs:
            for t in each.per_query:
                matched = each.break_even_matched
                even = words.break_even(matched.get(t)) if matched else "not matched"
                rows.append(
                    (
                        *_key(each.key),
                        f"{t:g}",
                        say(each.per_query[t]),
                        say(each.off_per_query.get(t)),
                        f"{each.shared_by:.1f}",
                        words.break_even(each.break_even.get(t)),
                        each.matched or "-",
                        even,
                    )
                )
        columns = (
            "arm", "budget", "sleep", "t", "a query", "off", "N", "break-even N (95 %)",
            "off as right", "break-even N against that",
        )  # fmt: skip
        _table(console, f"t * test + sleep / N, in {title}", columns, rows, 3)


def _samples(console: Console, found: Figures) -> None:
    rows = [
        (
            f"pass@{each.k}",
            _percent(each.accuracy),
            _interval(each.interval),
            *(_count(tokens.get(name)) for name in ("tokens", "generated")),
        )
        for each in found.pass_at
        for tokens in [{measure.value: taken for measure, taken in each.test.items()}]
    ]
    if rows:
        columns = ("off, an oracle choosing", "right %", "95 %", "tokens", "generated")
        _table(console, "several samples without sleep", columns, rows, 1)
    equal = [
        (
            *_key(each.key),
            each.measure.value,
            each.verdict,
            f"{each.k:.1f}{' (all)' if each.beyond else ''}",
            _percent(each.accuracy),
            _percent(each.pass_at_k),
            f"{100 * each.difference:+.1f}",
            _interval(each.interval),
            _p(each.p_holm),
        )
        for each in found.equal_tokens
    ]
    if equal:
        names = (
            "arm", "budget", "sleep", "equal in", "verdict", "k", "right %", "pass@k %", "points",
            "95 %", "p (Holm)",
        )  # fmt: skip
        _table(console, "sleep against samples at equal test tokens", names, equal, 5)


def _predictability(console: Console, found: Figures) -> None:
    from swe_sleep.evaluate.report import words

    names = {
        "data": "as the data say",
        "memory": "how much of the question the memory covers",
        "expected": "its place among the expected questions",
    }
    for each in found.predictability:
        rows = [
            (
                f"{fifth.low:.2f} to {fifth.high:.2f}",
                str(fifth.queries),
                _percent(fifth.on),
                _percent(fifth.off),
                f"{100 * fifth.gain:+.1f}",
                _interval(fifth.interval),
                words.holds_zero(fifth.interval),
            )
            for fifth in each.fifths
        ]
        title = f"gain by predictability: {names[each.source]} ({each.key.budget})"
        columns = ("predictability", "n", "on %", "off %", "gain", "95 %", "verdict")
        _table(console, title, columns, rows, 1)
        console.print(words.trend(each.trend, each.p, "predictable"), style="dim")
        console.print()


def _remarks(console: Console, summary: Summary) -> None:
    spent = summary.spent.cost_usd
    money = "no price known" if spent is None else f"${spent:.2f} spent"
    console.print(
        f"{len(summary.answers)} answers, {summary.made} of them made now in "
        f"{summary.wall_s:,.0f} s; {money} in all",
        style="dim",
    )
    for lost in summary.lost[:SHOWN_LOST]:
        console.print(f"lost: {lost.what}: {output.one_line(lost.reason)}", style="red")
    if len(summary.lost) > SHOWN_LOST:
        console.print(f"lost: {len(summary.lost) - SHOWN_LOST} more", style="red")
    if summary.left:
        why = f"ended: {output.one_line(summary.ended)} " if summary.ended else "stopped: "
        console.print(
            f"{why}{summary.left} are left; the same command goes on from there", style="yellow"
        )


def _key(key: Key) -> tuple[str, str, str]:
    return key.arm.value, key.budget, key.sleep


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"


def _interval(interval: Interval | None) -> str:
    return "-" if interval is None else f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"


def _p(value: float | None) -> str:
    return "-" if value is None else "<0.001" if value < 0.001 else f"{value:.3f}"


def _count(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def _usd(value: float | None) -> str:
    return "-" if value is None else f"{value:.5f}"
