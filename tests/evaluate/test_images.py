"""Tasks in images of their publisher's, laid out as SWE-bench's are: the repository in /testbed,
with git's history and what its build left there, and a conda environment."""

from __future__ import annotations

import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import docker
import pytest

from swe_sleep.evaluate import official, verdicts
from swe_sleep.evaluate.grading import grade
from swe_sleep.evaluate.runs.conditions import Conditions
from swe_sleep.evaluate.tasks.grade import Grade
from swe_sleep.evaluate.tasks.task import Answer, Case, Task
from swe_sleep.evaluate.verdicts import Candidate, ToGrade, carry_out
from swe_sleep.repo.diff import diff
from swe_sleep.repo.repository import Repository
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox import engine, image, interpreter
from swe_sleep.sandbox.docker import OWNER_LABEL
from swe_sleep.sandbox.environment import EnvironmentOptions
from swe_sleep.sandbox.local import LocalBackend
from swe_sleep.sandbox.protocol import Limits
from swe_sleep.sandbox.ready import ReadyBackend, ready

pytestmark = pytest.mark.docker

CONDA = "/opt/miniconda3"
ACTIVATE = f"""\
conda() {{ [ "$1" = activate ] && PATH={CONDA}/envs/$2/bin:$PATH && export PATH; }}
PATH={CONDA}/bin:$PATH
"""
SOURCE = "from shop._built import RATE\n\n\ndef price(pence):\n    return pence * RATE - 1\n"
GOOD = SOURCE.replace(" - 1", "")
TESTS = """\
import os

from shop import price


def test_price():
    assert price(5) == 10


def test_place():
    assert os.getcwd() == "/testbed"
    assert os.environ["SHOP"] == "open"
"""
HIDDEN = TESTS.replace("price(5) == 10", "price(7) == 14")
FILES = {
    ".gitignore": "_built.py\n*.egg-info\n",
    "src/shop/__init__.py": SOURCE,
    "tests/test_shop.py": TESTS.replace("== 10", "== 9"),
    "tox.ini": "[pytest]\n",
}
PRICE, PLACE = "tests/test_shop.py::test_price", "tests/test_shop.py::test_place"
SCRIPT = """\
#!/bin/bash
set -uxo pipefail
source /opt/miniconda3/bin/activate
conda activate testbed
cd /testbed
git checkout {base} tests/test_shop.py
git apply -v - <<'EOF_1'
{patch}
EOF_1
: '>>>>> Start Test Output'
pytest -rA tests/test_shop.py
: '>>>>> End Test Output'
git checkout {base} tests/test_shop.py
"""


@dataclass(frozen=True)
class Made:
    """An image, and the repository that is in it."""

    name: str
    root: Path
    base: str


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("image")
    root = folder / "shop"
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    _git(root, "init", "-q", "-b", "main")
    _git(root, "add", "-A")
    _git(root, "commit", "-q", "-m", "First")
    base = _git(root, "rev-parse", "HEAD")
    testbed = folder / "testbed"
    _git(folder, "clone", "-q", "--no-hardlinks", str(root), str(testbed))
    (testbed / "src/shop/_built.py").write_text("RATE = 2\n")
    (testbed / "shop.egg-info").mkdir()
    (testbed / "shop.egg-info/PKG-INFO").write_text("Name: shop\n")
    (testbed / "tox.ini").write_text("[pytest]\naddopts = --strict-markers\n")
    _git(testbed, "commit", "-q", "-am", "SWE-bench")
    client = engine.connect()
    name = f"swe-sleep-test/sweb.eval.x86_64.{folder.parent.name.lower()}_{folder.name}:latest"
    try:
        _make(client, name, testbed, folder)
        yield Made(name, root, base)
        client.api.remove_image(name, force=True)
    finally:
        client.close()


def _git(folder: Path, *arguments: str) -> str:
    own = ["-c", "user.name=A. Tester", "-c", "user.email=tester@example.org"]
    done = subprocess.run(
        ["git", *own, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def _make(client: docker.DockerClient, name: str, testbed: Path, folder: Path) -> None:
    """Our base image, with an interpreter and pytest where conda would have them."""
    snapshot = Repository.open(testbed).snapshot()
    options = EnvironmentOptions(cache_dir=folder / "cache", requirements=())
    environment = LocalBackend(options).prepare(snapshot, progress=lambda line: None)
    base = image.made(client, interpreter.own(), progress=lambda line: None)
    with tempfile.TemporaryFile() as file:
        with tarfile.open(fileobj=file, mode="w") as archive:
            prefix = Path(environment.python).parent.parent
            archive.add(prefix, f"{CONDA}/envs/testbed", filter=_open)
            pth = folder / "shop.pth"
            pth.write_text("/testbed/src\n")
            short = ".".join(environment.version.split(".")[:2])
            packages = f"{CONDA}/envs/testbed/lib/python{short}/site-packages"
            archive.add(pth, f"{packages}/shop.pth", filter=_open)
            script = folder / "activate"
            script.write_text(ACTIVATE)
            archive.add(script, f"{CONDA}/bin/activate", filter=_open)
            archive.add(testbed, "testbed", filter=_open)
        file.seek(0)
        container = client.api.create_container(base, command=["true"])["Id"]
        client.api.put_archive(container, "/", file)
        repository, _, tag = name.rpartition(":")
        client.api.commit(container, repository, tag, changes=["ENV SHOP=open"])
        client.api.remove_container(container, force=True)


def _open(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode |= 0o555 if member.isdir() or member.mode & 0o100 else 0o444
    return member


@pytest.fixture
def snapshot(made: Made) -> Snapshot:
    return Repository.open(made.root).snapshot_of(made.base)


@pytest.fixture
def case(made: Made) -> Case:
    test_patch = diff(
        {"tests/test_shop.py": FILES["tests/test_shop.py"].encode()},
        {"tests/test_shop.py": HIDDEN.encode()},
    )
    task = Task("acme__shop-1", "acme/shop", made.base, "", (made.root / ".git",), image=made.name)
    answer = Answer(_patch(GOOD), (PRICE,), (PLACE,), test_patch=test_patch)
    return Case(task, answer)


def _patch(source: str) -> str:
    path = "src/shop/__init__.py"
    return diff({path: SOURCE.encode()}, {path: source.encode()})


@pytest.fixture
def backend(made: Made, tmp_path: Path) -> ReadyBackend:
    return ReadyBackend(made.name, EnvironmentOptions(cache_dir=tmp_path / "cache"))


def test_the_repository_runs_in_its_own_environment(
    backend: ReadyBackend, snapshot: Snapshot, case: Case
) -> None:
    environment = backend.prepare(snapshot, progress=lambda line: None)
    assert environment.python == f"{CONDA}/envs/testbed/bin/python"
    assert environment.problem == ""
    assert set(environment.generated) == {
        "src/shop/_built.py",
        "shop.egg-info/PKG-INFO",
        "tox.ini",  # which the publisher changed
    }
    with backend.open(snapshot, environment) as sandbox:
        assert sandbox.workdir == "/testbed"
        found = grade(case.answer, snapshot, _patch(GOOD), sandbox)
        assert found.resolved
        wrong = grade(case.answer, snapshot, _patch(SOURCE + "#\n"), sandbox)
        assert wrong.fail_to_pass == {PRICE: "failed"}
        assert wrong.pass_to_pass == {PLACE: "passed"}
        done = sandbox.run(["sh", "-c", "echo > /opt/miniconda3/new"], timeout_s=20)
        assert done.exit_code != 0
        assert sandbox.changes() == {}


def test_the_publishers_script_is_run_where_there_is_one(
    backend: ReadyBackend, snapshot: Snapshot, case: Case, made: Made
) -> None:
    script = SCRIPT.format(base=made.base, patch=case.answer.test_patch)
    stated = {"eval_script": script, "log_parser": "parse_log_pytest"}
    own = replace(case, answer=replace(case.answer, official=stated))
    environment = backend.prepare(snapshot, progress=lambda line: None)
    with backend.open(snapshot, environment) as sandbox:
        for each in (own, case):
            for patch, resolved in ((_patch(GOOD), True), (_patch(SOURCE + "#\n"), False)):
                log = official.run(each, snapshot, patch, sandbox)
                found = official.judge(each, patch, log)
                assert found.resolved is resolved, log
                assert found.statuses[PLACE] == "PASSED"
                assert ("EOF_1" in log) is False
                assert ("git apply" in log) is (each is own)


def test_grading_takes_the_image_that_is_there(case: Case) -> None:
    candidates = (Candidate("gold", _patch(GOOD)), Candidate("none", ""))
    graded = carry_out(ToGrade(case, candidates, Conditions(), official=True), print)
    assert graded.where == case.task.image
    assert [each.grade.resolved for each in graded.judged] == [True, False]
    assert all(each.agree and not each.differ for each in graded.judged)


def test_an_image_that_is_too_old_for_us_is_judged_by_its_own_command(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is none here with Python 3.6, nor pytest 3: our run is made to fail instead."""

    def fail(*arguments: Any, **more: Any) -> Grade:
        return Grade(False, fail_to_pass={PRICE: "missing"}, problem="pytest is too old")

    monkeypatch.setattr(verdicts, "grade", fail)
    candidates = (Candidate("gold", _patch(GOOD)), Candidate("wrong", _patch(SOURCE + "#\n")))
    gold = ToGrade(case, candidates[:1], Conditions())
    (spoilt,) = carry_out(gold, print).judged
    assert not spoilt.grade.resolved, "here the patch alone can have made them say nothing"
    monkeypatch.setattr(verdicts, "runs_here", lambda *arguments, **more: False)
    graded = carry_out(ToGrade(case, candidates, Conditions()), print)
    assert [each.grade.resolved for each in graded.judged] == [True, False]
    assert graded.judged[1].grade.fail_to_pass == {PRICE: "failed"}
    assert graded.judged[1].grade.pass_to_pass == {PLACE: "passed"}
    assert "pytest is too old" in graded.judged[0].grade.doubts[0]


def test_an_image_that_is_not_there(made: Made, snapshot: Snapshot) -> None:
    said: list[str] = []
    assert ready("swe-sleep-test/absent:latest", progress=said.append) is None
    assert said == []
    absent = "localhost:1/absent:latest"
    assert ready(absent, pull=True, progress=said.append) is None
    assert said[0] == f"Asking the engine for the image {absent}"
    assert said[1].startswith(f"The engine cannot fetch {absent}: ")
    assert "localhost:1" in said[1].partition(": ")[2]


def test_an_image_of_another_commit_says_so(
    made: Made, make_repository: Callable[..., Path], backend: ReadyBackend
) -> None:
    other = Repository.open(make_repository({"a.py": "1\n"})).snapshot()
    environment = backend.prepare(other, progress=lambda line: None)
    assert "does not know commit" in environment.problem
    assert environment.generated == {}
    with backend.open(other, environment, limits=Limits(memory_mb=512)) as sandbox:
        assert sandbox.run(["ls"], timeout_s=20).stdout == "a.py\n"
    client = engine.connect()
    mine = client.api.containers(all=True, filters={"label": OWNER_LABEL, "ancestor": made.name})
    client.close()
    assert mine == []
