"""Mirrors from the network, here from this machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from swe_sleep.errors import RepositoryError, UsageError
from swe_sleep.repo.bare import day_of
from swe_sleep.repo.cloning import clone_mirror

Git = Callable[..., str]


@pytest.fixture
def source(make_repository: Callable[..., Path], git: Git) -> Path:
    root = make_repository({"a.txt": "1\n"})
    git(root, "tag", "v1")
    git(root, "update-ref", "refs/pull/7/head", "HEAD")
    return root


def test_a_mirror_has_every_name(source: Path, git: Git, tmp_path: Path) -> None:
    place = tmp_path / "mirrors" / "a.git"
    clone_mirror(f"file://{source}", place)
    assert git(place, "for-each-ref") == git(source, "for-each-ref")
    assert [each.name for each in place.parent.iterdir()] == ["a.git"]
    # what another process put there meanwhile is kept
    git(source, "tag", "v2")
    clone_mirror(f"file://{source}", place)
    assert git(place, "tag") == "v1"
    assert [each.name for each in place.parent.iterdir()] == ["a.git"]


def test_hooks_of_templates_do_not_run(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = tmp_path / "template" / "hooks" / "post-checkout"
    hook.parent.mkdir(parents=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(tmp_path / "template"))
    clone_mirror(f"file://{source}", tmp_path / "a.git")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("url", ["", "-u x", "--upload-pack=touch", "a b"])
def test_what_is_no_address(tmp_path: Path, url: str) -> None:
    with pytest.raises(UsageError, match="is no address"):
        clone_mirror(url, tmp_path / "a.git")


def test_what_cannot_be_cloned(tmp_path: Path) -> None:
    for url, said in (
        (f"file://{tmp_path}/nowhere", "cannot be cloned: .*does not appear.*Check the address"),
        ("ext::touch%20x", "transport 'ext' not allowed"),
        ("http://127.0.0.1:9/a.git", "cannot be cloned: unable to access"),
    ):
        with pytest.raises(RepositoryError, match=said):
            clone_mirror(url, tmp_path / "new" / "a.git")
    assert not list((tmp_path / "new").iterdir())


def test_the_day_of_a_commit(source: Path, git: Git, tmp_path: Path) -> None:
    commit = git(source, "rev-parse", "HEAD")
    assert day_of(source, commit) == git(source, "show", "-s", "--format=%cs")
    assert day_of(source / ".git", commit[:12]) == day_of(source, commit)
    assert day_of(source, "0" * 40) == day_of(source, "--all") == day_of(tmp_path, commit) == ""
