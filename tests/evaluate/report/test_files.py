"""Figures for programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

from swe_sleep.evaluate.figures.figures import Report
from swe_sleep.evaluate.report import files
from swe_sleep.evaluate.runs.records import Arm

Reported = Callable[..., Report]


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_one_row_a_trial(reported: Reported) -> None:
    report = reported({"lose": 0.2, "leave": 0.1, "model": "claude", "seeds": (0, 1)})
    rows = read(files.results_csv(report))
    (group,) = report.groups
    entries = [e for row in group.rows for each in row.entries.values() for e in each]
    assert len(rows) == len(entries) == 8 * 3 * 2
    assert {row["state"] for row in rows} == {"resolved", "not resolved", "lost", "not run"}
    for row, entry in zip(rows, entries, strict=True):
        assert (row["task"], row["arm"]) == (entry.trial.task, entry.trial.arm.value)
        assert row["seed"] == str(entry.trial.seed)
        if entry.result is None:
            assert row["output_tokens"] == ""
        else:
            result = entry.result
            assert row["resolved"] == str(int(result.resolved))
            assert int(row["output_tokens"]) == result.usage.output_tokens
            assert float(row["wall_s"]) == result.usage.wall_s
            assert float(row["trial_wall_s"]) == result.wall_s
            assert row["fail_to_pass_of"] == "2"
            assert row["first_right"] == ("" if not result.first_right else str(result.first_right))


def test_one_row_a_figure(reported: Reported) -> None:
    report = reported({"tasks": 12})
    rows = read(files.figures_csv(report))
    (group,) = report.groups
    found = {(r["arm"], r["against"], r["figure"]): r for r in rows}
    assert len(found) == len(rows)
    on = next(cell for cell in group.cells if cell.key.arm is Arm.ON)
    cost = on.costs[0]
    assert float(found["on", "", "rate.resolved"]["value"]) == on.rate.resolved
    assert float(found["on", "", "costs.seconds.test"]["value"]) == cost.test
    assert float(found["on", "", "costs.seconds.curve.1.20"]["value"]) == cost.curve[1][20]
    assert found["on", "", "costs.seconds.break_even.10.saved"]["value"]
    (first,) = [c for c in group.comparisons if (c.arm.arm, c.against.arm) == (Arm.ON, Arm.OFF)]
    row = found["on", "off", "difference.resolved"]
    assert float(row["value"]) == first.differences[0].difference
    assert row["verdict"] == first.differences[0].verdict
    assert any(name.startswith("gain.") for _, _, name in found)


def test_no_text_is_a_formula_in_a_spreadsheet(reported: Reported) -> None:
    text = files.results_csv(reported({"hostile": True}))
    cells = {cell for row in csv.reader(io.StringIO(text)) for cell in row}
    assert "'=cmd|' /C calc'!A0" in cells
    assert not any(cell.startswith(("=", "@")) for cell in cells)


def test_json_has_everything_and_no_number_that_json_lacks(reported: Reported) -> None:
    report = reported({"lose": 0.1, "tasks": 10}, {"model": "claude", "priced": False})
    text = json.dumps(files.plain(report), allow_nan=False)
    found = json.loads(text)
    assert [group["name"] for group in found["groups"]] == ["bundled · search", "bundled · claude"]
    group = found["groups"][0]
    assert group["cells"][1]["key"] == {"arm": "on", "budget": "candidates=200", "sleep": "default"}
    assert group["comparisons"][0]["against"]["arm"] == "off"
    assert group["comparisons"][0]["differences"][0]["measure"] == "resolved"
    assert len(group["rows"]) == 10
    trial = group["rows"][0]["trials"][0]
    assert trial["trial"]["task"] == group["rows"][0]["task"]
    assert trial["state"] in ("resolved", "not resolved", "lost")
    assert group["manifests"][0][1]["suite"] == "bundled"
