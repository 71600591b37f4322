"""Tasks in SWE-bench's form, and in those of the data sets that took it over."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swe_sleep.errors import UsageError
from swe_sleep.evaluate.mirrors import Mirrors
from swe_sleep.evaluate.tasks.swebench import image_of, read_instances

RECORD: dict[str, Any] = {
    "instance_id": "acme__shop-1",
    "repo": "acme/shop",
    "base_commit": "a" * 40,
    "problem_statement": "the basket has no total",
    "patch": "diff --git a/a b/a\n",
    "test_patch": "diff --git a/tests/test_a.py b/tests/test_a.py\n",
    "FAIL_TO_PASS": '["tests/test_a.py::test_b"]',
    "PASS_TO_PASS": ["tests/test_a.py::test_c"],
    "hints_text": "passed over",
}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def run(*records: object, name: str = "tasks.jsonl") -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        lines = (each if isinstance(each, str) else json.dumps(each) for each in records)
        file.write_text("\n".join(lines) + "\n", "utf-8")
        return file

    return run


def read(file: Path, **more: Any) -> Any:
    (case,) = read_instances(str(file), **more).cases
    return case


def test_a_record_is_read(write: Callable[..., Path], shop: Any, tmp_path: Path) -> None:
    record = RECORD | {"base_commit": shop.ids[0], "version": "1.2", "created_at": ""}
    suite = read_instances(str(write(record)), Mirrors(tmp_path / "mirrors"))
    (case,) = suite.cases
    assert suite.name == "tasks.jsonl"
    assert case.task.sources == (shop.root / ".git",)
    assert case.task.day == case.task.day[:10] != ""  # of the commit
    assert (case.task.version, case.task.image) == ("1.2", "")
    assert case.answer.fail_to_pass == ("tests/test_a.py::test_b",)
    assert case.answer.pass_to_pass == ("tests/test_a.py::test_c",)
    assert case.answer.test_patch.startswith("diff")
    assert case.answer.official == {}
    assert case.stated.missing_import


def test_without_repositories_there_are_no_sources(write: Callable[..., Path]) -> None:
    case = read(write(RECORD | {"created_at": "2023-05-04T12:13:14Z"}))
    assert case.task.sources == ()
    assert case.task.day == "2023-05-04"


@pytest.mark.parametrize(
    "said",
    [
        ["a::b", "c::d"],
        '["a::b", "c::d"]',
        "['a::b', 'c::d']",
        '["a::b", "c::d", "a::b"]',
    ],
)
@pytest.mark.parametrize("name", ["FAIL_TO_PASS", "fail_to_pass"])
def test_test_lists_come_in_many_forms(write: Callable[..., Path], said: object, name: str) -> None:
    record = {key: value for key, value in RECORD.items() if key != "FAIL_TO_PASS"}
    assert read(write(record | {name: said})).answer.fail_to_pass == ("a::b", "c::d")


def test_images_are_named_and_not_pulled(write: Callable[..., Path]) -> None:
    official = RECORD | {"version": "3.0", "environment_setup_commit": "b" * 40}
    name = "swebench/sweb.eval.x86_64.acme_1776_shop-1:latest"
    assert read(write(official)).task.image == name
    assert image_of("Acme__Shop-1") == name
    for key in ("image", "image_name", "docker_image"):
        assert read(write(official | {key: "own/image:1"})).task.image == "own/image:1"


def test_the_official_scheme_is_that_of_the_swebench_package() -> None:
    names = ("django__django-11099", "Foo__Bar.Baz-1", "a__b__c-2")
    program = (
        "import sys; from swebench.task.checks import expected_image\n"
        "print(*map(expected_image, sys.argv[1:]))"
    )  # in a process of its own, as importing that package does much
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, *names],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [image_of(name) for name in names]


def test_what_the_official_grader_reads_is_kept(write: Callable[..., Path]) -> None:
    more = {"eval_script": "#!/bin/bash\n", "log_parser": "pytest", "eval_type": "pass_and_fail"}
    assert read(write(RECORD | more)).answer.official == more


def test_our_own_fields_are_read(write: Callable[..., Path]) -> None:
    more = {
        "score": "files",
        "files": ["a.py", "b.py", "c.py"],
        "rest": True,
        "older": "c" * 40,
        "tags": ["x"],
        "difficulty": "hard",
        "test_files": {"tests/test_a.py": "def test_b(): pass\n"},
    }
    case = read(write(RECORD | more))
    assert (case.task.score, case.answer.files) == ("files", ("a.py", "b.py", "c.py"))
    assert (case.answer.rest, case.task.older, case.task.tags) == (True, "c" * 40, ("x",))
    assert case.answer.test_files == more["test_files"]
    assert read(write(RECORD | {"test_files": ["tests/test_a.py"]})).answer.test_files == {}


def test_multi_swe_bench_has_other_names(write: Callable[..., Path]) -> None:
    record = {
        "org": "acme",
        "repo": "shop",
        "number": 12,
        "base": {"label": "acme:main", "ref": "main", "sha": "d" * 40},
        "resolved_issues": [{"number": 3, "title": "Wrong total", "body": "It is 0."}],
        "fix_patch": "diff --git a/a b/a\n",
        "test_patch": "diff --git a/t b/t\n",
        "f2p_tests": {"one": {"fix": "PASS"}},
        "n2p_tests": {"two": {"fix": "PASS"}},
        "p2p_tests": {"three": {}},
    }
    case = read(write(record))
    assert (case.id, case.task.repo) == ("acme__shop-12", "acme/shop")
    assert case.task.base_commit == "d" * 40
    assert case.task.text == "Wrong total\n\nIt is 0."
    assert case.answer.fail_to_pass == ("one", "two")
    assert case.answer.pass_to_pass == ("three",)


FAULTS: dict[str, tuple[object, str]] = {
    "no id": ({"instance_id": None}, "there is no `instance_id`"),
    "an id that leaves": ({"instance_id": "../x"}, "`instance_id` is '../x', which can be no"),
    "a long id": ({"instance_id": "x" * 300}, "`instance_id` is 'xxx"),
    "no repository": ({"repo": "shop"}, "`repo` is 'shop', which is not owner/name"),
    "no commit": ({"base_commit": "main"}, "`base_commit` is 'main', no commit's id"),
    "an option": ({"base_commit": "--all"}, "`base_commit` is '--all'"),
    "no statement": ({"problem_statement": "  "}, "`problem_statement` is empty"),
    "no patch": ({"patch": None}, "there is no `patch`"),
    "a patch of another kind": ({"patch": ["x"]}, "`patch` is no text but list"),
    "no list": ({"FAIL_TO_PASS": "test_a"}, "`FAIL_TO_PASS` is no list, nor JSON of one"),
    "a code": ({"FAIL_TO_PASS": "__import__('os')"}, "`FAIL_TO_PASS` is no list"),
    "no texts": ({"PASS_TO_PASS": "[1]"}, "`PASS_TO_PASS` has 1 in it"),
    "tests that are no diff": ({"test_patch": "see the other file"}, "`test_patch` is no diff"),
    "no day": ({"created_at": "yesterday"}, "`created_at` is 'yesterday', no day"),
    "no score": ({"score": "votes"}, "`score` is 'votes'"),
    "no flag": ({"rest": "yes"}, "`rest` is neither true nor false"),
    "files without text": ({"test_files": {"a": 1}}, "`test_files` has no text for 'a'"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named_by_line_and_field(write: Callable[..., Path], name: str) -> None:
    change, said = FAULTS[name]
    assert isinstance(change, dict)
    file = write(RECORD, "", RECORD | {"instance_id": "acme__shop-2"} | change)
    with pytest.raises(UsageError) as caught:
        read_instances(str(file))
    assert str(caught.value).startswith(f"{file}, line 3: {said}")
    assert "\n" not in str(caught.value)


def test_what_is_no_record_is_named(write: Callable[..., Path], tmp_path: Path) -> None:
    for lines, said in (
        (["[1]"], "element 1: expected an object, got int"),
        (["{"], "line 1 is not JSON"),
        (["", ""], "holds no task"),
        ([RECORD, RECORD], "line 2: 'acme__shop-1' was there before, at "),
    ):
        with pytest.raises(UsageError, match=said):
            read_instances(str(write(*lines)))
    with pytest.raises(UsageError, match="is no file of tasks"):
        read_instances(str(write(RECORD, name="tasks.csv")))


def test_parquet_is_read(tmp_path: Path) -> None:
    pyarrow, parquet = map(importlib.import_module, ("pyarrow", "pyarrow.parquet"))
    records = [RECORD, RECORD | {"instance_id": "acme__shop-2", "PASS_TO_PASS": []}]
    file = tmp_path / "data" / "test-00000-of-00001.parquet"
    file.parent.mkdir()
    parquet.write_table(pyarrow.Table.from_pylist(records), file)
    suite = read_instances(str(file))
    assert [case.id for case in suite.cases] == ["acme__shop-1", "acme__shop-2"]
    assert suite.cases[0].answer.pass_to_pass == ("tests/test_a.py::test_c",)
    # the folder of a data set that was downloaded
    assert read_instances(str(tmp_path)).cases == suite.cases
    with pytest.raises(UsageError, match="nor the split 'dev'"):
        read_instances(str(tmp_path), split="dev")
    file.write_bytes(b"no parquet")
    with pytest.raises(UsageError, match="is no Parquet file"):
        read_instances(str(file))
    parquet.write_table(pyarrow.Table.from_pylist([RECORD | {"repo": "x"}]), file)
    with pytest.raises(UsageError, match="row 1: `repo` is 'x'"):
        read_instances(str(file))


DATA_SETS = """
import json, sys, warnings
warnings.simplefilter("ignore")
import datasets
from pathlib import Path
from swe_sleep.errors import UsageError
from swe_sleep.evaluate.tasks.swebench import read_instances
folder, record = Path(sys.argv[1]), json.loads(sys.argv[2])
made = datasets.Dataset.from_list([record])
made.save_to_disk(str(folder / "one"))
datasets.DatasetDict({"test": made}).save_to_disk(str(folder / "several"))
made.to_parquet(str(folder / "hub" / "data" / "test-00000-of-00001.parquet"))
said = [read_instances(str(folder / name)).cases[0].id for name in ("one", "several")]
for name, split in (("several", "dev"), ("acme/no-such-data-set", "test")):
    try:
        read_instances(str(folder / name) if name == "several" else name, split=split)
    except UsageError as error:
        said.append(str(error))
sys.stderr.write(json.dumps(said))
"""


def test_data_sets_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a process of its own: the library keeps much to itself, and looks for the network."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    done = subprocess.run(
        [sys.executable, "-c", DATA_SETS, str(tmp_path), json.dumps(RECORD)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    one, several, no_split, no_set = json.loads(done.stderr.splitlines()[-1].split("\r")[-1])
    assert one == several == "acme__shop-1"
    assert "has no split 'dev'" in no_split
    assert "the data set acme/no-such-data-set cannot be had: " in no_set
    assert "\n" not in no_set


def test_a_data_set_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the library is asked for; the network itself can't be had here."""
    asked: list[object] = []

    class Library(types.ModuleType):
        def disable_progress_bars(self) -> None:
            pass

        def load_dataset(self, name: str, **more: object) -> list[object]:
            asked.append((name, more))
            return [RECORD]

    monkeypatch.setitem(sys.modules, "datasets", Library("datasets"))
    suite = read_instances("acme/tasks@v2", split="dev")
    assert [case.id for case in suite.cases] == ["acme__shop-1"]
    read_instances("acme/tasks")
    assert asked == [
        ("acme/tasks", {"split": "dev", "revision": "v2"}),
        ("acme/tasks", {"split": "test", "revision": None}),
    ]


def test_without_the_extra_it_is_said_what_to_install(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("pyarrow", "pyarrow.parquet", "datasets"):
        monkeypatch.setitem(sys.modules, name, None)
    (tmp_path / "a.parquet").write_bytes(b"")
    for name in (str(tmp_path / "a.parquet"), "acme/tasks"):
        with pytest.raises(UsageError, match=r'"swe-sleep\[datasets\]"'):
            read_instances(name)
