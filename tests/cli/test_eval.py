"""`swe-sleep eval locate`, on a small shop, with a ranking that is easy to foresee."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

# Ranks the files whose path the text has first; "BREAK" in a text breaks it, "WAIT" takes long.
RANKER = """\
import time
from dataclasses import dataclass

from swe_sleep.records import Place


@dataclass(frozen=True)
class Found:
    place: Place
    qualname: str
    score: float
    why: tuple = ("said so",)


@dataclass(frozen=True)
class Ranking:
    files: tuple
    functions: tuple
    confidence: float
    sure: bool
    pending: tuple = ()


class Locator:
    VERSION = "1"
    FEATURES = ("paths", "words")

    def __init__(self, paths):
        self.paths = paths

    @classmethod
    def of_commit(cls, repository, revision, store, *, progress):
        return cls(sorted(repository.snapshot_of(revision).files))

    def locate(self, text, *, limit=50, without=frozenset()):
        if "BREAK" in text:
            raise ValueError("broken\\x1b[2J")
        if "WAIT" in text:
            time.sleep(600)
        named = [path for path in self.paths if path in text and "paths" not in without]
        rest = [path for path in self.paths if path not in named]
        files = tuple(Found(Place(path), "", 1.0) for path in named + rest)
        functions = (Found(Place("shop/basket.py", 16, 20), "postage", 1.0),)
        return Ranking(files, functions, 0.9 if named else 0.1, bool(named))
"""


@pytest.fixture(autouse=True)
def _ranker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    folder = tmp_path / "importable"
    (folder / "simple").mkdir(parents=True)
    (folder / "simple" / "__init__.py").write_text("")
    (folder / "simple" / "ranker.py").write_text(RANKER)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr("swe_sleep.cli.eval.LOCATOR", "simple.ranker:Locator")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield
    for name in ("simple.ranker", "simple"):
        sys.modules.pop(name, None)


@pytest.fixture
def write(shop: Path, git: Callable[..., str], tmp_path: Path) -> Callable[..., list[str]]:
    """`write([{...}, ...])` writes instances of the shop; gives the options that name them."""
    shop.rename(tmp_path / "mirrors__shop")
    (tmp_path / "mirrors" / "acme").mkdir(parents=True)
    root = (tmp_path / "mirrors__shop").rename(tmp_path / "mirrors" / "acme" / "shop")
    commit = git(root, "rev-parse", "HEAD")

    def write_(records: list[dict[str, Any]]) -> list[str]:
        file = tmp_path / "issues.jsonl"
        lines = []
        for number, record in enumerate(records, 1):
            given = {
                "instance_id": f"acme__shop-{number}",
                "repo": "acme/shop",
                "base_commit": commit,
                "problem_statement": "shop/basket.py is wrong",
                "gold_py_files": ["shop/basket.py"],
                "gold_functions": ["shop/basket.py::postage"],
            }
            lines.append(json.dumps(given | record))
        file.write_text("\n".join(lines))
        return ["--instances", str(file), "--repos", str(tmp_path / "mirrors")]

    return write_


Write = Callable[..., list[str]]


def test_the_tables(cli: Any, write: Write, tmp_path: Path) -> None:
    options = write([{}, {"problem_statement": "nothing"}, {"gold_py_files": []}])
    ran = cli(tmp_path, "eval", "locate", *options)
    assert ran.code == 0, ran
    lines = ran.out.splitlines()
    heads = [f"{kind}@{k}" for kind in ("all", "any") for k in (1, 3, 5, 10)]
    assert lines[0].split() == ["files", "n", *heads, "MRR"]
    total = next(line for line in lines if line.startswith("all "))
    # In the second, __init__.py comes before it.
    assert total.split() == ["all", "2", "50.0", *["100.0"] * 3, "50.0", *["100.0"] * 3, "0.750"]
    assert any(line.startswith("path or traceback") for line in lines)
    assert any(line.startswith("nothing of these") for line in lines)
    assert any(line.startswith("functions") for line in lines)
    assert "0.8 to 1.0      1   0.90   1.00" in lines
    assert "sure of 1 of 2, and the first file is right in 100.0 % of these" in ran.out
    assert "not ranked, as the fix only adds files: 1 (acme__shop-3)" in ran.out
    assert ran.out.isascii()
    assert all(len(line) <= 110 for line in lines)
    assert "ranking: 0/3 done" in ran.err


def test_everything_as_json(cli: Any, write: Write, tmp_path: Path) -> None:
    options = write([{}, {"problem_statement": "BREAK"}, {"repo": "acme/none"}])
    ran = cli(tmp_path, "eval", "locate", *options, "--json")
    assert ran.code == 1
    found = json.loads(ran.out)
    assert found["summary"]["total"]["files"]["n"] == 1
    assert found["summary"]["total"]["files"]["all_at"]["1"] == 1.0
    assert found["summary"]["calibration"]["sure"] == 1
    (one,) = found["instances"]
    assert one["instance_id"] == "acme__shop-1"
    assert one["first_right"] is True
    assert one["file_ranks"] == {"shop/basket.py": 1}
    assert one["function_ranks"] == {"shop/basket.py::postage": 1}
    assert one["stratum"] == "path or traceback"
    assert one["files"][0]["why"] == ["said so"]
    assert one["functions"][0]["place"] == {"path": "shop/basket.py", "line": 16, "end_line": 20}
    (failure,) = found["failures"]
    assert failure["instance_id"] == "acme__shop-2"
    assert "Traceback" in failure["detail"]
    assert found["missing"] == [{"repo": "acme/none", "instance_ids": ["acme__shop-3"]}]


def test_what_could_not_be_ranked_is_shown_at_the_end(
    cli: Any, write: Write, tmp_path: Path
) -> None:
    options = write([{"problem_statement": "BREAK"}, {}, {"repo": "acme/none"}])
    ran = cli(tmp_path, "eval", "locate", *options, "--jobs", "2")
    assert ran.code == 1
    assert ran.out.splitlines()[-2:] == [
        "missing: acme/none is not below --repos; 1 issue not ranked",
        "failed: acme__shop-1: ValueError: broken\\x1b[2J",
    ]


def test_notes_and_results_stay_where_they_are_wanted(
    cli: Any, write: Write, tmp_path: Path
) -> None:
    options = write([{}])
    work = tmp_path / "work"
    assert cli(tmp_path, "eval", "locate", *options, "--work", str(work)).code == 0
    assert (work / "located.jsonl").exists()
    assert not (tmp_path / "cache").exists()
    again = cli(tmp_path, "eval", "locate", *options, "--work", str(work))
    assert "1 of 1 from an earlier one" in again.out
    anew = cli(tmp_path, "eval", "locate", *options, "--work", str(work), "--again")
    assert "0 of 1 from an earlier one" in anew.out
    assert cli(tmp_path, "eval", "locate", *options).code == 0
    assert (tmp_path / "cache" / "swe-sleep" / "eval" / "located.jsonl").exists()


def test_parts_can_be_chosen_and_features_switched_off(
    cli: Any, write: Write, tmp_path: Path
) -> None:
    options = write([{}, {"repo": "acme/none"}, {}])
    ran = cli(tmp_path, "eval", "locate", *options, "--only", "shop", "--limit", "1", "--json")
    assert ran.code == 0
    assert [each["instance_id"] for each in json.loads(ran.out)["instances"]] == ["acme__shop-1"]
    off = cli(tmp_path, "eval", "locate", *options, "--only", "acme/shop", "--ablate", "paths")
    assert off.code == 0
    assert "sure of 0 of 2;" in off.out


def test_bad_input_is_said_in_one_line(
    cli: Any, write: Write, refused: Callable[..., None], tmp_path: Path
) -> None:
    options = write([{}])
    locate = ("eval", "locate")
    refused(cli(tmp_path, *locate), "--instances")
    refused(cli(tmp_path, *locate, "--instances", "none", *options[2:]), "none", "No such file")
    refused(cli(tmp_path, *locate, *options[:2], "--repos", "none"), "no folder none")
    refused(
        cli(tmp_path, *locate, *options[:2], "--repos", str(tmp_path / "importable")), "none of"
    )
    refused(cli(tmp_path, *locate, *options, "--only", "x/y"), "no instance is of x/y")
    off = cli(tmp_path, *locate, *options, "--ablate", "words", "--ablate", "luck")
    refused(off, "no feature luck.", "paths, words")
    refused(cli(tmp_path, *locate, *write([{"base_commit": "HEAD"}])), "line 1", "`base_commit`")
    (tmp_path / "file").write_text("")
    refused(cli(tmp_path, *locate, *write([{}]), "--work", "file"), "file")


def test_help_teaches(cli: Any, tmp_path: Path) -> None:
    ran = cli(tmp_path, "eval", "locate", "--help")
    assert "swe-sleep eval locate --instances issues.jsonl --repos ~/mirrors --jobs 4" in ran.out
    assert "locate" in cli(tmp_path, "eval", "--help").out
    assert cli(tmp_path, "eval").code == 2


START = """\
import sys
import swe_sleep.cli.eval
from swe_sleep.cli.app import run

if __name__ == "__main__":
    swe_sleep.cli.eval.LOCATOR = "simple.ranker:Locator"
    sys.exit(run(sys.argv[1:]))
"""


def test_ctrl_c_keeps_what_is_finished(
    write: Write, tmp_path: Path, clean_environment: Callable[..., dict[str, str]]
) -> None:
    options = write([{}, {"problem_statement": "WAIT"}])
    (tmp_path / "importable" / "start.py").write_text(START)
    work, temporary = tmp_path / "work", tmp_path / "temporary"
    temporary.mkdir()
    words = ["eval", "locate", *options, "--work", str(work)]
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "importable" / "start.py"), *words],
        env=clean_environment(TMPDIR=str(temporary)),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    journal = work / "located.jsonl"
    while not journal.exists():
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.1)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "stopped: 1 ranked, 1 left; the same command goes on from there" in out
    assert len(journal.read_text().split("\n\n")) == 1
    assert list(temporary.glob("*/*")) == []
