"""Runs against a local server, through the real SDK."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

from swe_sleep.evaluate.runs.folder import RunFolder
from swe_sleep.evaluate.runs.records import Arm
from swe_sleep.evaluate.stateful.answering import Budget, Sleep, levels
from swe_sleep.evaluate.stateful.asking import Asker, Replies, Till
from swe_sleep.evaluate.stateful.bench import Bench
from swe_sleep.evaluate.stateful.figures import Figures, figures
from swe_sleep.evaluate.stateful.loading import gather
from swe_sleep.evaluate.stateful.plan import Options, plan
from swe_sleep.evaluate.stateful.predicting import Rarity
from swe_sleep.evaluate.stateful.problems import Data
from swe_sleep.evaluate.stateful.run import REPLIES, Summary, run
from swe_sleep.model.catalogue import prices
from swe_sleep.model.client import ClaudeModel, ClientOptions

MODEL = "claude-haiku-4-5"
Body = dict[str, Any]


class Go(Protocol):
    def __call__(
        self,
        data: Data,
        options: Options,
        *,
        usd: float = 5.0,
        jobs: int = 2,
        model: str = MODEL,
        stop: Callable[[], bool] = ...,
    ) -> Summary: ...


@pytest.fixture
def go(messages_api: Any, tmp_path: Path) -> Go:
    """`go(data, options)` runs in the folder `tmp_path/run`."""

    def each(
        data: Data,
        options: Options,
        *,
        usd: float = 5.0,
        jobs: int = 2,
        model: str = MODEL,
        stop: Callable[[], bool] = lambda: False,
    ) -> Summary:
        folder = RunFolder(tmp_path / "run")
        reached = ClientOptions(
            model=model, base_url=messages_api.url, api_key="k", thinking=False, max_retries=0
        )
        rarity = Rarity.of(query.question for query in data.queries)
        with folder.lock(), ClaudeModel(reached) as claude:
            till = Till(Replies(folder.path / REPLIES), prices(), usd)
            asker = Asker(claude, reached, till)
            bench = Bench(folder, asker, asker, options, rarity)
            return run(plan(data, options), bench, folder, till, jobs=jobs, stop=stop)

    return each


@pytest.fixture
def made(make_problems: Callable[..., list[dict[str, object]]]) -> Callable[..., Data]:
    def make(texts: int, questions: int = 2) -> Data:
        records = make_problems(texts, questions)
        return gather("shops", ((f"{n:04d}", each) for n, each in enumerate(records, 1)))

    return make


def options(*arms: Arm, **more: Any) -> Options:
    given = Options(
        arms=arms or (Arm.ON, Arm.OFF),
        budgets=(Budget(level=0),),
        sleeps=(Sleep(),),
        seeds=(0,),
        model=MODEL,
    )
    return dataclasses.replace(given, **more)


def right(summary: Summary, arm: Arm) -> list[bool]:
    return [each.right for each in summary.answers.values() if each.trial.arm is arm]


def first_texts(scripted: Any, *, tools: bool) -> list[str]:
    return [
        body["messages"][0]["content"][0]["text"]
        for body in scripted.asked
        if bool(body.get("tools")) is tools
    ]


def test_what_sleep_wrote_stands_in_place_of_the_text(
    go: Go, made: Callable[..., Data], scripted: Any
) -> None:
    summary = go(made(2), options(Arm.ON))

    assert right(summary, Arm.ON) == [True] * 4
    answered = first_texts(scripted, tools=False)
    assert len(answered) == 4
    for prompt in answered:
        assert "LEARNED" in prompt
        assert "There are 2 shelves" not in prompt
    assert all("There are 2 shelves" in each for each in first_texts(scripted, tools=True))
    # two texts, two turns each: sleep is shared by the questions on a text
    assert len(first_texts(scripted, tools=True)) == 4
    assert all(each.rethinks == 1 and each.finished for each in summary.readings.values())
    assert summary.whole


def test_no_answer_is_sent_to_the_model(go: Go, made: Callable[..., Data], scripted: Any) -> None:
    data = made(1)
    go(data, options(Arm.OFF))

    for body in scripted.asked:
        for query in data.queries:
            assert str(query.right.value) not in json.dumps(body["messages"])


def test_without_sleep_the_text_is_given(go: Go, made: Callable[..., Data], scripted: Any) -> None:
    summary = go(made(1), options(Arm.OFF))

    assert right(summary, Arm.OFF) == [True, True]
    assert not summary.readings
    assert all("There are 2 shelves" in each for each in first_texts(scripted, tools=False))


def test_the_text_beside_what_was_learned_as_the_released_code_has_it(
    go: Go, made: Callable[..., Data], scripted: Any
) -> None:
    go(made(1), options(Arm.ON, with_context=True))

    for prompt in first_texts(scripted, tools=False):
        assert "LEARNED" in prompt
        assert "There are 2 shelves" in prompt


def test_the_placebo_has_what_was_learned_of_another_text(
    go: Go, made: Callable[..., Data], scripted: Any
) -> None:
    summary = go(made(3), options(Arm.ON, Arm.SHUFFLED))

    assert all(right(summary, Arm.ON))
    assert not any(right(summary, Arm.SHUFFLED))
    assert len(summary.readings) == 3  # each is read once, for both arms


def test_stale_is_what_was_learned_before_the_last_sentence(
    go: Go, made: Callable[..., Data], scripted: Any
) -> None:
    summary = go(made(1), options(Arm.STALE))

    assert all("shelves" not in each for each in first_texts(scripted, tools=True))
    assert all(right(summary, Arm.STALE))  # the last sentence does not matter here


def test_several_readings_are_put_together(
    go: Go, made: Callable[..., Data], scripted: Any
) -> None:
    summary = go(made(1, 1), options(Arm.ON, sleeps=(Sleep(1), Sleep(3))))

    one, three = (
        next(p for p in first_texts(scripted, tools=False) if p.count("LEARNED") == count)
        for count in (1, 3)
    )
    assert "LEARNED 1" in one
    assert all(f"LEARNED {number}" in three for number in (1, 2, 3))
    assert len(summary.readings) == 3  # the one reading is the first of the three
    small, large = sorted(each.memory_chars for each in summary.answers.values())
    assert large > 2 * small


def test_levels_and_efforts_differ_on_the_wire(
    go: Go, made: Callable[..., Data], scripted: Any
) -> None:
    go(made(1, 1), options(Arm.OFF, budgets=levels("0,1,2,3,4")))
    systems = {body["system"][0]["text"] for body in scripted.asked}
    assert len(systems) == 5
    assert all("effort" not in body["output_config"] for body in scripted.asked)

    scripted.asked.clear()
    efforts = (Budget(effort="low"), Budget(effort="high"))
    go(made(1, 1), options(Arm.OFF, budgets=efforts), model="claude-sonnet-5")
    assert {body["output_config"]["effort"] for body in scripted.asked} == {"low", "high"}
    assert len({body["system"][0]["text"] for body in scripted.asked}) == 1


def test_arms_differ_in_nothing_but_the_first_message(
    go: Go, made: Callable[..., Data], scripted: Any
) -> None:
    go(made(1, 1), options())

    on, off = (body for body in scripted.asked if not body.get("tools"))
    assert on["system"] == off["system"]
    assert on["messages"][1:] == off["messages"][1:]
    assert {key: on[key] for key in on if key != "messages"} == {
        key: off[key] for key in off if key != "messages"
    }


def test_a_text_of_which_nothing_was_noted_is_given_itself(
    go: Go, made: Callable[..., Data], scripted: Any, messages_api: Any
) -> None:
    scripted._read = lambda body: [messages_api.call("finish_rethinking_memory")]
    summary = go(made(1), options(Arm.ON))

    assert all(each.bare and each.right for each in summary.answers.values())


def test_a_problem_of_one_sentence_needs_no_sleep(go: Go, messages_api: Any) -> None:
    data = gather("one", [("0001", {"question": "What are 3 and 4?", "answer": 7})])
    reply = json.dumps({"working": "", "answer": "7"})
    messages_api.otherwise = lambda body: [messages_api.text(reply)]
    summary = go(data, options())

    # both arms ask the same, so one reply serves both
    assert len(messages_api.requests) == 1
    assert right(summary, Arm.ON) == right(summary, Arm.OFF) == [True]


def test_seeds_and_samples_are_asked_anew(go: Go, made: Callable[..., Data], scripted: Any) -> None:
    summary = go(made(1, 1), options(Arm.OFF, seeds=(0, 1), samples=3))

    assert len(scripted.asked) == 6
    assert len(summary.answers) == 6
    bodies = {json.dumps(body, sort_keys=True) for body in scripted.asked}
    assert len(bodies) == 1


def test_what_is_done_is_not_asked_again(
    go: Go, made: Callable[..., Data], scripted: Any, tmp_path: Path
) -> None:
    data = made(2)
    first = go(data, options())
    count = len(scripted.asked)
    again = go(data, options())

    assert len(scripted.asked) == count
    assert again.made == 0
    assert again.answers == first.answers
    assert again.spent.cost_usd == pytest.approx(first.spent.cost_usd)
    # nor where all but the replies is gone
    for name in ("answers.jsonl", "readings.jsonl", "results.jsonl"):
        (tmp_path / "run" / name).unlink()
    replayed = go(data, options())
    assert len(scripted.asked) == count
    assert replayed.made == 8
    usage = [each.usage for each in replayed.answers.values()]
    assert usage == [each.usage for each in first.answers.values()]


def test_more_is_added_to_what_is_there(go: Go, made: Callable[..., Data], scripted: Any) -> None:
    data = made(1)
    go(data, options(Arm.OFF))
    count = len(scripted.asked)
    summary = go(data, options(Arm.OFF, Arm.ON, sleeps=(Sleep(2),)))

    assert summary.made == 2
    assert len(scripted.asked) == count + 2 * 2 + 2


def test_a_torn_last_line_is_a_line_that_was_never_written(
    go: Go, made: Callable[..., Data], scripted: Any, tmp_path: Path
) -> None:
    data = made(1)
    go(data, options(Arm.OFF))
    for name in ("answers.jsonl", "replies.jsonl", "results.jsonl"):
        file = tmp_path / "run" / name
        file.write_bytes(file.read_bytes()[:-40])
    summary = go(data, options(Arm.OFF))

    assert summary.made == 1
    assert summary.whole


def test_money_is_a_hard_limit(
    go: Go, made: Callable[..., Data], scripted: Any, messages_api: Any, tmp_path: Path
) -> None:
    messages_api.usage = lambda body, blocks: messages_api.Usage(input=1000, output=2000)
    summary = go(made(8), options(Arm.OFF), usd=0.08, jobs=4)

    # each costs 1.1 cents, and may cost up to 8,000 tokens of output, which are 4
    assert 0 < len(summary.answers) < 16
    assert summary.spent.cost_usd is not None
    assert summary.spent.cost_usd <= 0.08
    assert "limit of $0.08" in summary.ended
    assert summary.left == 16 - len(summary.answers)
    # nothing was cut to fit the money that was left
    assert {body["max_tokens"] for body in scripted.asked} == {8000}
    # what an earlier run spent counts
    count = len(scripted.asked)
    again = go(made(8), options(Arm.OFF), usd=0.08)
    assert len(scripted.asked) == count
    assert again.left == summary.left


def test_a_request_of_a_killed_run_counts_with_the_most_it_may_have_cost(
    go: Go, made: Callable[..., Data], scripted: Any, tmp_path: Path
) -> None:
    data = made(1)
    first = go(data, options(Arm.OFF))
    file = tmp_path / "run" / REPLIES
    lines = [line for line in file.read_bytes().split(b"\n") if b'"sent"' in line]
    file.write_bytes(b"\n".join(lines))
    spent = Replies(file).spent.cost_usd

    assert first.spent.cost_usd is not None
    assert spent is not None
    assert spent > 10 * first.spent.cost_usd


def test_one_bad_problem_never_stops_the_rest(
    go: Go, made: Callable[..., Data], scripted: Any, messages_api: Any, tmp_path: Path
) -> None:
    messages_api.fails(400, "invalid_request_error")
    summary = go(made(2), options(Arm.OFF), jobs=1)

    assert len(summary.answers) == 3
    assert len(summary.lost) == 1
    assert "refused" in summary.lost[0].reason
    assert RunFolder(tmp_path / "run").lost()
    # it is tried again when the run is gone on with
    assert go(made(2), options(Arm.OFF)).whole
    assert not RunFolder(tmp_path / "run").lost()


def test_a_text_that_cannot_be_read_loses_its_questions_alone(
    go: Go, made: Callable[..., Data], scripted: Any, messages_api: Any
) -> None:
    messages_api.fails(400, "invalid_request_error")
    summary = go(made(3), options(), jobs=1)

    assert len(summary.lost) == 2
    assert all(each.trial is not None and each.trial.arm is Arm.ON for each in summary.lost)
    assert len(summary.answers) == 10


def test_a_server_that_is_gone_ends_the_run(
    go: Go, made: Callable[..., Data], messages_api: Any
) -> None:
    messages_api.fails(529, "overloaded_error", times=5)
    summary = go(made(8), options(Arm.OFF), jobs=1)

    assert len(messages_api.requests) == 5
    assert "overloaded" in summary.ended
    assert summary.left == 11


def test_a_key_that_is_refused_ends_the_run_at_once(
    go: Go, made: Callable[..., Data], messages_api: Any
) -> None:
    messages_api.fails(401, "authentication_error")
    summary = go(made(8), options(Arm.OFF), jobs=1)

    assert len(messages_api.requests) == 1
    assert "key" in summary.ended


def test_stopping_gives_up_what_is_under_way(
    go: Go, made: Callable[..., Data], messages_api: Any
) -> None:
    messages_api.never_answers(times=2)
    summary = go(made(4), options(Arm.OFF), stop=lambda: len(messages_api.requests) >= 2)

    assert not summary.answers
    assert not summary.lost
    assert summary.left == 8
    assert not summary.ended


def test_replies_without_an_answer_are_wrong_and_counted(
    go: Go, made: Callable[..., Data], messages_api: Any
) -> None:
    messages_api.otherwise = lambda body: [messages_api.text("I do not know.")]
    data = made(1)
    summary = go(data, options(Arm.OFF))

    assert not any(right(summary, Arm.OFF))
    found = figures(data, list(summary.answers.values()), {}, options(Arm.OFF))
    assert found.rows[0].unanswered == 2


def test_expected_questions_are_asked_for_once_a_text_and_not_charged_to_sleep(
    go: Go, made: Callable[..., Data], scripted: Any
) -> None:
    summary = go(made(1, 2), options(foresee=4))

    lists = [body for body in scripted.asked if "questions" in str(body.get("output_config"))]
    assert len(lists) == 1
    assert summary.foresight.output_tokens == 20
    ranks = {each.trial.task: each.foreseen for each in summary.answers.values()}
    assert ranks["0001.2"] == 3


def test_the_figures_of_a_run(
    go: Go, made: Callable[..., Data], scripted: Any, messages_api: Any, tmp_path: Path
) -> None:
    def usage(body: Body, blocks: object) -> Any:
        if body.get("tools"):
            return messages_api.Usage(input=300, output=500)
        first = body["messages"][0]["content"][0]["text"]
        return messages_api.Usage(input=100, output=400 if "The text:" in first else 50)

    messages_api.usage = usage
    scripted.right_from = 1  # without sleep, level 0 is not enough
    data = made(8, 2)
    wanted = options(Arm.ON, Arm.OFF, Arm.SHUFFLED, budgets=levels("0,2"), samples=4)
    summary = go(data, wanted, jobs=4)
    sleeps = RunFolder(tmp_path / "run").sleeps()
    found = figures(data, list(summary.answers.values()), sleeps, wanted)

    accuracy = {(row.key.arm, row.key.budget): row.accuracy for row in found.rows}
    assert accuracy[Arm.ON, "level=0"] == 1
    assert accuracy[Arm.OFF, "level=0"] == 0
    assert accuracy[Arm.OFF, "level=2"] == 1
    assert accuracy[Arm.SHUFFLED, "level=0"] == 0

    better, same = (
        next(
            each
            for each in found.differences
            if each.key.arm is Arm.ON and each.against.arm is Arm.OFF and each.key.budget == budget
        )
        for budget in ("level=0", "level=2")
    )
    assert better.verdict == "more often right"
    assert better.difference == 1
    assert same.verdict == "no difference shown"

    _check_costs(found)
    assert [each.accuracy for each in found.pass_at] == [0, 0, 0, 0]
    tokens = next(each for each in found.equal_tokens if each.measure == "generated")
    assert tokens.k == 1  # fewer tokens than one sample
    assert tokens.difference == 1
    assert [each.source for each in found.predictability] == ["memory"]


def _check_costs(found: Figures) -> None:
    on = {
        each.measure.value: each
        for each in found.costs
        if each.key.arm is Arm.ON and each.key.budget == "level=0"
    }
    paper, tokens, usd = on["generated"], on["tokens"], on["usd"]
    assert (paper.test, paper.test_off, paper.sleep, paper.shared_by) == (50, 400, 1000, 2)
    assert paper.per_query == {1.0: 50 + 500, 10.0: 500 + 500}
    assert paper.curve[10.0][100] == 500 + 10
    assert paper.break_even[1.0].n == pytest.approx(1000 / 350)
    assert paper.break_even[10.0].n == pytest.approx(1000 / 3500)
    # as often right as with sleep is `off` only at level 2, which costs as much
    assert paper.matched == "level=2"
    # with the memory read again at each query
    assert (tokens.test, tokens.test_off, tokens.sleep) == (150, 500, 1600)
    assert usd.sleep == pytest.approx((600 * 1 + 1000 * 5) / 1e6)
    assert usd.test == pytest.approx((100 * 1 + 50 * 5) / 1e6)


def test_eval_report_reads_the_folder(
    go: Go, made: Callable[..., Data], scripted: Any, tmp_path: Path
) -> None:
    summary = go(made(2), options())
    results = RunFolder(tmp_path / "run").results()
    sleeps = RunFolder(tmp_path / "run").sleeps()

    assert len(results) == 8
    assert all(each.slept in sleeps for each in results.values() if each.trial.arm is Arm.ON)
    assert {each.usage for each in results.values()} == {
        each.usage for each in summary.answers.values()
    }
    some = next(iter(results.values()))
    assert (tmp_path / "run" / some.folder / "reply.json").is_file()
    assert "working" in (tmp_path / "run" / some.folder / "prompt.txt").read_text()


def test_a_large_run_has_no_folder_for_each_answer(
    go: Go,
    made: Callable[..., Data],
    scripted: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("swe_sleep.evaluate.stateful.run.MOST_FOLDERS", 3)
    go(made(2), options(Arm.OFF))

    assert len(RunFolder(tmp_path / "run").results()) == 4
    assert not (tmp_path / "run" / "trials").exists()
