from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swe_sleep.errors import NotARepository, RepositoryError, UsageError
from swe_sleep.evaluate.mirrors import Mirrors, at_commit


@pytest.mark.parametrize("kind", ["work tree", "bare"])
@pytest.mark.parametrize(
    "layout",
    [
        "acme/shop",
        "acme/shop.git",
        "acme__shop",
        "acme__shop.git",
        "acme+shop",
        "acme+shop.git",
        "acme+shop/repo",
        "acme__shop/repo.git",
        "shop",
        "shop.git",
        "shop/repo",
        "swe-bench+acme__shop",
        "swe-bench+acme__shop/repo",
        "swe-bench/acme__shop",
    ],
)
def test_every_layout_is_found(
    layout: str, kind: str, git: Callable[..., str], tmp_path: Path
) -> None:
    place = tmp_path / "mirrors" / layout
    bare = ["--bare"] if kind == "bare" else []
    git(tmp_path, "init", "-q", *bare, str(place))
    mirrors = Mirrors(tmp_path / "mirrors")
    assert mirrors.find("acme/shop") == (place if bare else place / ".git",)
    assert mirrors.find("acme/shops") == mirrors.find("other/s") == ()


def test_the_surest_comes_first(make_past: Callable[..., object], tmp_path: Path) -> None:
    make_past("acme/shop", [("One", {})])
    make_past("shop", [("A namesake", {})])
    folder = tmp_path / "mirrors"
    found = Mirrors(folder).find("acme/shop")
    assert found == (folder / "acme" / "shop" / ".git", folder / "shop" / ".git")
    assert Mirrors(folder).find("other/shop") == (folder / "shop" / ".git",)


def test_a_folder_without_git_is_none(tmp_path: Path) -> None:
    (tmp_path / "acme" / "shop" / "repo").mkdir(parents=True)
    (tmp_path / "acme+shop").write_text("")
    assert Mirrors(tmp_path).find("acme/shop") == ()


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder"):
        Mirrors(tmp_path / "none")


def test_the_first_source_that_has_the_commit_is_opened(
    make_past: Callable[..., Any], tmp_path: Path
) -> None:
    (wrong,) = make_past("shop", [("A namesake", {})]).ids
    first, _ = make_past("acme/shop", [("One", {}), ("Two", {"a.py": "2\n"})]).ids
    mirrors = Mirrors(tmp_path / "mirrors")
    sources = (*mirrors.find("other/shop"), tmp_path / "gone", *mirrors.find("acme/shop"))
    with at_commit(sources, first, tmp_path / "at") as repository:
        assert [commit.subject for commit in repository.commits()] == ["One"]
    with pytest.raises(RepositoryError, match="There is no commit"):
        at_commit(sources[:1], first, tmp_path / "none")
    with pytest.raises(NotARepository):
        at_commit(sources[1:2], first, tmp_path / "none")
    with pytest.raises(RepositoryError, match=f"no repository that may have the commit {wrong}"):
        at_commit((), wrong, tmp_path / "none")
