"""`swe-sleep eval texts`, as a person runs it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

MODEL = "claude-haiku-4-5"


class Command:
    """Runs it in a folder of its own, in this process or (`start`) in another."""

    def __init__(self, folder: Path, url: str, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.url = url
        self._capture = capture

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        server = ("--base-url", self.url, "--model", MODEL)
        return subprocess.Popen(
            [sys.executable, "-m", "swe_sleep", "eval", "texts", *arguments, *server],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *arguments: str, status: int = 0) -> tuple[str, str]:
        from swe_sleep.cli import app

        self._capture.readouterr()
        code = app.run(("eval", "texts", *arguments))
        said = self._capture.readouterr()
        assert code == status, said.err
        return said.out, said.err

    def served(self, *arguments: str, status: int = 0) -> tuple[str, str]:
        server = ("--base-url", self.url, "--model", MODEL)
        return self(*arguments, *server, status=status)


@pytest.fixture
def texts(
    tmp_path: Path,
    messages_api: Any,
    make_problems: Callable[..., list[Mapping[str, object]]],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Command:
    """The command, in a folder that has `data.jsonl`."""
    lines = [json.dumps(each) for each in make_problems(4, 2)]
    (tmp_path / "data.jsonl").write_text("\n".join([*lines, "{oops"]))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    return Command(tmp_path, messages_api.url, capfd)


def test_a_run_and_its_report(texts: Command, scripted: Any, tmp_path: Path) -> None:
    out, err = texts.served(
        "--data", "data.jsonl", "--arms", "on,off,shuffled", "--levels", "0,2", "--sleeps", "1,2",
        "--pass-at", "2", "--run", "run",
    )  # fmt: skip

    assert "8 questions on 4 texts" in err
    assert "left out: record 0005: it is not JSON" in err
    assert "to do: 8 readings, 88 answers" in err
    assert "at most $2.00" in err
    for said in ("level=0", "readings=2", "100.0", "no difference shown", "generated tokens",
                 "pass@2", "break-even N"):  # fmt: skip
        assert said in out
    assert (tmp_path / "run" / "figures.csv").read_text().startswith("arm,budget,sleep,queries")
    figures = json.loads((tmp_path / "run" / "figures.json").read_text())
    assert figures["answers"] == 88
    manifest = json.loads((tmp_path / "run" / "run.json").read_text())
    assert manifest["budgets"] == ["level=0", "level=2"]
    assert manifest["sleeps"] == ["readings=1", "readings=2"]

    # gone on with: nothing is asked again
    count = len(scripted.asked)
    out, err = texts.served(
        "--data", "data.jsonl", "--arms", "on,off,shuffled", "--levels", "0,2", "--sleeps", "1,2",
        "--run", "run", "--json",
    )  # fmt: skip
    assert len(scripted.asked) == count
    plain = json.loads(out)
    assert plain["made"] == 0
    rows = {(r["key"]["arm"] if isinstance(r["key"], dict) else r["key"][0]) for r in
            plain["figures"]["rows"]}  # fmt: skip
    assert rows == {"on", "off", "shuffled"}


def test_a_killed_run_goes_on_and_pays_nothing_twice(
    texts: Command, scripted: Any, messages_api: Any
) -> None:
    arguments = ("--data", "data.jsonl", "--levels", "0", "--run", "run", "--jobs", "1")
    process = texts.start(*arguments)
    assert messages_api.wait_for(9, timeout_s=150)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = [json.dumps(body, sort_keys=True) for body in scripted.asked]
    out, _ = texts.served(*arguments, "--json")
    asked = [json.dumps(body, sort_keys=True) for body in scripted.asked]

    assert json.loads(out)["answers"] == 16
    repeated = [each for each in asked[len(before) :] if each in before]
    assert len(repeated) <= 1  # the one that was under way when it was killed


def test_ctrl_c_keeps_what_is_done(texts: Command, scripted: Any, messages_api: Any) -> None:
    messages_api.compute(scripted)
    messages_api.compute(scripted)
    messages_api.compute(scripted)
    messages_api.never_answers()
    process = texts.start(
        "--data", "data.jsonl", "--levels", "0", "--run", "run", "--jobs", "1"
    )  # fmt: skip
    assert messages_api.wait_for(4, timeout_s=150)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    out, _ = process.communicate(timeout=120)

    assert process.returncode == 130
    assert time.monotonic() - began < 60
    assert "are left; the same command goes on from there" in out


def test_without_a_key_it_says_what_it_needs(
    texts: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    _, err = texts("--data", "data.jsonl", status=2)

    assert "only be read and answered by a model" in err
    assert "ANTHROPIC_API_KEY" in err
    assert "to do: 4 readings, 80 answers" in err  # the price is known before
    assert not (tmp_path / "runs").exists()


def test_efforts_that_would_be_the_same_are_refused(
    texts: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWE_SLEEP_MODEL__THINKING", "false")
    _, err = texts(
        "--data", "data.jsonl", "--model", "claude-haiku-5-5", "--efforts", "high,max", status=2
    )
    assert "no more effort than high" in err


def test_a_dry_run_says_the_price_and_does_nothing(texts: Command, tmp_path: Path) -> None:
    given = ("--data", "data.jsonl", "--model", MODEL, "--limit", "2", "--dry-run", "--run", "run")
    out, err = texts(*given)
    assert "to do: 1 reading, 20 answers by claude-haiku-4-5: about $0.0" in out
    assert err == ""

    out, err = texts(*given, "--foresee", "3", "--json")
    planned = json.loads(out)
    assert err == ""
    assert planned["to_do"] == {"readings": 1, "answers": 20, "lists": 1}
    assert (planned["queries"], planned["texts"], len(planned["answers"])) == (2, 1, 20)
    assert planned["left_out"][0].startswith("record 0005: it is not JSON")
    assert 0 < planned["guess_usd"] < planned["most_usd"] == 2
    assert not (tmp_path / "run").exists()


def test_another_run_s_folder_is_not_written_to(
    texts: Command, scripted: Any, tmp_path: Path
) -> None:
    texts.served("--data", "data.jsonl", "--levels", "0", "--limit", "1", "--run", "run")
    _, err = texts.served(
        "--data", "data.jsonl", "--levels", "0", "--with-context", "--run", "run", status=2
    )
    assert "settings.with_context was False, and is True" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--data", "gone.jsonl"), "no file gone.jsonl"),
        (("--data", "data.jsonl", "--levels", "0,7"), "from 0 to 4"),
        (("--data", "data.jsonl", "--levels", "0", "--efforts", "low"), "two kinds of budget"),
        (("--data", "data.jsonl", "--efforts", "low", "--model", MODEL), "takes no effort low"),
        (("--data", "data.jsonl", "--efforts", "low,much"), "'low,much' is not of"),
        (("--data", "data.jsonl", "--arms", "on,behind"), "no arm 'behind'"),
        (("--data", "data.jsonl", "--arms", "on", "--pass-at", "3"), "samples the arm `off`"),
        (("--data", "data.jsonl", "--sleeps", "x"), "no list of numbers"),
        (("--data", "data.jsonl", "--weights", "0"), "no list of numbers"),
        (("--data", "data.jsonl", "--limit", "1", "--arms", "shuffled"), "needs two texts"),
    ],
)
def test_bad_usage(texts: Command, arguments: tuple[str, ...], said: str) -> None:
    _, err = texts(*arguments, status=2)

    assert said in err
