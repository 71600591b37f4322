"""Predictions, as the official harness reads them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from swe_sleep.errors import SweSleepError, UsageError
from swe_sleep.evaluate.tasks.predictions import (
    Prediction,
    read_predictions,
    write_predictions,
)

PATCH = "diff --git a/ä.py b/ä.py\n--- a/ä.py\n+++ b/ä.py\n@@ -1 +1 @@\n-1\n+2\u2028\r\n"

HARNESS = """
import json, sys
from swebench.harness.utils import get_predictions_from_file
sys.stderr.write(json.dumps(get_predictions_from_file(sys.argv[1], "", "test")))
"""


def test_the_official_harness_reads_what_is_written(tmp_path: Path) -> None:
    file = tmp_path / "new" / "predictions.jsonl"
    predictions = [
        Prediction("a__b-1", "swe-sleep on seed0", PATCH),
        Prediction("a__b-2", "swe-sleep on seed0", ""),
        Prediction("a__b-3", "m", PATCH.rstrip()),
    ]
    assert write_predictions(file, predictions) == 3
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", HARNESS, str(file)],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    read = json.loads(done.stderr.splitlines()[-1])
    assert read == [
        {
            "instance_id": each.instance_id,
            "model_name_or_path": each.model_name_or_path,
            "model_patch": patch,
        }
        for each, patch in zip(predictions, (PATCH, "", PATCH.rstrip() + "\n"), strict=True)
    ]
    back = read_predictions(file)
    assert list(back) == ["a__b-1", "a__b-2", "a__b-3"]
    assert back["a__b-1"].patch == PATCH
    assert not list(file.parent.glob(".*"))


def test_bytes_that_are_no_text_do_not_break_the_file(tmp_path: Path) -> None:
    file = tmp_path / "p.jsonl"
    write_predictions(file, [Prediction("a", "m", b"+\xff\n".decode("utf-8", "surrogateescape"))])
    assert json.loads(file.read_text("utf-8"))["model_patch"] == "+\ufffd\n"


def test_what_the_harness_would_not_find_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"should end in \.jsonl"):
        write_predictions(tmp_path / "predictions.txt", [])
    with pytest.raises(UsageError, match="two patches for a"):
        write_predictions(tmp_path / "p.jsonl", [Prediction("a"), Prediction("a")])
    (tmp_path / "file").write_text("")
    with pytest.raises(SweSleepError, match="cannot write"):
        write_predictions(tmp_path / "file" / "p.jsonl", [Prediction("a")])
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "p.jsonl"
    write_predictions(file, [Prediction("a", "m", "x")])
    kept = file.read_bytes()

    def failing() -> list[Prediction]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_predictions(file, failing())
    assert file.read_bytes() == kept


def test_other_forms_that_the_harness_takes_are_read(tmp_path: Path) -> None:
    one = {"instance_id": "a", "model_name_or_path": "m", "model_patch": None, "more": 1}
    file = tmp_path / "predictions.json"
    for form in ([one], {"a": one}):
        file.write_text(json.dumps(form))
        assert read_predictions(file)["a"].patch == ""


def test_a_fault_is_named_by_its_line(tmp_path: Path) -> None:
    file = tmp_path / "p.jsonl"
    good = json.dumps({"instance_id": "a", "model_patch": ""})
    for text, said in (
        (f"{good}\n{{}}", "line 2: there is no `instance_id`"),
        (f"{good}\n{good}", "line 2: 'a' was there before, at "),
        ('{"instance_id": "a", "model_patch": 3}', "line 1: expected `str | null`, got `int`"),
        ("", "holds no prediction"),
        ("{", "line 1 is not JSON"),
    ):
        file.write_text(text)
        with pytest.raises(UsageError) as caught:
            read_predictions(file)
        assert said in str(caught.value)
    with pytest.raises(UsageError, match="cannot read"):
        read_predictions(tmp_path / "none.jsonl")
    whole = tmp_path / "p.json"
    for text, said in (("3", "neither an array nor"), ("{", "is not JSON"), ("[{}]", "element 1")):
        whole.write_text(text)
        with pytest.raises(UsageError, match=said):
            read_predictions(whole)
    with pytest.raises(UsageError, match="cannot read"):
        read_predictions(tmp_path / "none.json")
