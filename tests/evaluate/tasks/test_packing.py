"""That a wheel has the bundled tasks, from the checkout and from an sdist."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
BUILD = """
import sys
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder
kind = SdistBuilder if sys.argv[2] == "sdist" else WheelBuilder
versions = ["editable"] if sys.argv[2] == "editable" else ["standard"]
list(kind(".").build(directory=sys.argv[1], versions=versions))
"""
FIND = """
import json, sys
sys.path = [sys.argv[1]] + [each for each in sys.path if each != sys.argv[2]]
import swe_sleep
from pathlib import Path
from swe_sleep.evaluate.tasks.suite import Wanted, load
suite = load(Wanted(only=(sys.argv[3],)), Path(sys.argv[4]))
json.dump([swe_sleep.__file__, suite.name, suite.cases[0].task.base_commit], sys.stdout)
"""


def build(source: Path, target: Path, kind: str) -> Path:
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(target), kind],
        cwd=source,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (made,) = target.iterdir()
    return made


@pytest.mark.parametrize("origin", ["checkout", "sdist"])
def test_a_wheel_finds_its_tasks(tmp_path: Path, origin: str) -> None:
    source = ROOT
    if origin == "sdist":
        with tarfile.open(build(ROOT, tmp_path / "sdist", "sdist")) as archive:
            archive.extractall(tmp_path / "unpacked", filter="data")
        (source,) = (tmp_path / "unpacked").iterdir()
    installed = tmp_path / "installed"
    with zipfile.ZipFile(build(source, tmp_path / "wheel", "wheel")) as wheel:
        wheel.extractall(installed)
    name = "quern-limit-zero"
    done = subprocess.run(
        [sys.executable, "-c", FIND, str(installed), str(ROOT), name, str(tmp_path / "cache")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert str(installed) in done.stdout
    assert '"bundled"' in done.stdout
    packed = installed / "swe_sleep" / "bundled_tasks"
    files = {each.relative_to(packed) for each in packed.rglob("*") if each.is_file()}
    here = ROOT / "tasks"
    assert files == {
        each.relative_to(here)
        for each in here.rglob("*")
        if each.is_file() and "__pycache__" not in each.parts
    }


def test_an_editable_installation_has_no_copy(tmp_path: Path) -> None:
    with zipfile.ZipFile(build(ROOT, tmp_path / "wheel", "editable")) as wheel:
        assert not [name for name in wheel.namelist() if "bundled_tasks" in name]
