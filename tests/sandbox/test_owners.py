"""Folders of owners that were killed, and of those that live."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from swe_sleep.sandbox import owners

HELD = """\
import sys
from swe_sleep.sandbox.owners import scratch
with scratch() as folder:
    (folder / "left").mkdir()
    (folder / "left" / "file").write_text("x")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of the test's own for what is temporary."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def another() -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process that holds a scratch folder."""
    pipe = subprocess.PIPE
    argv = [sys.executable, "-c", HELD]
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())
        process.kill()


def test_what_a_killed_owner_left_is_swept_by_the_next(
    another: tuple[subprocess.Popen[str], Path],
) -> None:
    process, theirs = another
    with owners.scratch() as ours:
        assert theirs.is_dir() and ours.is_dir()
    assert theirs.is_dir() and not ours.exists()
    process.kill()
    process.wait()
    assert (theirs / "left" / "file").is_file()
    with owners.scratch():
        assert not theirs.exists()


def test_a_folder_that_another_sweeps_meanwhile_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = owners.make_folder(shared=False)
    found = list(folder.parent.glob("box-*"))
    owners.remove_folder(folder)
    monkeypatch.setattr(Path, "glob", lambda self, pattern: found)
    assert owners.reap() == 0


def test_a_scratch_folder_goes_whatever_was_made_of_it() -> None:
    with pytest.raises(ZeroDivisionError), owners.scratch() as folder:
        (folder / "shut").mkdir()
        (folder / "shut" / "file").write_text("x")
        (folder / "shut").chmod(0)
        assert folder.stat().st_mode & 0o077 == 0
        raise ZeroDivisionError
    assert not folder.exists()
