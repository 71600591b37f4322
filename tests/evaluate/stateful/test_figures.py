"""Figures worked out by hand."""

from __future__ import annotations

import random
from itertools import combinations

import pytest

from swe_sleep.evaluate.figures.statistics import Chance
from swe_sleep.evaluate.runs.records import Arm, Slept, Trial
from swe_sleep.evaluate.stateful.answering import Budget, Sleep
from swe_sleep.evaluate.stateful.costs import Measure, cost
from swe_sleep.evaluate.stateful.figures import figures
from swe_sleep.evaluate.stateful.grid import Grid, Key
from swe_sleep.evaluate.stateful.pass_at import at_equal_tokens, estimate, gathered, pass_at
from swe_sleep.evaluate.stateful.plan import Options
from swe_sleep.evaluate.stateful.problems import Data
from swe_sleep.evaluate.stateful.records import Answered
from swe_sleep.evaluate.stateful.table import as_csv
from swe_sleep.records import Usage

OFF = Key(Arm.OFF, "level=0", "")
ON = Key(Arm.ON, "level=0", "readings=1")


def answered(
    key: Key,
    query: str,
    right: bool,
    *,
    text: str = "",
    seed: int = 0,
    sample: int = 0,
    output: int = 100,
    covered: float | None = None,
    cost: float | None = 0.001,
) -> Answered:
    trial = Trial(query, key.arm, key.budget, key.sleep, seed)
    usage = Usage(input_tokens=50, output_tokens=output, cost_usd=cost)
    slept = f"sleep of {text or query}" if key.sleep else ""
    name = f"{key.name} {query} {seed} {sample}"
    return Answered(
        name, trial, sample, text or query, "1", right, "", usage, slept, covered=covered
    )


def options(**more: object) -> Options:
    given: dict[str, object] = {
        "arms": (Arm.ON, Arm.OFF),
        "budgets": (Budget(level=0),),
        "sleeps": (Sleep(),),
        "seeds": (0,),
    }
    return Options(**{**given, **more})  # type: ignore[arg-type]


def test_pass_at_k_is_the_share_of_the_ways_to_draw_k_samples() -> None:
    rights = [True, False, False, True, False]
    samples = [answered(OFF, "q", each, sample=n) for n, each in enumerate(rights)]
    for k in range(1, 6):
        drawn = list(combinations(rights, k))
        assert estimate(samples, k) == pytest.approx(sum(map(any, drawn)) / len(drawn))


def test_sleep_is_set_against_as_many_samples_as_take_the_same() -> None:
    answers = [
        answered(OFF, f"q{q}", sample == 0 and q < 5, sample=sample)
        for q in range(10)
        for sample in range(4)
    ]
    answers += [answered(ON, f"q{q}", q < 8, output=250) for q in range(10)]
    made = Grid.of(answers, [ON, OFF])
    samples = gathered(answers, "level=0")
    curve = pass_at(OFF, samples, made, Chance(0))
    (found,) = at_equal_tokens([OFF, ON], Measure.GENERATED, samples, made, Chance(0))

    assert [each.accuracy for each in curve] == pytest.approx([0.125, 0.25, 0.375, 0.5])
    assert [each.test[Measure.GENERATED] for each in curve] == [100, 200, 300, 400]
    assert found.k == 2.5
    assert found.pass_at_k == pytest.approx((0.25 + 0.375) / 2)
    assert found.accuracy == 0.8
    assert found.difference == pytest.approx(0.8 - 0.3125)
    assert not found.beyond
    assert found.p_holm == found.p
    assert found.verdict == "more often right"

    few = {query: each[:2] for query, each in samples.items()}
    (beyond,) = at_equal_tokens([ON], Measure.GENERATED, few, made, Chance(0))
    assert beyond.beyond
    assert beyond.k == 2


def test_the_cost_of_a_query() -> None:
    answers = [
        answered(OFF, f"q{q}", True, text=f"t{q // 2}", output=400, cost=0.004) for q in range(8)
    ]
    answers += [
        answered(ON, f"q{q}", True, text=f"t{q // 2}", output=100, cost=0.002) for q in range(8)
    ]
    usage = Usage(input_tokens=1000, output_tokens=600, cost_usd=0.012)
    sleeps = {
        name: Slept(name, "", "", "readings=1", 0, usage, 1.0, 1, 0)
        for name in (f"sleep of t{t}" for t in range(4))
    }
    made = Grid.of(answers, [ON, OFF])
    paper = cost(made, sleeps, ON, Measure.GENERATED, (1.0, 10.0), Chance(0))
    money = cost(made, sleeps, ON, Measure.USD, (1.0,), Chance(0))
    assert paper is not None
    assert money is not None

    assert paper.per_query == {1.0: 100 + 600 / 2, 10.0: 1000 + 600 / 2}
    assert paper.off_per_query == {1.0: 400, 10.0: 4000}
    assert {t: even.n for t, even in paper.break_even.items()} == {1.0: 2.0, 10.0: 0.2}
    assert money.break_even[1.0].n == pytest.approx(6)
    assert money.matched == "level=0"

    # what cannot be priced has no cost
    unknown = [answered(ON, "q9", True, text="t0", cost=None)]
    without = Grid.of([*answers, *unknown], [ON, OFF])
    assert cost(without, {}, ON, Measure.USD, (1.0,), Chance(0)) is None


def test_break_even_has_the_interval_of_texts_drawn_again() -> None:
    """Two questions on a text cost alike, so twelve questions say no more than six texts."""
    answers = [answered(ON, f"q{q}", True, text=f"t{q // 2}", output=100) for q in range(12)]
    answers += [
        answered(OFF, f"q{q}", True, text=f"t{q // 2}", output=150 + 40 * (q // 2))
        for q in range(12)
    ]
    slept = Slept("", "", "", "", 0, Usage(output_tokens=600), 1.0, 1, 0)
    sleeps = {f"sleep of t{t}": slept for t in range(6)}

    made = Grid.of(answers, [ON, OFF])
    alone = Grid(made.cells, {query: query for query in made.texts})
    both = [cost(each, sleeps, ON, Measure.GENERATED, (1.0,), Chance(0)) for each in (made, alone)]
    texts, questions = (each.break_even[1.0] for each in both if each is not None)

    assert texts.n == questions.n == pytest.approx(600 / 150)
    assert texts.interval is not None
    assert questions.interval is not None
    assert texts.interval.low < questions.interval.low < 4
    assert texts.interval.high > questions.interval.high > 4


def test_where_sleep_saves_nothing_it_never_pays() -> None:
    answers = [answered(OFF, "q", True, output=10), answered(ON, "q", True, output=10)]
    slept = Slept("sleep of q", "", "", "", 0, Usage(output_tokens=9), 1.0, 1, 0)
    found = cost(
        Grid.of(answers, [ON, OFF]), {slept.key: slept}, ON, Measure.GENERATED, (10.0,), Chance(0)
    )

    assert found is not None
    assert found.break_even[10.0].n is None


def test_no_difference_is_said_to_be_one_by_chance() -> None:
    lots = random.Random(3)
    rights = {key: [lots.random() < 0.5 for _ in range(100)] for key in (ON, OFF)}
    answers = [
        answered(key, f"q{n}", right)
        for key, found in rights.items()
        for n, right in enumerate(found)
    ]
    found = figures(Data("d", {}, ()), answers, {}, options())

    assert [each.verdict for each in found.differences] == ["no difference shown"]


def test_few_questions_show_nothing() -> None:
    answers = [answered(key, f"q{n}", key is ON) for key in (ON, OFF) for n in range(5)]
    found = figures(Data("d", {}, ()), answers, {}, options())

    assert [each.verdict for each in found.differences] == ["too few questions"]


def test_questions_on_one_text_are_not_independent() -> None:
    """Six texts with fifty questions each, of which one text gains."""
    answers = [
        answered(key, f"t{t} q{q}", key is ON and t == 0, text=f"t{t}")
        for key in (ON, OFF)
        for t in range(6)
        for q in range(50)
    ]
    found = figures(Data("d", {}, ()), answers, {}, options())
    difference = found.differences[0]

    assert [row.accuracy for row in found.rows] == pytest.approx([1 / 6, 0])
    for row in found.rows:
        assert row.interval is not None
        assert row.interval.high > 0.35  # of six texts, not of three hundred questions
    assert difference.better == 50
    assert difference.p == 1.0
    assert difference.verdict == "no difference shown"


def test_the_trend_of_questions_that_share_texts_is_not_tested() -> None:
    answers = [answered(OFF, f"q{n}", False, text=f"t{n // 2}") for n in range(20)]
    answers += [
        answered(ON, f"q{n}", n >= 10, text=f"t{n // 2}", covered=n / 20) for n in range(20)
    ]
    found = figures(Data("d", {}, ()), answers, {}, options()).predictability[0]

    assert found.trend is not None
    assert found.p is None


def test_seeds_of_a_question_are_averaged_and_paired() -> None:
    answers = [answered(OFF, "q", right, seed=seed) for seed, right in enumerate((True, False))]
    answers += [answered(ON, "q", True, seed=1), answered(ON, "q", True, seed=2)]
    made = Grid.of(answers, [ON, OFF])

    assert made.means(OFF, lambda each: float(each.right)) == {"q": 0.5}
    assert made.pairs(ON, OFF) == {"q": (1.0, 0.0)}  # of the seed that both have


def test_gain_by_predictability_in_fifths() -> None:
    answers = [answered(OFF, f"q{n}", False) for n in range(20)]
    answers += [answered(ON, f"q{n}", n >= 10, covered=n / 20) for n in range(20)]
    found = figures(Data("d", {}, ()), answers, {}, options()).predictability[0]

    assert [fifth.queries for fifth in found.fifths] == [4] * 5
    assert [fifth.gain for fifth in found.fifths] == [0, 0, 0.5, 1, 1]
    assert found.trend is not None
    assert found.trend > 0.6
    assert found.p is not None
    assert found.p < 0.01


def test_csv_has_a_line_for_each_arm_and_budget() -> None:
    answers = [answered(key, f"q{n}", True) for key in (ON, OFF) for n in range(8)]
    lines = as_csv(figures(Data("d", {}, ()), answers, {}, options()), (1.0, 10.0)).splitlines()

    assert len(lines) == 3
    assert lines[1].startswith("on,level=0,readings=1,8,8,0,1.0,")
    assert "break_even_generated_t10" in lines[0]
    assert as_csv(figures(Data("d", {}, ()), [], {}, options()), (1.0,)) == "arm\n"
