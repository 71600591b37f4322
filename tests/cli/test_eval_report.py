"""`swe-sleep eval report`."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swe_sleep.evaluate.runs.records import Arm

Refused = Callable[..., None]


@pytest.fixture
def run(tmp_path: Path, made_runs: Any) -> Path:
    folder: Path = made_runs.draw(
        tmp_path / "run", tasks=8, arms=[Arm.OFF, Arm.ON], budgets=("candidates=200",)
    )
    return folder


def test_in_the_terminal(cli: Any, run: Path, tmp_path: Path) -> None:
    ran = cli(tmp_path, "eval", "report", "run")
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0] == "bundled · search"
    assert "as no model was asked" in lines[1]
    assert any(line.startswith("  Notes: resolved ") for line in lines)
    assert "Cost in wall-clock seconds" in lines
    assert lines[-1] == "with --out report.html: the same with plots, on a page"


def test_in_a_narrow_one(process: Any, clean_environment: Any, run: Path, tmp_path: Path) -> None:
    ran = process(["eval", "report", "run"], tmp_path, clean_environment(COLUMNS="50"))
    assert ran.code == 0, ran
    lines = ran.out.splitlines()
    told = lines[lines.index("Resolved") :]
    assert any(line.startswith("  ") for line in told)
    assert all(len(line) <= 50 for line in told if line.startswith("  "))


def test_json_and_csv(cli: Any, run: Path, tmp_path: Path) -> None:
    found = json.loads(cli(tmp_path, "eval", "report", "run", "--json").out)
    assert [cell["key"]["arm"] for cell in found["groups"][0]["cells"]] == ["off", "on"]
    rows = list(csv.DictReader(io.StringIO(cli(tmp_path, "eval", "report", "run", "--csv").out)))
    assert any(row["figure"] == "difference.resolved" for row in rows)


def test_a_page_in_a_file(cli: Any, run: Path, tmp_path: Path) -> None:
    ran = cli(tmp_path, "eval", "report", "run", "--out", "new/report.html")
    assert ran.code == 0, ran
    assert ran.out.splitlines()[-1] == "written: new/report.html"
    html = (tmp_path / "new" / "report.html").read_text("utf-8")
    assert html.startswith("<!DOCTYPE html>")
    assert 'href="../run/trials/' in html
    assert [each.name for each in (tmp_path / "new").iterdir()] == ["report.html"]


def test_all_in_a_folder(cli: Any, run: Path, tmp_path: Path) -> None:
    ran = cli(tmp_path, "eval", "report", "run", "--out", "told", "--json")
    assert ran.code == 0, ran
    folder = tmp_path / "told"
    names = ["figures.csv", "index.html", "report.json", "results.csv"]
    assert sorted(each.name for each in folder.iterdir()) == names
    assert json.loads((folder / "report.json").read_text("utf-8")) == json.loads(ran.out)
    with (folder / "results.csv").open(newline="", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 16


def test_a_run_given_twice_counts_once(cli: Any, run: Path, tmp_path: Path) -> None:
    one = cli(tmp_path, "eval", "report", "run", "--json").out
    assert cli(tmp_path, "eval", "report", "run", "./run/", "--json").out == one


def test_the_unit_and_the_seed(cli: Any, run: Path, tmp_path: Path) -> None:
    ran = cli(tmp_path, "eval", "report", "run", "--unit", "test-runs", "--seed", "5", "--json")
    found = json.loads(ran.out)
    assert found["seed"] == 5
    assert found["groups"][0]["unit"] == "test-runs"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing"], ["nothing holds no run"]),
        (["run", "--unit", "pounds"], ["pounds is no unit", "usd"]),
        (["run", "--unit", "tokens"], ["has nothing in tokens", "seconds"]),
        (["run", "--csv", "--json"], ["Give one of them"]),
        (["run", "--out", "run/run.json"], ["neither a folder nor named .html"]),
    ],
)
def test_what_is_refused(
    cli: Any, run: Path, tmp_path: Path, refused: Refused, arguments: list[str], words: list[str]
) -> None:
    refused(cli(tmp_path, "eval", "report", *arguments), *words)


@pytest.mark.parametrize(
    ("missing", "option"), [("scipy", []), ("matplotlib", ["--out", "p.html"])]
)
def test_a_missing_library_is_named_with_how_to_install_it(
    cli: Any,
    run: Path,
    tmp_path: Path,
    refused: Refused,
    monkeypatch: pytest.MonkeyPatch,
    missing: str,
    option: list[str],
) -> None:
    import importlib

    there = importlib.import_module

    def gone(name: str, package: str | None = None) -> Any:
        if name.partition(".")[0] == missing:
            raise ModuleNotFoundError(f"No module named {missing!r}", name=missing)
        return there(name, package)

    monkeypatch.setattr("swe_sleep.evaluate.extras.importlib.import_module", gone)
    ran = cli(tmp_path, "eval", "report", "run", *option)
    refused(ran, f"needs {missing}", 'uv tool install "swe-sleep[eval]"')
    assert not (tmp_path / "p.html").exists()
