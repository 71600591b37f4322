"""What `--tasks` takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swe_sleep.errors import RepositoryError, UsageError
from swe_sleep.evaluate.tasks import bundled
from swe_sleep.evaluate.tasks.suite import Wanted, load, missing, present


@pytest.fixture
def file(tmp_path: Path, shop: Any) -> Path:
    """Three tasks of two repositories, of which one is here."""
    records = [
        {
            "instance_id": name,
            "repo": repo,
            "base_commit": shop.ids[0],
            "problem_statement": "wrong",
            "patch": "diff --git a/a b/a\n",
            "FAIL_TO_PASS": ["a.py::b"],
        }
        for name, repo in (("a-1", "acme/shop"), ("a-2", "acme/shop"), ("b-1", "acme/barn"))
    ]
    file = tmp_path / "tasks.jsonl"
    file.write_text("".join(json.dumps(each) + "\n" for each in records))
    return file


def names(suite: Any) -> list[str]:
    return [case.id for case in suite.cases]


def test_a_folder_of_tasks(tasks: Any, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    said: list[str] = []
    suite = load(Wanted(str(tasks.folder)), cache, progress=said.append)
    assert (suite.name, names(suite)) == ("tasks", ["counter-twice"])
    assert suite.cases[0].task.sources[0].parent == cache / "built"
    assert said == [f"tasks: reading {tasks.folder}"]
    wanted = Wanted(str(tasks.folder), only=("other",))
    with pytest.raises(UsageError, match="no task and no package 'other'"):
        load(wanted, cache)


def test_nothing_named_is_what_is_bundled(
    tasks: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "installed" / "swe_sleep"
    package.mkdir(parents=True)
    monkeypatch.setattr("swe_sleep.__file__", str(package / "__init__.py"))
    with pytest.raises(UsageError, match="has no bundled tasks"):
        load(Wanted(), tmp_path)
    (package / bundled.PACKED).symlink_to(tasks.folder)
    for name in ("", "bundled"):
        suite = load(Wanted(name), tmp_path / "cache")
        assert (suite.name, names(suite)) == ("bundled", ["counter-twice"])


def test_a_file_with_repositories(file: Path, tmp_path: Path) -> None:
    wanted = Wanted(str(file), repos=tmp_path / "mirrors")
    suite = load(wanted, tmp_path / "cache")
    assert names(suite) == ["a-1", "a-2", "b-1"]
    assert missing(suite) == {"acme/barn": ("b-1",)}
    assert names(present(suite, wanted.repos)) == ["a-1", "a-2"]


def test_only_some(file: Path, tmp_path: Path) -> None:
    def chosen(*only: str, limit: int | None = None) -> list[str]:
        return names(load(Wanted(str(file), only=only, limit=limit), tmp_path))

    assert chosen("acme/shop") == chosen("shop") == ["a-1", "a-2"]
    assert chosen("b-1", "a-2") == ["a-2", "b-1"]
    assert chosen(limit=2) == ["a-1", "a-2"]
    assert chosen("acme/shop", limit=1) == ["a-1"]
    with pytest.raises(UsageError, match=r"no task and no repository 'x'.*acme/barn, acme/shop"):
        chosen("x")


def test_without_any_repository_it_is_said(file: Path, tmp_path: Path) -> None:
    suite = load(Wanted(str(file)), tmp_path)
    with pytest.raises(UsageError, match="none of the repositories is here: acme/barn, acme/shop"):
        present(suite, None)
    with pytest.raises(UsageError, match="is below /elsewhere"):
        present(suite, Path("/elsewhere"))
    with pytest.raises(UsageError, match="there is no folder"):
        load(Wanted(str(file), repos=tmp_path / "nowhere"), tmp_path)


def test_what_is_missing_is_fetched_where_that_is_allowed(
    file: Path, tmp_path: Path, make_past: Callable[..., Any], git: Callable[..., str]
) -> None:
    source = make_past("forge/acme/barn", [("Begin", {"a.py": "1\n"})])
    forge = tmp_path / "mirrors" / "forge"
    wanted = Wanted(str(file), repos=tmp_path / "mirrors", fetch=f"file://{forge}/{{repo}}")
    said: list[str] = []
    cache = tmp_path / "cache"
    suite = load(wanted, cache, progress=said.append)
    assert missing(suite) == {}
    assert said[1:] == ["cloning acme/barn"]
    place = cache / "repositories" / "acme__barn.git"
    assert suite.cases[2].task.sources == (place,)
    assert git(place, "rev-parse", "main") == source.ids[0]
    assert names(load(wanted, cache, progress=said.append)) == names(suite)
    assert said.count("cloning acme/barn") == 1
    assert len(list(place.parent.iterdir())) == 1


def test_what_cannot_be_fetched_is_told_and_does_not_stop_the_rest(
    file: Path, tmp_path: Path
) -> None:
    nowhere = f"file://{tmp_path}/nowhere/{{repo}}.git"
    said: list[str] = []
    wanted = Wanted(str(file), repos=tmp_path / "mirrors", fetch=nowhere)
    suite = load(wanted, tmp_path / "cache", progress=said.append)
    assert list(missing(suite)) == ["acme/barn"]
    assert said[-1].startswith(f"missing: file://{tmp_path}/nowhere/acme/barn.git cannot be cloned")
    with pytest.raises(RepositoryError, match=r"cannot be cloned: .*Check the address"):
        load(Wanted(str(file), fetch=nowhere), tmp_path / "cache")
    assert not list((tmp_path / "cache" / "repositories").iterdir())


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("https://forge.example/x.git", r"has no \{repo\} in it"),
        ("--upload-pack=touch${IFS}x {repo}", "is no address"),
        ("-u{repo}", "is no address"),
        ("ext::sh -c touch% x {repo}", "is no address"),
        ("ext::touch${IFS}{repo}", "transport 'ext' not allowed"),
    ],
)
def test_an_address_runs_nothing(file: Path, tmp_path: Path, address: str, said: str) -> None:
    with pytest.raises((UsageError, RepositoryError), match=said):
        load(Wanted(str(file), fetch=address), tmp_path / "cache")


def test_what_is_nowhere_is_one_line(tmp_path: Path) -> None:
    for name in ("nowhere", "./no/where.jsonl", "no/where.jsonl", "a b/c"):
        with pytest.raises(UsageError, match=r"there is no .*Give a folder of tasks"):
            load(Wanted(name), tmp_path)
    with pytest.raises(UsageError, match=r"cannot read xxx.*: File name too long"):
        load(Wanted("x" * 300), tmp_path)
    with pytest.raises(UsageError, match="holds neither tasks nor the split"):
        load(Wanted(str(tmp_path)), tmp_path)
