from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from swe_sleep.evaluate.executors.local import LocalExecutor
from swe_sleep.evaluate.runs.conditions import Conditions
from swe_sleep.evaluate.runs.folder import RunFolder
from swe_sleep.evaluate.runs.plan import plan
from swe_sleep.evaluate.runs.records import Arm, Trial
from swe_sleep.evaluate.runs.run import run
from swe_sleep.evaluate.runs.trial import Asked, carry_out
from swe_sleep.evaluate.tasks.task import Case, Related, Suite
from swe_sleep.sandbox.local import LocalBackend

Suites = Callable[..., Suite]
FLAGS: dict[str, Any] = {"sandbox.backend": "local"}


def asked(case: Case, conditions: Conditions, arm: Arm = Arm.OFF) -> Asked:
    return Asked("key", Trial(case.id, arm, "seconds=90", ""), case, None, "", conditions)


def test_hidden_tests_enter_a_sandbox_only_to_grade(
    make_suite: Suites, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything that is put into any sandbox is looked at, and the first sandbox, in which the
    issue is solved, is closed before the hidden tests come."""
    case = make_suite("basket").cases[0]
    (hidden,) = case.answer.test_files.values()
    secret = hidden.encode()
    events: list[str] = []
    opening = LocalBackend.open

    def watched(self: LocalBackend, *arguments: Any, **options: Any) -> Any:
        sandbox = opening(self, *arguments, **options)
        events.append("open")
        put, close = sandbox.put, sandbox.close

        def seen(files: Mapping[str, bytes | None]) -> None:
            texts = [text for text in files.values() if text]
            events.append("secret" if any(secret in text for text in texts) else "put")
            put(files)

        def closed() -> None:
            events.append("close")
            close()

        monkeypatch.setattr(sandbox, "put", seen)
        monkeypatch.setattr(sandbox, "close", closed)
        return sandbox

    monkeypatch.setattr(LocalBackend, "open", watched)
    finished = carry_out(asked(case, Conditions("search", FLAGS)), lambda line: None)
    assert finished.result.resolved and finished.result.begun and not finished.result.weak
    assert b" resolved: 1 of 1 fail-to-pass and 1 of 1 pass-to-pass" in finished.files["log.txt"]
    first = events.index("secret")
    assert "put" in events[:first], "the search tried candidates before"
    assert events[:first].count("open") == events[:first].count("close") + 1
    assert all(secret not in content for content in finished.files.values())


def test_a_wrong_patch_is_not_resolved_and_what_it_lacks_is_said(make_suite: Suites) -> None:
    case = make_suite("basket").cases[1]  # in prose: nothing that a test could be made of
    finished = carry_out(asked(case, Conditions("search", FLAGS)), lambda line: None)
    result = finished.result
    assert not result.resolved and not result.applied and not result.begun
    assert result.why and result.patch_s is None
    assert (result.gold_files, result.hit_files) == (1, 0)
    assert set(finished.files) == {"log.txt"}
    assert finished.files["log.txt"].decode().endswith(f" no patch: {result.why}\n")


def test_claude_in_two_arms(
    make_suite: Suites,
    git: Callable[..., str],
    messages_api: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """What differs between the prompts is what the notes say; and older changes are told in all."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "test-key-of-no-one")
    edit = messages_api.call(
        "bash", command="sed -i 's/max(/min(/' basket.py", call_id="toolu_edit"
    )
    done = messages_api.call("submit", summary="The smallest.", call_id="toolu_done")

    look = messages_api.call("notes", about="basket.py", call_id="toolu_look")

    def answer(body: dict[str, Any]) -> Any:
        if len(body["messages"]) > 1:
            return (done,)
        return (look, edit) if "notes" in str(body["tools"]) else (edit,)

    messages_api.otherwise = answer
    flags = FLAGS | {
        "model.base_url": messages_api.url,
        "sleep.ask_model": False,
        "sleep.hunt": False,
    }
    case = make_suite("basket").cases[1]
    root = case.task.sources[0].parent
    git(root, "commit", "-q", "--allow-empty", "-m", "The answer itself")
    related = tuple(
        Related(git(root, "rev-parse", f"HEAD{older}").strip(), f"Change{older}")
        for older in ("~2", "")
    )
    suite = Suite("one", (replace(case, task=replace(case.task, related=related)),))
    folder = RunFolder(tmp_path / "run")
    made = plan(
        suite,
        arms=[Arm.OFF, Arm.ON],
        budgets=["turns=5"],
        sleeps=["seconds=20,follow=1"],
        seeds=[0],
        conditions=Conditions("agent", flags),
        stores=folder.stores,
    )
    with folder.lock():
        summary = run(made, folder, LocalExecutor(1))
    assert summary.whole, summary.lost
    by_arm = {each.trial.arm: each for each in summary.results.values()}
    for each in by_arm.values():
        assert each.resolved and each.solver == "agent"
        assert each.usage.turns == 2 and each.usage.output_tokens > 0
        assert each.usage.cost_usd
        assert list((folder.path / each.folder).glob("trajectory-*.jsonl"))
    assert by_arm[Arm.OFF].shown == 0
    assert by_arm[Arm.ON].shown > 0 and by_arm[Arm.ON].used > 0
    assert by_arm[Arm.ON].shown_chars > 0
    assert by_arm[Arm.ON].usage.prompt_tokens > by_arm[Arm.OFF].usage.prompt_tokens
    bodies = [each.body for each in messages_api.requests if len(each.body["messages"]) == 1]
    off, on = sorted(bodies, key=lambda body: len(body["tools"]))
    assert [tool["name"] for tool in on["tools"] if tool not in off["tools"]] == ["notes"]
    assert off["system"] == on["system"] and "note" not in str(off).lower()
    for body in (off, on):
        first = body["messages"][0]["content"][0]["text"]
        assert f"{related[0].commit[:10]} Change~2\nFiles: basket.py, tests/test_" in first
        assert related[1].commit[:10] not in str(body), "it is younger than the task"


def test_one_bad_task_stops_no_other(make_suite: Suites, tmp_path: Path) -> None:
    clock, *basket = [*make_suite("clock").cases, *make_suite("basket").cases]
    bad = replace(clock, task=replace(clock.task, base_commit="0" * 40))
    folder = RunFolder(tmp_path / "run")
    made = plan(
        Suite("x", (bad, *basket)),
        arms=[Arm.OFF],
        budgets=["seconds=60"],
        sleeps=[],
        seeds=[0],
        conditions=Conditions("search", FLAGS),
        stores=folder.stores,
    )
    with folder.lock():
        summary = run(made, folder, LocalExecutor(1))
        assert [each.what.split()[0] for each in summary.lost] == ["clock-rest"]
        assert "no commit" in summary.lost[0].reason
        assert len(summary.results) == 2 and summary.left == 0
        again = run(made, folder, LocalExecutor(1))
    assert again.made == 0 and len(again.lost) == 1


def test_a_task_that_is_judged_by_its_files(make_suite: Suites, tmp_path: Path) -> None:
    """The built-in ranking needs no notes, so that all arms name the same files."""
    case = make_suite("basket").cases[0]
    by_files = Case(
        replace(case.task, score="files", text="Take a voucher off the total of a basket"),
        replace(case.answer, files=("basket.py",)),
    )
    folder = RunFolder(tmp_path / "run")
    made = plan(
        Suite("features", (by_files, *make_suite("clock").cases)),
        arms=[Arm.OFF, Arm.ON, Arm.SHUFFLED],
        budgets=["default"],
        sleeps=["seconds=10,follow=0"],
        seeds=[0],
        conditions=Conditions("search", FLAGS | {"sleep.hunt": False}),
        stores=folder.stores,
    )
    part = replace(made, asked=tuple(each for each in made.asked if each.case is by_files))
    with folder.lock():
        summary = run(part, folder, LocalExecutor(1))
    found = {each.trial.arm: each for each in summary.results.values()}
    assert len(found) == 3
    for each in found.values():
        assert each.resolved, each
        assert (each.precision, each.recall, each.f1) == (1, 1, 1)
        assert each.usage.wall_s > 0 and each.first_right == 1
