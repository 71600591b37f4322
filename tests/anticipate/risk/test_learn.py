"""The regression, its measures, and when size is used instead."""

from __future__ import annotations

import numpy as np
import pytest

from swe_sleep.anticipate.risk import accuracy, changes, learn
from swe_sleep.anticipate.risk.items import Table
from swe_sleep.anticipate.risk.learn import MODEL, SIZE, Floats, Learned, Prior, Question
from swe_sleep.anticipate.risk.model import fit, log_odds, sigmoid
from swe_sleep.anticipate.risk.replay import YEAR


def test_measures_of_a_ranking() -> None:
    score = np.array([4.0, 3.0, 2.0, 1.0])
    truth = np.array([True, False, True, False])
    assert accuracy.auc(score, truth) == 0.75
    assert accuracy.auc(np.zeros(4), truth) == 0.5
    assert np.isnan(accuracy.auc(score, np.ones(4, np.bool_)))
    assert accuracy.precision_at(score, truth, 1) == 1.0
    assert accuracy.recall_at(score, truth, 2) == 0.5
    lines = np.array([10.0, 10.0, 10.0, 70.0])
    assert accuracy.recall_of_lines(score, lines, truth) == 0.5
    assert accuracy.recall_of_lines(score, lines, truth, 0.3) == 1.0
    assert accuracy.fixes_in_top(score, [7, 8, 9, 10], [{7, 9}, {9}, {10}], 1) == 1 / 3


def test_a_stiff_prior_holds_and_a_loose_one_gives_way() -> None:
    random = np.random.default_rng(1)
    values = random.normal(size=(400, 2))
    truth = (values[:, 0] + 0.3 * random.normal(size=400) > 0).astype(float)
    prior = np.array([0.0, 0.0, 1.0])
    stiff = fit(values, truth, prior, np.full(3, 1e6))
    loose = fit(values, truth, prior, np.full(3, 1.0))
    np.testing.assert_allclose(stiff, prior, atol=1e-2)
    assert loose[1] > 3 > abs(loose[2])
    assert accuracy.auc(sigmoid(log_odds(values, loose)), truth > 0.5) > 0.95


def asked(follows: str, years: int = 3) -> list[Question]:
    """Windows in which the truth follows one of two columns."""
    random = np.random.default_rng(2)
    found = []
    for year in range(years):
        values = random.normal(size=(200, 2))
        drawn = values[:, ("code", "fixes").index(follows)] + 0.2 * random.normal(size=200)
        truth = drawn > 1
        items = [(f"m{n}.py", "") for n in range(200)]
        table = Table(items, np.arange(200), np.exp(values[:, 0] + 3), ("code", "fixes"), values)
        fixes = [{int(n)} for n in np.flatnonzero(truth)]
        found.append(Question(year * YEAR, table, truth, fixes))
    return found


def learned(follows: str, years: int = 3) -> Learned:
    prior = {"constant": -1.5, "code": 0.5, "fixes": 0.5}
    size = {"constant": -1.5, "code": 1.0}
    return learn.learn(asked(follows, years), prior, size, learn.of_files, 200.0)


def test_the_model_is_used_where_it_is_better_than_size() -> None:
    found = learned("fixes")
    assert found.measure == MODEL
    assert found.accuracy["auc"] > 0.9 > found.accuracy["auc by size"]
    assert found.weights["fixes"] > 0.5
    assert (found.windows, found.fixes > 20) == (2, True)


def test_size_is_used_where_nothing_is_better() -> None:
    found = learned("code")
    assert found.measure == SIZE
    assert "fixes" not in found.weights


def test_without_a_past_size_is_used_and_nothing_is_claimed() -> None:
    found = learned("fixes", years=0)
    assert (found.measure, dict(found.accuracy), found.windows) == (SIZE, {}, 0)
    assert found.weights == {"constant": -1.5, "code": 1.0}


def test_only_windows_that_were_over_teach() -> None:
    questions = asked("fixes")
    by_hand = learn.own(questions[:1], {"constant": 0.0, "code": 0.0, "fixes": 0.0}, 200.0)
    seen: list[float] = []

    def measures(question: Question, score: Floats) -> dict[str, float]:
        seen.append(score.tolist()[0])
        return {"auc": 1.0}

    prior = {"constant": 0.0, "code": 0.0, "fixes": 0.0}
    learn.learn(questions[:2], prior, {"constant": 0.0, "code": 0.0}, measures, 200.0)
    assert seen[2] == pytest.approx(float(learn.chances(questions[1].table, by_hand)[0]))


def test_the_shipped_prior_knows_all_columns() -> None:
    prior = Prior.load()
    assert set(changes.NAMES) <= prior.changes.keys()
    for weights in (prior.files, prior.functions, prior.files_by_size, prior.functions_by_size):
        assert {"constant", "code"} <= weights.keys()


def test_a_large_change_is_riskier_than_a_small_one() -> None:
    base = dict.fromkeys(
        ("added", "removed", "files", "folders", "entropy", "hunks", "branches", "new",
         "new.lines", "insertions", "tests", "experience", "experience.here", "gap", "gap.least",
         "file.changes", "file.fixes", "file.most", "file.people", "file.lines", "file.longest"),
        1.0,
    )  # fmt: skip
    random = np.random.default_rng(3)
    values = changes.in_numbers([{**base, "added": float(n)} for n in random.integers(1, 90, 200)])
    steps = changes.Steps(
        np.arange(200),
        np.arange(200.0),
        values,
        np.full(200, np.inf),
        np.zeros(200, np.bool_),
    )
    judge = changes.learn(steps, YEAR, Prior.load().changes)
    small, large = judge.chances(
        changes.in_numbers([{**base, "added": 2.0}, {**base, "added": 80.0, "branches": 20.0}])
    ).tolist()
    assert small < large
    assert judge.above(small) < judge.above(large)
