"""Figures in a terminal, however narrow."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from swe_sleep.evaluate.figures.figures import Report
from swe_sleep.evaluate.report import terminal
from swe_sleep.evaluate.report.sheets import Sheet

Reported = Callable[..., Report]
SHEET = Sheet(
    "x",
    "A table",
    ("arm", "budget", "tasks", "seconds", "lost"),
    (("off", "b=1", "24", "14.1", "0"), ("shuffled", "b=1", "24", "9", "0")),
    2,
)


def test_a_table_says_once_what_is_the_same_in_all_rows() -> None:
    assert [line for line, _ in terminal.tabled(SHEET, 80)] == [
        "A table",
        "everywhere: budget b=1, tasks 24",
        "arm       seconds",
        "off          14.1",
        "shuffled        9",
    ]


def test_too_wide_a_table_becomes_blocks() -> None:
    assert [line for line, _ in terminal.tabled(SHEET, 16)][4:] == [
        "off",
        "  seconds 14.1",
        "shuffled",
        "  seconds 9",
    ]


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_but_a_heading_is_wider_than_the_terminal(reported: Reported, width: int) -> None:
    report = reported({"lose": 0.1, "hostile": True})
    lines = list(terminal.lines(report, width))
    said = [line for line, style in lines if style != "bold" and line]
    assert said
    assert all(len(line) <= width for line in said)
    assert all(line.isprintable() for line, _ in lines)


def test_everything_is_there(reported: Reported) -> None:
    text = "\n".join(line for line, _ in terminal.lines(reported({"model": "claude"}), 200))
    for title in (
        "Notes on against off",
        "Resolved",
        "Work at test time, an issue",
        "cached tokens",
        "Cost in US dollars",
        "break-even N, t = 10",
        "Notes and localisation",
        "Differences: resolved",
        "Differences: cost an issue at t = 1, US dollars",
        "Gain by predictability (on · candidates=200 · sleep default)",
    ):
        assert title in text
