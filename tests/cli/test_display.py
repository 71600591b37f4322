"""What is shown of a pass, and where: on a terminal, in a pipe."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from swe_sleep.cli import display, output
from swe_sleep.cli.display import Display
from swe_sleep.records import Change, Outcome, Proof, TestResult, TestRun, Usage
from swe_sleep.sleep.engine import SleepReport


def test_without_a_terminal_each_kind_of_step_is_told_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    shown = Display(output.console())
    for line in ("tests: a", "tests: b", "3 tried: x", "4 tried: y", "building\nthe \x1b[31mbase"):
        shown.progress(line)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "… tests: a\n… 3 tried: x\n… building the \\x1b[31mbase\n"
    now += display.HEARTBEAT_S
    shown.progress("412 tried: z")
    shown.progress("413 tried: z")
    assert capsys.readouterr().err == "… 412 tried: z\n"
    shown.quiet()
    shown.progress("tests: c")
    assert capsys.readouterr().err == "… tests: c\n"


def test_on_a_terminal_one_line_turns_and_goes_away() -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=20, _environ={"TERM": "xterm"})
    shown = Display(console)
    shown.progress("a line that is far too long for it [bold]")
    shown.quiet()
    shown.quiet()
    said = file.getvalue()
    assert "a line that is" in said
    assert "far too long for it" not in said
    assert said.count("\x1b[?25l") == said.count("\x1b[?25h") == 1


@pytest.mark.parametrize(
    ("report", "says"),
    [
        (SleepReport(), "Nothing to do: every note is fresh."),
        (SleepReport(stopped=True), "Stopped before anything was finished."),
        (
            SleepReport(left_by_pass={"tests": 2}),
            "The time is up before anything was finished; 2 units left",
        ),
        (
            SleepReport(seconds=1.25, units={"outline": 2}, seconds_by_pass={"outline": 1.0}),
            "0 notes renewed in 1.2 s: outline 2 (1.0 s).",
        ),
        (
            SleepReport(units={"graph": 1}, seconds_by_pass={"graph": 0.1}, stopped=True),
            "graph 1 (0.1 s); stopped, what was finished is kept.",
        ),
        (
            SleepReport(
                units={"graph": 1}, seconds_by_pass={"graph": 0.1}, left_by_pass={"tests": 1}
            ),
            "; the time is up, 1 unit left for the next pass.",
        ),
        (SleepReport(problems=["tests: no pytest"]), "0 notes renewed in 0.0 s."),
    ],
)
def test_a_pass_in_one_line(report: SleepReport, says: str) -> None:
    assert says in display.summary(report)


def test_changes(capsys: pytest.CaptureFixture[str]) -> None:
    shown = Display(output.console())
    shown.change(Change(added=("everything.py",), cause="start"))
    shown.change(Change())
    shown.change(Change(modified=("a", "b"), deleted=("c", "d", "e", "f", "g")))
    assert capsys.readouterr().out.splitlines() == [
        "HEAD moved; no file changed.",
        "changed: a, b, c, d, e and 2 more",
    ]


def test_a_diff_is_shown_byte_for_byte_but_for_what_acts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    diff = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-[red]a\x0cb\u2028c\n+\x1b[2Jd\r\n\\ No newline\n"
    display.show_diff(output.console(), diff)
    assert capsys.readouterr().out == (
        "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-[red]a\\x0cb\\u2028c\n+\\x1b[2Jd\\r\n\\ No newline\n"
    )


def test_a_proof(capsys: pytest.CaptureFixture[str]) -> None:
    bad = TestResult("t::a", Outcome.FAILED)
    good = TestResult("t::a", Outcome.PASSED)
    proof = Proof(
        TestRun((bad,), 0.5),
        TestRun((good,), 0.25),
        suite=TestRun((good, bad), 1.0, "cut"),
        known_failures=("t::b",),
    )
    display.show_proof(output.console(), proof)
    assert capsys.readouterr().out.splitlines() == [
        "  before  1 failed, 0 passed in 0.50 s",
        "  after   0 failed, 1 passed in 0.25 s",
        "  suite   1 failed, 1 passed in 1.00 s (cut), 0 newly failing, 1 failing before it too",
    ]


def test_costs() -> None:
    assert output.cost(Usage(wall_s=1.25, test_runs=1)) == "1.2 s, 1 test run, 0 tokens"
    usage = Usage(input_tokens=3, wall_s=2, candidates=2, cost_usd=0.0123)
    assert output.cost(usage) == "2.0 s, 0 test runs, 2 candidates, 3 tokens, 0.012 USD"
    assert output.cost(Usage(output_tokens=1, cost_usd=None)).endswith("1 token, no price known")
