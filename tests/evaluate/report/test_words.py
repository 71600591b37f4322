"""Figures in words."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any

import pytest

from swe_sleep.evaluate.figures.costs import BreakEven
from swe_sleep.evaluate.figures.figures import Report, report
from swe_sleep.evaluate.figures.loaded import read_run
from swe_sleep.evaluate.figures.statistics import Interval
from swe_sleep.evaluate.report import words
from swe_sleep.evaluate.runs.records import Arm, Trial
from swe_sleep.records import Usage

Reported = Callable[..., Report]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (0, "0"),
        (3.0000000001, "3"),
        (1234567.8, "1,234,568"),
        (99.96, "100"),
        (12.345, "12.3"),
        (1.005, "1.00"),
        (0.18, "0.180"),
        (0.00012, "0.000120"),
        (0.00001, "1e-05"),
        (-4.56, "-4.56"),
        (inf, "no end"),
        (float("nan"), "-"),
    ],
)
def test_numbers_have_three_figures(value: float | None, text: str) -> None:
    assert words.number(value) == text


def test_signs_and_spans() -> None:
    assert words.signed(2.0) == "+2"
    assert words.signed(-2.0) == "-2"
    assert words.signed(0.0) == "0"
    assert words.span(Interval(-4.0, 10.0), plus=True) == "-4 to +10"
    assert words.percents(Interval(0.391, 0.757)) == "39 to 76 %"


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.0001, "p < 0.001"), (0.0313, "p = 0.031"), (0.0625, "p = 0.062"), (1.0, "p = 1.00")],
)
def test_p_values(p: float, text: str) -> None:
    assert words.equal_p(p) == text


@pytest.mark.parametrize(
    ("n", "interval", "cell", "sentence"),
    [
        (12.2, Interval(8.1, 31.0), "12.2 (8.10 to 31)", "Notes pay from 13 issues a sleep on (95"),
        (12.0, Interval(8.0, inf), "12 (8 or more, or never)", "would pay from 12 issues a sleep"),
        (0.3, Interval(0.1, 0.9), "0.300 (0.100 to 0.900)", "Notes pay from the first issue a sl"),
        (None, Interval(107, inf), "never (107 or more)", "saved nothing"),
        (None, Interval(inf, inf), "never", "saved nothing"),
        (5.0, None, "5", "is not shown; by what was measured they would pay from 5 issues"),
        (0.0, None, "0", "is not shown; sleep cost nothing"),
    ],
)  # fmt: skip
def test_break_even(n: float | None, interval: Interval | None, cell: str, sentence: str) -> None:
    found = BreakEven(1, 20, 1.0, n, interval)
    assert words.break_even(found) == cell
    assert sentence in words.pays_from(found, True)
    assert not words.pays_from(found, False).startswith("Notes pay")


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_boasted_of_where_no_difference_is_shown(reported: Reported, seed: int) -> None:
    (figures,) = reported({"tasks": 12, "help_": 0.0, "seed": seed, "arms": list(Arm)[:2]}).groups
    (spent,) = [each.of("seconds") for each in figures.comparisons]
    assert spent is not None
    said = " ".join(words.summary(figures)[0].sentences)
    assert ("Notes pay" in said) == (spent.shown and spent.difference < 0)


@pytest.mark.parametrize(("placebo_s", "own"), [(15.0, False), (45.0, True)])
def test_what_a_placebo_saves_too_is_not_put_down_to_what_notes_say(
    made_runs: Any, tmp_path: Path, placebo_s: float, own: bool
) -> None:
    tasks = [f"task-{number}" for number in range(12)]
    arms = {Arm.OFF: 50.0, Arm.ON: 20.0, Arm.SHUFFLED: placebo_s}
    results, sleeps = [], []
    for arm, seconds in arms.items():
        sleep = "" if arm is Arm.OFF else "default"
        slept = sleep and f"sleep-{arm}"
        if slept:
            sleeps.append(made_runs.slept(slept, "parser", wall_s=60.0))
        for number, task in enumerate(tasks):
            usage = Usage(wall_s=seconds + number / 10)
            trial = Trial(task, arm, "candidates=200", sleep)
            results.append(
                made_runs.result(trial, resolved=False, repo="parser", usage=usage, slept=slept)
            )
    manifest = made_runs.manifest(tasks=tasks, arms=list(arms))
    folder = made_runs.write(tmp_path / "run", manifest, results, sleeps)
    (figures,) = report([read_run(folder)]).groups
    said = " ".join(words.summary(figures)[0].sentences)
    assert ("Notes pay from" in said) is own
    assert ("With another's notes it took 15" in said) is not own
    assert ("Any notes, right or not, would pay from" in said) is not own


def test_what_could_act_on_a_reader_is_written_out() -> None:
    assert words.visible("a\u202eb\x1b[31m\ud800\n c") == "a\\u202eb\\x1b[31m\\ud800 c"
    assert words.visible("naïve 日本 🙂") == "naïve 日本 🙂"


def test_the_summary_answers_the_question_first(reported: Reported) -> None:
    (figures,) = reported({"tasks": 24, "seed": 3, "arms": tuple(Arm)}).groups
    first, *_, last = words.summary(figures)
    assert first.heading == "Notes on against off, candidates=200, sleep default"
    found = next(c for c in figures.comparisons if c.arm.arm is Arm.ON).differences[0]
    on, off = round(found.mean * 24), round(found.against * 24)
    sentence = first.sentences[0]
    assert sentence.startswith(f"Notes: resolved {on} of 24 against {off}, {on - off:+d} (95 % ")
    assert f"{found.higher} better and {found.lower} worse, exact McNemar p" in sentence
    assert any("pay from" in each or "they pay" in each for each in first.sentences)
    assert last.heading == "The other arms, in what is resolved"
    said = " ".join(last.sentences)
    for arms in ("on against shuffled", "shuffled against off", "stale against off"):
        assert arms in said


def test_no_difference_is_said_to_be_not_shown(reported: Reported) -> None:
    (figures,) = reported({"resolved": True}).groups
    sentence = words.summary(figures)[0].sentences[0]
    assert sentence == (
        "Notes: resolved 8 of 8 against 8, 0 (95 % interval -2.22 to +2.22); 0 better and 0 "
        "worse, exact McNemar p = 1.00 (1.00 by Holm); no difference shown."
    )


def test_too_few_pairs_are_said(reported: Reported) -> None:
    (figures,) = reported({"tasks": 3, "arms": [Arm.OFF, Arm.ON]}).groups
    assert "too few pairs to show a difference" in words.summary(figures)[0].sentences[0]


def test_one_arm_alone(reported: Reported) -> None:
    (figures,) = reported({"arms": [Arm.OFF]}).groups
    (said,) = words.summary(figures)
    assert said.sentences[0].startswith("There is nothing to compare")
    assert said.sentences[1].startswith("off · candidates=200: resolved ")
