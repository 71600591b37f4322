"""Figures in a terminal: tables where there is room, else a block a row."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from textwrap import wrap

from swe_sleep.evaluate.figures.costs import WEIGHTS
from swe_sleep.evaluate.figures.figures import Figures, Report
from swe_sleep.evaluate.figures.units import RESOLVED
from swe_sleep.evaluate.report import sheets, words
from swe_sleep.evaluate.report.sheets import Sheet

GAP = "  "
SHOWN_REMARKS = 10

Line = tuple[str, str]
"""A line, and its style."""


def lines(report: Report, width: int) -> Iterator[Line]:
    """The whole report, no line but a heading wider than `width` columns."""
    for figures in report.groups:
        yield words.visible(figures.name), "bold"
        about = f"Runs: {words.visible(words.names(figures))}. "
        yield from _prose(about + words.unit_words(figures.unit, figures.units), width, "dim")
        for said in words.summary(figures):
            yield "", ""
            yield said.heading, "bold"
            for sentence in said.sentences:
                yield from _prose(f"  {sentence}", width)
        for sheet in _sheets(figures):
            yield "", ""
            yield from tabled(sheet, width)
        for remark in figures.remarks[:SHOWN_REMARKS]:
            yield from _prose(f"remark: {words.visible(remark)}", width, "yellow")
        if len(figures.remarks) > SHOWN_REMARKS:
            yield f"remark: {len(figures.remarks) - SHOWN_REMARKS} more", "yellow"
        yield "", ""


def _sheets(figures: Figures) -> Iterator[Sheet]:
    yield sheets.resolved(figures)
    yield sheets.work(figures)
    yield sheets.costs(figures, figures.unit)
    yield sheets.notes(figures)
    for measure in (RESOLVED.name, figures.unit.value, *(f"cost-{t}" for t in WEIGHTS)):
        found = sheets.differences_in(figures, measure)
        if found is not None:
            yield without(found, ("by repository", "test", "p"))
    for each in figures.predictability:
        yield sheets.foreseen(each)


def without(sheet: Sheet, columns: Sequence[str]) -> Sheet:
    """The table without some columns, which the page and the files have."""
    kept = [place for place, name in enumerate(sheet.columns) if name not in columns]
    return dataclasses.replace(
        sheet,
        columns=tuple(sheet.columns[place] for place in kept),
        rows=tuple(tuple(row[place] for place in kept) for row in sheet.rows),
    )


def tabled(sheet: Sheet, width: int) -> Iterator[Line]:
    """One table. Columns that are the same in all rows are said once; if the rest is too wide,
    every row becomes a block of its own."""
    yield sheet.title, "bold"
    kept = [
        column
        for column in range(len(sheet.columns))
        if column == 0 or len(sheet.rows) < 2 or len({row[column] for row in sheet.rows}) > 1
    ]
    same = [
        f"{sheet.columns[column]} {sheet.rows[0][column]}"
        for column in range(len(sheet.columns))
        if column not in kept and sheet.rows[0][column] not in (words.NONE, "0")
    ]
    if same:
        yield from _prose(f"everywhere: {', '.join(same)}", width, "dim")
    heads = [sheet.columns[column] for column in kept]
    rows = [[row[column] for column in kept] for row in sheet.rows]
    texts = sum(column < sheet.heads for column in kept)
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    if sum(widths) + len(GAP) * (len(widths) - 1) <= width:
        yield _row(heads, widths, texts), "dim"
        for row in rows:
            yield _row(row, widths, texts), ""
        return
    for row in rows:
        for line in wrap(GAP.join(row[:texts]), width):
            yield line, "dim"
        parts = [f"{name} {value}" for name, value in list(zip(heads, row, strict=True))[texts:]]
        yield from _block(parts, width)


def _prose(text: str, width: int, style: str = "") -> Iterator[Line]:
    """Broken at words, as a terminal would not."""
    for line in wrap(text, width, subsequent_indent="    "):
        yield line, style


def _row(cells: Sequence[str], widths: Sequence[int], texts: int) -> str:
    aligned = [
        cell.ljust(size) if place < texts else cell.rjust(size)
        for place, (cell, size) in enumerate(zip(cells, widths, strict=True))
    ]
    return GAP.join(aligned).rstrip()


def _block(parts: Sequence[str], width: int) -> Iterator[Line]:
    """As many as fit into each line; what is too long by itself is broken at words."""
    filled = [""]
    for part in parts:
        if filled[-1] and len(filled[-1]) + len(part) + 3 > width:
            filled[-1] += ","
            filled.append("")
        filled[-1] += f", {part}" if filled[-1] else f"  {part}"
    for line in filled:
        for broken in wrap(line, width, subsequent_indent="    "):
            yield broken, ""
