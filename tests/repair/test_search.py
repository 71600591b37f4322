"""The search: what it finds, in which order it asks, where it stops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from swe_sleep.records import Coverage, Outcome, TestResult
from swe_sleep.repair.found import Budget, Event, Found
from swe_sleep.repair.lessons import Lesson
from swe_sleep.repair.search import Repair
from swe_sleep.repair.validation import Judgement

CLAMP = """\
def clamp(x, low, high):
    # Keep x inside.
    if x < low:
        return low
    if x > high:
        return low
    return x
"""


def above(names: dict[str, Any]) -> None:
    assert names["clamp"](9, 0, 5) == 5


def below(names: dict[str, Any]) -> None:
    assert names["clamp"](-9, 0, 5) == 0


def inside(names: dict[str, Any]) -> None:
    assert names["clamp"](3, 0, 5) == 3


def hopeless(names: dict[str, Any]) -> None:
    names["clamp"](9, 0, 5)
    raise AssertionError


CHECKS = {"test_m.py::above": above, "test_m.py::below": below, "test_m.py::inside": inside}
PASSING = ("test_m.py::below", "test_m.py::inside")
FAILING = (TestResult("test_m.py::above", Outcome.FAILED, 0.001),)

Make = Callable[..., Any]


@pytest.fixture
def validator(in_process: Make) -> Any:
    return in_process(CLAMP, CHECKS)


def search(validator: Any, **more: Any) -> Found:
    return Repair(validator).search({"m.py": validator.text.encode()}, FAILING, PASSING, **more)


def test_a_fault_is_found_and_mended(validator: Any) -> None:
    found = search(validator)
    assert found.best is not None
    fixed = CLAMP.replace("high:\n        return low", "high:\n        return high")
    assert found.best.files == {"m.py": fixed.encode()}
    assert found.best.patch.diff.startswith("diff --git a/m.py b/m.py")
    assert "-        return low" in found.best.patch.diff
    assert found.best.patch.summary == "in `clamp`, `low` becomes `high`"
    assert found.best.kind == "fix"
    assert found.best.run.passed == set(CHECKS)
    assert found.usage.candidates >= 1
    assert found.usage.test_runs == len(validator.calls)


def test_coverage_that_is_missing_is_measured_and_counted(validator: Any) -> None:
    found = search(validator, budget=Budget(candidates=0))
    assert [ids for _, ids in validator.calls] == [("test_m.py::above",), PASSING]
    assert found.coverage.lines.keys() == set(CHECKS)
    assert found.ended == "candidates"


def test_coverage_that_is_there_is_not_measured_again(validator: Any) -> None:
    lines = {"test_m.py::above": {"m.py": (3, 5, 6)}, "test_m.py::inside": {"m.py": (3, 5, 7)}}
    found = search(validator, coverage=Coverage(lines), budget=Budget(candidates=0))
    assert found.usage.test_runs == 1
    assert found.suspicions[0].place.line == 6


def test_the_failing_test_is_asked_first_and_passing_ones_only_then(validator: Any) -> None:
    search(validator)
    for files, ids in validator.calls[2:]:
        assert files == {"m.py"}
        assert ids in (("test_m.py::above",), PASSING)
    asked = [ids for _, ids in validator.calls[2:]]
    assert asked[0] == ("test_m.py::above",)
    assert asked.count(PASSING) < asked.count(("test_m.py::above",))


def test_a_test_that_does_not_fail_here_ends_it_at_once(in_process: Make) -> None:
    mended = in_process(
        CLAMP.replace("high:\n        return low", "high:\n        return high"), CHECKS
    )
    found = search(mended)
    assert (found.ended, found.usage.candidates) == ("does not fail", 0)
    assert "passed" in found.summary


def test_test_files_are_never_edited(in_process: Make) -> None:
    validator = in_process(CLAMP, CHECKS)
    found = Repair(validator).search(
        {"m.py": CLAMP.encode(), "test_m.py": b"x = 1\n"},
        FAILING,
        PASSING,
        recent={"test_m.py": b"x = 2\n"},
        protected=["m.py"],
    )
    assert (found.ended, found.usage.candidates) == ("exhausted", 0)


def test_limits(in_process: Make) -> None:
    never = {**CHECKS, "test_m.py::above": hopeless}
    few = search(in_process(CLAMP, never), budget=Budget(candidates=7))
    assert (few.ended, few.usage.candidates, few.best) == ("candidates", 7, None)
    assert few.summary.startswith("no plausible patches; 7 candidates tried")
    assert search(in_process(CLAMP, never), budget=Budget(seconds=0)).ended == "seconds"
    seen: list[Event] = []
    found = search(
        in_process(CLAMP, never),
        stop=lambda: any(event.tried >= 3 for event in seen),
        on_event=seen.append,
    )
    assert (found.ended, found.usage.candidates) == ("stopped", 3)
    assert [e.kind for e in seen][:3] == ["measured", "localised", "tried"]
    assert seen[-1].kind == "ended"


def test_a_screening_judges_no_more_candidates_than_there_may_be(validator: Any) -> None:
    class Strict:
        alive = True

        def judge(self, trials: Sequence[object], **more: object) -> list[Judgement]:
            return [Judgement("failed")] * len(trials)

        def close(self) -> None:
            pass

    validator.screening = lambda *arguments, **more: Strict()
    found = search(validator, budget=Budget(candidates=7))
    assert (found.ended, found.usage.candidates) == ("candidates", 7)


def test_everything_is_tried_only_once(in_process: Make) -> None:
    never = {**CHECKS, "test_m.py::above": hopeless}
    validator = in_process("def clamp(x, low, high):\n    return x\n", never)
    texts: list[bytes] = []
    validate = validator.validate

    def noting(files: Any, *args: Any, **more: Any) -> Any:
        texts.extend(files.values())
        return validate(files, *args, **more)

    validator.validate = noting
    found = search(validator)
    assert found.ended == "exhausted"
    assert len(texts) == len(set(texts)) == found.usage.candidates > 50
    assert validator.text.encode() not in texts


def test_the_change_that_broke_it_is_put_back_in_part_or_whole(in_process: Make) -> None:
    old = CLAMP.replace("high:\n        return low", "high:\n        return high")
    new = CLAMP.replace("# Keep x inside.", "# Keep x in bounds.").replace("x < low", "x <= low")
    validator = in_process(new, CHECKS)
    found = search(validator, recent={"m.py": old.encode()})
    assert found.best is not None
    assert found.best.kind == "part of the change undone"
    assert b"x <= low" in found.best.files["m.py"]
    assert b"return high" in found.best.files["m.py"]
    assert found.best.patch.summary == "in `clamp`, `low` becomes `high` as it was"
    assert found.usage.candidates < 700


def test_undoing_everything_is_listed_beside_a_fix_that_keeps_the_change(
    in_process: Make,
) -> None:
    old = "def clamp(x, low, high):\n    return max(low, min(x, high))\n"
    found = search(in_process(CLAMP, CHECKS), recent={"m.py": old.encode()})
    kinds = {p.kind: p for p in found.plausible}
    assert kinds["change undone"].files == {"m.py": old.encode()}
    assert b"return high" in kinds["fix"].files["m.py"]


def test_a_change_over_several_files_can_be_put_back(in_process: Make) -> None:
    old = CLAMP.replace("return low\n    return x", "return high\n    return x")
    validator = in_process(CLAMP, CHECKS)
    found = Repair(validator).search(
        {"m.py": CLAMP.encode(), "n.py": b"y = 2\n"},
        FAILING,
        PASSING,
        recent={"m.py": old.encode(), "n.py": b"y = 1\n"},
        budget=Budget(plausible=10, patience=40),
    )
    both = [p for p in found.plausible if p.patch.paths == ("m.py", "n.py")]
    assert [p.kind for p in both] == ["change undone"]
    assert both[0].patch.summary == "the recent change is undone in 2 files"


def test_a_candidate_that_loops_for_ever_is_given_little_time(in_process: Make) -> None:
    validator = in_process(CLAMP, CHECKS)
    limits: list[tuple[bool, float]] = []
    validate = validator.validate

    def noting(files: Any, ids: Any, **more: Any) -> Any:
        run = validate(files, ids, **more)
        if list(ids) == [r.test_id for r in FAILING]:  # others see only what passed these
            limits.append((bool(run.bad), more["test_timeout_s"]))
        return run

    validator.validate = noting
    search(validator)
    assert limits[0] == (True, 30.0)
    assert {limit for bad, limit in limits[1:] if bad} == {1.0}


TWICE = """\
def scaled(x):
    return x * 3


def shifted(x):
    y = scaled(x)
    return y - 1
"""
TWICE_CHECKS: dict[str, Callable[[dict[str, Any]], None]] = {
    "test_m.py::scaled": lambda m: _is(m["scaled"](2), 4),
    "test_m.py::shifted": lambda m: _is(m["shifted"](5), 11),
}


def _is(value: object, expected: object) -> None:
    assert value == expected


def test_two_faults_are_mended_by_a_pair(in_process: Make) -> None:
    failing = [TestResult(test, Outcome.FAILED) for test in TWICE_CHECKS]
    found = Repair(in_process(TWICE, TWICE_CHECKS)).search(
        {"m.py": TWICE.encode()}, failing, [], budget=Budget(seconds=120, plausible=1)
    )
    assert found.best is not None, found.summary
    text = found.best.files["m.py"].decode()
    names: dict[str, Any] = {}
    exec(text, names)
    assert (names["scaled"](7), names["shifted"](7)) == (14, 15)
    assert len(found.best.candidate.edits) == 2


PADDED = """\
def padded(x, width=0):
    return str(x).zfill(width)


def label(x):
    return padded(x)
"""


def test_what_past_fixes_taught_is_tried(in_process: Make) -> None:
    lesson = Lesson(("padded", "(", "x", ")"), ("padded", "(", "x", ",", "4", ")"))
    asked: list[Sequence[str]] = []

    def learn(paths: Sequence[str]) -> Sequence[Lesson]:
        asked.append(paths)
        return [lesson]

    checks: dict[str, Callable[[dict[str, Any]], None]] = {
        "test_m.py::label": lambda m: _is(m["label"](7), "0007")
    }
    found = Repair(in_process(PADDED, checks)).search(
        {"m.py": PADDED.encode()},
        [TestResult("test_m.py::label", Outcome.FAILED)],
        [],
        learn=learn,
        budget=Budget(seconds=120, plausible=1),
    )
    assert asked == [("m.py",)]
    assert found.best is not None, found.summary
    assert b"return padded(x, 4)" in found.best.files["m.py"]
    assert found.best.candidate.template == "past fix"
