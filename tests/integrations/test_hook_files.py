"""One hook's file: what is added can be taken away, to the byte, from any state."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from swe_sleep.integrations import hook_files
from swe_sleep.integrations.hook_files import ASIDE, NotPossible

HOOK = "post-commit"
LINE = hook_files.line(HOOK, beside=True)

Picture = Callable[[Path], dict[str, object]]
WriteHook = Callable[..., Path]

_SHELL = [
    b"#!/bin/sh\necho one\n",
    b"#!/bin/sh",
    b"#!/bin/sh\n",
    b"#!/bin/sh\n\n\n",
    b"#! /usr/bin/env bash\nset -euo pipefail\nexec true",
    b"#!/usr/bin/env -S A=1 bash -e\n:\n",
    b"#!/bin/busybox sh\n:\n",
    b"#!/bin/zsh\n:\n",
    b"echo without a shebang\n",
    b"echo one\r\necho two\r\n",
    b"",
    b"\n",
    b"#!/bin/sh\nexit 0\n# caf\xe9 in latin-1\n",
]
_OTHER = [
    b"#!/usr/bin/env python3\nprint(1)\n",
    b"#!/usr/bin/fish\n",
    b"#!/bin/sh\r\necho one\r\n",
    b"\x7fELF\0\1\2",
    b"#!",
    b"#!/usr/bin/env\n",
]


def _undone(folder: Path, picture: Picture, before: dict[str, object]) -> None:
    assert hook_files.remove(folder, HOOK) == ""
    assert picture(folder) == before
    assert hook_files.remove(folder, HOOK) == ""
    assert picture(folder) == before


@pytest.mark.parametrize("content", [*_SHELL, *_OTHER])
@pytest.mark.parametrize("mode", [0o755, 0o700, 0o644, 0o4511])
def test_a_file_comes_back_to_the_byte(
    tmp_path: Path, picture: Picture, write_hook: WriteHook, content: bytes, mode: int
) -> None:
    write_hook(tmp_path, HOOK, content, mode)
    before = picture(tmp_path)
    hook_files.add(tmp_path, HOOK, LINE, movable=True)
    assert hook_files.standing(tmp_path, HOOK)[0] == "installed"
    moved = content in _OTHER or not mode & 0o111
    assert (tmp_path / ASIDE / HOOK).exists() is moved
    if not moved:
        assert (tmp_path / HOOK).stat().st_mode & 0o7777 == mode
    _undone(tmp_path, picture, before)


@pytest.mark.parametrize("target", ["../elsewhere", "./near", "/dev/null", "near//", "a/../near"])
def test_a_link_comes_back_and_means_the_same_meanwhile(
    tmp_path: Path, picture: Picture, target: str
) -> None:
    folder = tmp_path / "hooks"
    folder.mkdir()
    for name in ("elsewhere", "hooks/near"):
        (tmp_path / name).write_text(f"{name}\n")
    os.symlink(target, folder / HOOK)  # noqa: PTH211  (Path would tidy the target)
    meant = (folder / HOOK).resolve()
    before = picture(folder)
    hook_files.add(folder, HOOK, LINE, movable=True)
    assert (folder / ASIDE / HOOK).resolve() == meant
    _undone(folder, picture, before)


def test_no_hook_before_and_none_after(tmp_path: Path, picture: Picture) -> None:
    hook_files.add(tmp_path, HOOK, LINE, movable=True)
    assert os.access(tmp_path / HOOK, os.X_OK)
    _undone(tmp_path, picture, {})


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    content=st.one_of(
        st.binary(max_size=60),
        st.builds(
            b"".join,
            st.lists(st.sampled_from([b"#!/bin/sh", b"\n", b"\r\n", b"exit 0", b" ", b"#"])),
        ),
    ),
    mode=st.sampled_from([0o755, 0o644]),
)
def test_any_content_comes_back(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, mode: int
) -> None:
    folder = tmp_path_factory.mktemp("any")
    file = folder / HOOK
    file.write_bytes(content)
    file.chmod(mode)
    hook_files.add(folder, HOOK, LINE, movable=True)
    assert hook_files.standing(folder, HOOK)[0] == "installed"
    hook_files.remove(folder, HOOK)
    assert file.read_bytes() == content
    assert file.stat().st_mode & 0o777 == mode
    assert [each.name for each in folder.iterdir()] == [HOOK]
    shutil.rmtree(folder)


@pytest.mark.parametrize("content", _SHELL)
def test_edits_made_in_between_stay(tmp_path: Path, write_hook: WriteHook, content: bytes) -> None:
    file = write_hook(tmp_path, HOOK, content)
    hook_files.add(tmp_path, HOOK, LINE, movable=True)
    file.write_bytes(file.read_bytes() + b"\necho mine\n")
    assert hook_files.remove(tmp_path, HOOK) == ""
    assert file.read_bytes() == content + b"\necho mine\n"


def test_edits_of_a_file_that_we_made_stay(tmp_path: Path) -> None:
    hook_files.add(tmp_path, HOOK, LINE, movable=True)
    file = tmp_path / HOOK
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n") + b"echo mine\n")
    assert hook_files.remove(tmp_path, HOOK) == ""
    assert file.read_bytes() == b"#!/bin/sh\r\necho mine\n"


def test_edits_of_a_file_that_calls_the_hook_from_before_stay_and_so_does_that(
    tmp_path: Path, write_hook: WriteHook, picture: Picture
) -> None:
    write_hook(tmp_path, HOOK, "#!/usr/bin/perl\n")
    hook_files.add(tmp_path, HOOK, LINE, movable=True)
    file = tmp_path / HOOK
    file.write_bytes(file.read_bytes().replace(b"#!/bin/sh\n", b"#!/bin/sh\necho mine\n"))
    assert "your lines stay" in hook_files.remove(tmp_path, HOOK)
    assert file.read_bytes().startswith(b"#!/bin/sh\necho mine\nhook=")
    assert (tmp_path / ASIDE / HOOK).read_text() == "#!/usr/bin/perl\n"
    assert hook_files.standing(tmp_path, HOOK)[0] == "absent"
    left = picture(tmp_path)
    assert hook_files.remove(tmp_path, HOOK)
    assert picture(tmp_path) == left
    hook_files.add(tmp_path, HOOK, LINE, movable=True)
    assert hook_files.standing(tmp_path, HOOK)[0] == "installed"
    assert hook_files.remove(tmp_path, HOOK)
    assert picture(tmp_path) == left


def test_what_is_no_file_is_left_alone(tmp_path: Path, picture: Picture) -> None:
    (tmp_path / HOOK).mkdir()
    before = picture(tmp_path)
    with pytest.raises(NotPossible, match="left alone"):
        hook_files.add(tmp_path, HOOK, LINE, movable=True)
    assert hook_files.remove(tmp_path, HOOK) == ""
    assert picture(tmp_path) == before


def test_what_git_tracks_is_not_moved(
    tmp_path: Path, write_hook: WriteHook, picture: Picture
) -> None:
    write_hook(tmp_path, HOOK, "#!/usr/bin/perl\n")
    before = picture(tmp_path)
    with pytest.raises(NotPossible, match="tracks"):
        hook_files.add(tmp_path, HOOK, LINE, movable=False)
    assert picture(tmp_path) == before


def test_a_hook_from_before_is_never_overwritten(tmp_path: Path, write_hook: WriteHook) -> None:
    write_hook(tmp_path, HOOK, "#!/usr/bin/perl\n")
    hook_files.add(tmp_path, HOOK, LINE, movable=True)
    write_hook(tmp_path, HOOK, "#!/usr/bin/ruby\n")  # another tool forces its own
    assert hook_files.standing(tmp_path, HOOK)[0] == "displaced"
    assert "from before is in" in hook_files.remove(tmp_path, HOOK)
    with pytest.raises(NotPossible, match="in the way"):
        hook_files.add(tmp_path, HOOK, LINE, movable=True)
    assert (tmp_path / ASIDE / HOOK).read_text() == "#!/usr/bin/perl\n"
    assert (tmp_path / HOOK).read_text() == "#!/usr/bin/ruby\n"
    (tmp_path / HOOK).unlink()
    assert hook_files.remove(tmp_path, HOOK) == ""
    assert (tmp_path / HOOK).read_text() == "#!/usr/bin/perl\n"


@pytest.mark.parametrize("earlier", [None, "#!/bin/sh\necho mine\n", "#!/usr/bin/perl\n"])
def test_a_file_that_another_tool_renamed_is_undone_there(
    tmp_path: Path, write_hook: WriteHook, earlier: str | None
) -> None:
    if earlier is not None:
        write_hook(tmp_path, HOOK, earlier)
    hook_files.add(tmp_path, HOOK, LINE, movable=True)
    legacy = tmp_path / f"{HOOK}.legacy"
    (tmp_path / HOOK).rename(legacy)
    write_hook(tmp_path, HOOK, "#!/bin/sh\n# another tool\n")
    state, detail = hook_files.standing(tmp_path, HOOK)
    assert (state, legacy.name in detail) == ("displaced", True)
    assert hook_files.remove(tmp_path, HOOK) == ""
    assert (tmp_path / HOOK).read_text() == "#!/bin/sh\n# another tool\n"
    assert (legacy.read_text() if legacy.exists() else None) == earlier
    assert not (tmp_path / ASIDE).exists()


def test_a_file_that_became_something_else_is_said(tmp_path: Path, write_hook: WriteHook) -> None:
    file = write_hook(tmp_path, HOOK, "#!/bin/sh\n:\n")
    hook_files.add(tmp_path, HOOK, LINE, movable=True)
    file.chmod(0o644)
    assert hook_files.standing(tmp_path, HOOK) == (
        "displaced",
        "the file is not executable any more",
    )
    file.chmod(0o755)
    file.write_bytes(file.read_bytes().replace(b"/bin/sh", b"/usr/bin/perl"))
    assert hook_files.standing(tmp_path, HOOK)[0] == "displaced"


def test_a_full_disk_leaves_the_hook_whole(
    tmp_path: Path, write_hook: WriteHook, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_hook(tmp_path, HOOK, "#!/bin/sh\n:\n")
    before = picture(tmp_path)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copystat", full)
    with pytest.raises(OSError, match="No space"):
        hook_files.add(tmp_path, HOOK, LINE, movable=True)
    assert picture(tmp_path) == before


@pytest.mark.parametrize(
    "content",
    [
        "#!/bin/sh -eu\ncat\nexit 3\n",
        "cat\nexit 3\n",
        "#!/usr/bin/env perl\nprint <STDIN>; exit 3\n",
    ],
)
def test_stdin_arguments_and_status_are_the_persons(
    tmp_path: Path, write_hook: WriteHook, content: str
) -> None:
    if "perl" in content and shutil.which("perl") is None:
        content = content.replace("perl", "awk -f").replace(
            "print <STDIN>; exit 3", "1;END{exit 3}"
        )
    write_hook(tmp_path / "hooks", HOOK, content)
    hook_files.add(tmp_path / "hooks", HOOK, LINE, movable=True)
    script = write_hook(tmp_path / "swe-sleep", "hook", 'cat; echo "$1" >"${0%/*}/seen"; exit 9\n')
    done = subprocess.run(
        # By a shell, as git does it for a file without a shebang.
        ["sh", "-c", '"$0" a b', str(tmp_path / "hooks" / HOOK)],
        input=b"some input\n",
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (3, b"some input\n", b"")
    assert script.with_name("seen").read_text() == f"{HOOK}\n"
