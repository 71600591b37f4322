"""What the tools say, and what they keep to themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from swe_sleep.model.protocol import ToolCall
from swe_sleep.model.secrets import Masker
from swe_sleep.prompts.fence import Fence
from swe_sleep.records import ContextLine, Outcome, Place, TestResult, TestRun
from swe_sleep.solve.editor import ToolProblem
from swe_sleep.solve.reach import Reached
from swe_sleep.solve.tools import (
    Notes,
    RunTests,
    Submit,
    Toolbox,
    brief,
    context_text,
    cut_middle,
    readable,
    table,
    within,
)

BAD = TestResult(
    "t.py::test_b",
    Outcome.FAILED,
    0.1,
    "AssertionError: assert 3 == 4\n  more",
    (Place("t.py", 5), Place("lib.py", 9)),
)


def passed(name: str) -> TestResult:
    return TestResult(name, Outcome.PASSED)


class Runs:
    """A runner that gives the runs it was told to."""

    def __init__(self, *runs: TestRun) -> None:
        self.runs = list(runs)
        self.asked: list[Sequence[str] | None] = []

    def run(
        self,
        test_ids: Sequence[str] | None,
        *,
        timeout_s: float,
        test_timeout_s: float,
        stop: Callable[[], bool] | None = None,
    ) -> TestRun:
        self.asked.append(test_ids)
        return self.runs.pop(0)


def test_a_table_instead_of_a_log() -> None:
    run = TestRun((passed("t.py::test_a"), BAD), 1.23, log="a very long log")
    assert table(run).split("\n") == [
        "1 passed, 1 failed, in 1.2 s",
        "failed   t.py::test_b | AssertionError: assert 3 == 4 more | t.py:5 > lib.py:9",
        "passed   t.py::test_a",
    ]


def test_a_long_table_is_short() -> None:
    many = tuple(TestResult(f"t.py::test_{n}", Outcome.ERROR) for n in range(50))
    lines = table(TestRun(many, problem="timed out")).split("\n")
    assert len(lines) == 23
    assert lines[1] == "the run is not whole: timed out"
    assert lines[-1] == "[30 more not shown]"


def left() -> float | None:
    return None


def test_which_tests_run() -> None:
    whole = TestRun((passed("t.py::must"),))
    runner = Runs(*[whole] * 5)
    reached = Reached(("a", "t.py::must"), "there are more")
    tests = RunTests(runner, must_pass=["t.py::must"], reached=lambda: reached, left_s=left)
    assert tests.run({}).remark == "there are more"
    tests.run({"tests": ["x"]})
    tests.run({"all": True})
    bare = RunTests(runner, left_s=left)
    bare.run({})
    assert runner.asked == [("t.py::must", "a"), ["x"], None, None]
    with pytest.raises(ToolProblem, match="list of test ids"):
        tests.run({"tests": "t.py"})


@pytest.mark.parametrize(
    ("must", "run", "green"),
    [
        (["a"], TestRun((passed("a"), passed("b"))), True),
        (["a"], TestRun((passed("b"),)), False),
        (["a"], TestRun((passed("a"), BAD)), False),
        (["a"], TestRun((passed("a"),), problem="timed out"), False),
        (["a"], TestRun(), False),
        ([], TestRun((passed("a"),)), False),
    ],
)
def test_when_a_run_counts_as_green(must: list[str], run: TestRun, green: bool) -> None:
    tests = RunTests(Runs(run), must_pass=must, left_s=left)
    tests.run({})
    assert tests.green is green


class Known:
    def search(self, text: str, limit: int) -> Sequence[ContextLine]:
        return [ContextLine(Place("a.py", 1, 3), f"about\n{text}", "suspicion")]

    def about(self, subject: str, limit: int) -> Sequence[ContextLine]:
        return [ContextLine(Place(subject), "called by b.py")]


def test_notes() -> None:
    notes = Notes(Known())
    assert notes.run({"search": " total "}).text == "a.py:1-3 [suspicion]: about total"
    assert notes.run({"about": "a.py"}).text == "a.py: called by b.py"
    with pytest.raises(ToolProblem, match="'about' or 'search'"):
        notes.run({"search": " "})


def test_no_context_is_no_text() -> None:
    assert context_text([]) == ""


def test_the_middle_is_cut_and_the_cut_said() -> None:
    assert cut_middle("abc", 10) == "abc"
    cut = cut_middle("a" * 500 + "b" * 1000 + "c" * 500, 1000)
    assert cut == "a" * 500 + "\n[... 1,000 characters cut out here ...]\n" + "c" * 500


def test_text_that_cannot_be_sent_is_mended() -> None:
    class Says:
        search = about = staticmethod(lambda *_: [ContextLine(Place("a"), "half \ud800 pair")])

    toolbox = Toolbox([Notes(Says())], Fence("data-1"), Masker())
    block = toolbox.run(ToolCall("c1", "notes", {"search": "x"}))
    assert block == {
        "type": "tool_result",
        "tool_use_id": "c1",
        "content": "<data-1>\na: half ? pair\n</data-1>",
    }


def test_submit_takes_whatever_summary_there_is() -> None:
    submit = Submit()
    assert submit.summary is None
    submit.run({"summary": 5})
    assert submit.summary == ""


def test_time_that_is_left_bounds_every_command() -> None:
    assert within(120, None) == 120
    assert within(120, 30) == 30
    assert within(120, -5) == 1


def test_nothing_is_handed_in_while_a_test_that_must_pass_fails() -> None:
    bad, good = TestRun((BAD, passed("a"))), TestRun((passed(BAD.test_id),))
    runner = Runs(bad, good)
    submit = Submit(RunTests(runner, must_pass=[BAD.test_id], left_s=left))
    output = submit.run({"summary": "done"})
    assert (submit.summary, output.failed) == (None, True)
    assert "assert 3 == 4" in output.text
    assert "not handed in" in output.remark
    assert submit.run({"summary": "all the same"}).remark == "handed in"
    assert (submit.summary, len(runner.asked)) == ("all the same", 1)

    tests = RunTests(runner, must_pass=[BAD.test_id], left_s=left)
    tests.run({})
    submit = Submit(tests)
    submit.run({"summary": "tested just now"})
    assert (submit.summary, len(runner.asked)) == ("tested just now", 2)


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ("one\r\ntwo\r\n", "one\ntwo\n"),
        ("10 %\r50 %\r100 %\ndone\r", "100 %\ndone"),
        ("\x1b[1;31mred\x1b[0m \x1b]0;title\x07x", "red x"),
        ("a\0b", "a\ufffdb"),
        ("\tpage\f", "\tpage\f"),
    ],
)
def test_output_is_made_readable(given: str, seen: str) -> None:
    assert readable(given) == seen


def test_binary_output_is_not_shown() -> None:
    seen = readable("\x7fELF" + "\0\x01\ufffd" * 5000)
    assert len(seen) < 200
    assert "binary output" in seen


def test_a_person_who_watches_reads_what_was_asked_for() -> None:
    assert brief({"all": True}) == "all"
    assert brief({"tests": ["test_a.py", "test_b.py::test_x"]}) == "test_a.py test_b.py::test_x"
    assert brief({"command": "ls\n  -l"}) == "ls -l"
    assert brief({"command": "x" * 99}) == "x" * 77 + "..."
