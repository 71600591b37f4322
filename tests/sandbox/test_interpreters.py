"""The interpreter is chosen among those that are here; none is fetched, none made up."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from swe_sleep.errors import EnvironmentFailed
from swe_sleep.sandbox import interpreter, interpreters
from swe_sleep.sandbox.project.project import Project

OWN = f"{sys.version_info.major}.{sys.version_info.minor}"

Here = Callable[[Iterable[str]], None]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Here:
    """Pretend that these versions are installed by pyenv, and nothing else is."""

    def pretend(versions: Iterable[str]) -> None:
        for version in versions:
            program = tmp_path / "versions" / version / "bin" / "python3"
            program.parent.mkdir(parents=True)
            minor = ".".join(version.split(".")[:2])
            answer = f'["{program}","{version}","cpython",true,"/usr","/usr","/usr/lib","{minor}"]'
            program.write_text(f"#!/bin/sh\necho '{answer}'\n")
            program.chmod(0o755)

    for name in ("UV_PYTHON_INSTALL_DIR", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    return pretend


def chosen(requires: str = "", *claims: str) -> str:
    project = Project(requires_python=requires, pythons=dict.fromkeys(claims, "tox.ini"))
    return interpreters.choose(project).interpreter.minor


def test_the_newest_that_is_claimed_and_here(here: Here) -> None:
    here(["3.9.1", "3.8.2", "3.99.0", "3.98.4", "3.98.10"])
    assert chosen("", "3.8", "3.9") == "3.9"
    assert chosen(">=3.8,<3.9", "3.8", "3.9") == "3.8"
    assert chosen("", "3.8", "3.98", "3.100") == "3.98"
    project = Project(pythons={"3.98": "tox.ini"})
    choice = interpreters.choose(project)
    assert (choice.interpreter.version, choice.problem) == ("3.98.10", "")
    assert "tox.ini" in choice.why


def test_ours_where_nothing_is_claimed(here: Here) -> None:
    here(["3.99.0", "3.8.2"])
    assert chosen() == OWN
    assert chosen(">=3.8") == OWN
    assert chosen("<3.9") == "3.8"
    assert chosen(">=3.98") == "3.99"
    assert chosen("not a version") == OWN


def test_the_next_newer_where_only_old_ones_are_claimed(here: Here) -> None:
    here(["3.8.2", "3.99.0"])
    assert chosen("", "2.7", "3.6", "3.7") == "3.8"


def test_nothing_fits(here: Here) -> None:
    here([])
    choice = interpreters.choose(Project(requires_python=">=3.98"))
    assert choice.interpreter.is_own
    assert ">=3.98" in choice.problem


def test_what_does_not_run_is_passed_over(here: Here, tmp_path: Path) -> None:
    here(["3.98.1"])
    shim = tmp_path / "versions" / "3.99.0" / "bin" / "python3"
    shim.parent.mkdir(parents=True)
    shim.write_text("#!/bin/sh\necho 'no such version' >&2; exit 127\n")
    shim.chmod(0o755)
    assert chosen("", "3.98", "3.99") == "3.98"


def test_what_the_settings_name(here: Here, tmp_path: Path) -> None:
    here(["3.98.1"])
    assert interpreters.choose(Project(), "3.98").interpreter.version == "3.98.1"
    assert interpreters.choose(Project(), "3.98.1").interpreter.version == "3.98.1"
    assert interpreters.choose(Project(), OWN).interpreter.is_own
    assert interpreters.choose(Project(), sys.executable).interpreter.is_own
    for wanted in ("3.97", "3.98.2", str(tmp_path / "absent")):
        with pytest.raises(EnvironmentFailed):
            interpreters.choose(Project(), wanted)


def test_what_an_interpreter_says_of_itself() -> None:
    found = interpreter.examine(sys.executable)
    assert found is not None
    assert found == interpreter.own()
    assert found.version == sys.version.split()[0]
    assert found.runs_our_packages and found.is_own
    assert interpreter.folders(sys.executable) == interpreter.folders()
