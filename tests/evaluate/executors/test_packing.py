from __future__ import annotations

import io
import os
import socket
import tarfile
from pathlib import Path

import pytest

from swe_sleep.evaluate.executors.packing import digest_of, pack, unpack
from swe_sleep.evaluate.executors.shipping import CHUNK_BYTES, Shipping


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "folder"
    (root / "empty").mkdir(parents=True)
    (root / "code" / "__pycache__").mkdir(parents=True)
    (root / "code" / "__pycache__" / "a.pyc").write_bytes(b"made")
    (root / "code" / "a.py").write_text("a = 1\n")
    (root / "link").symlink_to("code/a.py")
    (root / "away").symlink_to("code", target_is_directory=True)
    (root / os.fsdecode(b"caf\xe9")).write_bytes(bytes(range(256)) * 9000)
    return root


def carried(root: Path, to: Path, *, code: bool = False) -> Path:
    file = io.BytesIO()
    pack(root, "name", file, code=code)
    file.seek(0)
    unpack(lambda: file.read(100_000), to)
    return to / "name"


def test_what_is_carried_is_the_same(folder: Path, tmp_path: Path) -> None:
    there = carried(folder, tmp_path / "there")
    assert digest_of(there) == digest_of(folder)
    assert (there / "empty").is_dir()
    assert (there / "away").readlink() == Path("code")
    assert (there / os.fsdecode(b"caf\xe9")).read_bytes() == bytes(range(256)) * 9000
    file = carried(folder / "link", tmp_path / "file")
    assert file.read_text() == "a = 1\n"
    assert digest_of(file) == digest_of(folder / "code" / "a.py")


def test_of_code_what_python_makes_of_it_stays(folder: Path, tmp_path: Path) -> None:
    there = carried(folder, tmp_path / "there", code=True)
    assert not (there / "code" / "__pycache__").exists()
    assert digest_of(there, code=True) == digest_of(folder, code=True) != digest_of(folder)


@pytest.mark.parametrize("change", ["content", "name", "mode", "link", "less", "nothing"])
def test_what_differs_has_another_digest(change: str, folder: Path) -> None:
    before, file = digest_of(folder), folder / "code" / "a.py"
    if change == "content":
        file.write_text("a = 2\n")
    elif change == "name":
        file.rename(folder / "code" / "b.py")
    elif change == "mode":
        file.chmod(0o755)
    elif change == "link":
        (folder / "link").unlink()
        (folder / "link").symlink_to("code/b.py")
    elif change == "less":
        (folder / "empty").rmdir()
    else:
        os.utime(file, (1, 1))
    assert (digest_of(folder) == before) == (change == "nothing")


def test_a_socket_is_left_where_it_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest_of(folder)
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        assert digest_of(folder) == before


def test_nothing_is_unpacked_elsewhere(tmp_path: Path) -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("../outside"))
    file.seek(0)
    with pytest.raises(tarfile.TarError):
        unpack(lambda: file.read(1000), tmp_path / "there")
    assert not (tmp_path / "outside").exists()


def test_a_content_is_kept_once_and_in_pieces(tmp_path: Path) -> None:
    file, same = tmp_path / "file", tmp_path / "other" / "file"
    same.parent.mkdir()
    for each in (file, same):
        each.write_bytes(b"x" * (CHUNK_BYTES + 1))
    kept: list[bytes] = []

    def keep(data: bytes) -> int:
        kept.append(data)
        return len(kept) - 1

    shipping = Shipping(keep)
    assert shipping.digest(file) == shipping.digest(same)
    pieces = [kept[number] for number in shipping.content(file)]
    assert shipping.content(same) == shipping.content(file)
    assert len(kept) == 2
    assert max(map(len, kept)) <= CHUNK_BYTES
    left = iter([*pieces, b""])
    unpack(lambda: next(left), tmp_path / "there")
    assert (tmp_path / "there" / "file").read_bytes() == file.read_bytes()
