from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def test_a_file_with_its_outline_and_notes(cli: Any, slept: Path) -> None:
    ran = cli(slept, "notes", "show", "shop/basket.py")
    assert ran.code == 0
    assert "shop/basket.py — outline, python, fresh" in ran.out
    assert "def postage(total: int) -> int" in ran.out
    assert "a tested patch is ready" in ran.out


def test_a_symbol_alone(cli: Any, slept: Path) -> None:
    ran = cli(slept, "notes", "show", "shop/basket.py::Basket.add")
    assert ran.code == 0
    assert "def add" in ran.out
    assert "def total" not in ran.out
    inner = cli(slept, "notes", "show", "shop/basket.py::Basket").out
    assert "def add" in inner
    assert "postage(" not in inner


def test_a_test_by_its_id(cli: Any, slept: Path, failing: str) -> None:
    ran = cli(slept, "notes", "show", failing)
    assert ran.code == 0
    assert "def test_postage_is_free" in ran.out
    assert "reproduced" in ran.out


def test_paths_are_those_of_the_current_directory(cli: Any, slept: Path) -> None:
    for cwd, path in (
        ("shop", "basket.py"),
        ("tests", "../shop/basket.py"),
        ("tests", "shop/basket.py"),  # as we print it
        (".", str(slept / "shop/basket.py")),
        (".", "./shop//basket.py"),
    ):
        ran = cli(slept / cwd, "notes", "show", path)
        assert (ran.code, ran.out.startswith("shop/basket.py — outline")) == (0, True), path


def test_a_path_through_a_symbolic_link(cli: Any, slept: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(slept)
    assert cli(tmp_path, "-C", str(link), "notes", "show", f"{link}/shop/basket.py").code == 0


def test_a_deleted_file_has_only_stale_notes(cli: Any, slept: Path) -> None:
    (slept / "tests/test_basket.py").unlink()
    ran = cli(slept / "tests", "notes", "show", "test_basket.py")
    assert ran.code == 1
    assert "--stale shows them" in ran.out
    ran = cli(slept / "tests", "notes", "show", "test_basket.py", "--stale")
    assert ran.code == 0
    assert "STALE" in ran.out


def test_what_is_not_there_is_refused_with_what_is_near(
    cli: Any, slept: Path, refused: Callable[..., None]
) -> None:
    refused(cli(slept, "notes", "show", "shop/baskte.py"), "Did you mean shop/basket.py?")
    refused(cli(slept, "notes", "show", "shop/basket.py::postge"), "shop/basket.py::postage?")
    refused(cli(slept, "notes", "show", "shop"), "shop is a folder", "one of its files")
    refused(cli(slept, "notes", "show", "nothing/like/it"), "there is no nothing/like/it")
    refused(cli(slept, "notes", "show", "../elsewhere.py"), "outside the repository")
    refused(cli(slept, "notes", "show", "/etc/passwd", "--json"), "outside the repository")
    refused(cli(slept, "notes", "show", ".gitignore"), "nothing is known of .gitignore")


def test_json_of_show(cli: Any, slept: Path, failing: str) -> None:
    said = json.loads(cli(slept, "notes", "show", failing, "--json").out)
    assert set(said) == {"outline", "risk", "notes"}
    issue = next(note for note in said["notes"] if note["kind"] == "issue")
    assert issue["subject"] == failing
    assert issue["fresh"] is True
    assert issue["data"]["state"] == "patched"
    assert "total >= 5000" in issue["data"]["patches"][0]["diff"]
    assert issue["inputs"]["shop/basket.py"]


def test_search(cli: Any, slept: Path) -> None:
    ran = cli(slept, "notes", "search", "postage", "free")
    assert ran.code == 0
    assert "issue, fresh" in ran.out
    found = json.loads(cli(slept, "notes", "search", "postage", "--limit", "1", "--json").out)
    assert len(found) == 1
    assert found[0]["score"] > 0
    ran = cli(slept, "notes", "search", "zebra")
    assert (ran.code, ran.out) == (1, "No note holds these words.\n")
    assert json.loads(cli(slept, "notes", "search", "zebra", "--json").out) == []


def test_bugs(cli: Any, slept: Path, failing: str) -> None:
    ran = cli(slept, "notes", "bugs")
    assert ran.code == 0
    assert f"- failing test: `{failing}`" in ran.out
    assert "+    if total >= 5000:" in ran.out
    (bug,) = json.loads(cli(slept, "notes", "bugs", "--json").out)
    assert (bug["subject"], bug["fresh"]) == (failing, True)
    assert bug["issue"]["proof"]["refused"] == ""


def test_a_bug_is_not_shown_as_fresh_once_the_code_changed(cli: Any, slept: Path) -> None:
    with (slept / "shop/basket.py").open("a") as file:
        file.write("\n# changed\n")
    assert cli(slept, "notes", "bugs").out == "No proven bug is known.\n"
    assert "STALE" in cli(slept, "notes", "bugs", "--stale").out


def test_before_the_first_pass_the_way_is_shown(
    cli: Any, shop: Path, refused: Callable[..., None]
) -> None:
    for words in (("search", "postage"), ("bugs",)):
        assert "No pass has run here yet: run `swe-sleep init`." in cli(shop, "notes", *words).out
    refused(cli(shop, "notes", "export"), "no fresh note to export. No pass has run")
    ran = cli(shop, "notes", "show", "shop/basket.py")
    assert ran.code == 0  # an outline is made on the spot
    assert "No pass has run" in ran.out
    refused(cli(shop, "notes", "show", ".gitignore"), "run `swe-sleep init`")


def test_export_to_stdout_and_to_a_folder(cli: Any, slept: Path, tmp_path: Path) -> None:
    ran = cli(slept, "notes", "export")
    assert ran.code == 0
    assert ran.out.count("\n# ") >= 2
    target = tmp_path / "deep" / "folder"
    ran = cli(slept, "notes", "export", str(target))
    assert ran.code == 0
    files = sorted(file.name for file in target.iterdir())
    assert f"in {len(files)} files in {target}." in ran.out
    assert {"issue.md", "tests.md"} <= set(files)
    assert "```diff" in (target / "issue.md").read_text()


def test_export_onto_a_file_is_refused(cli: Any, slept: Path, refused: Callable[..., None]) -> None:
    ran = cli(slept, "notes", "export", "README.md/notes")
    refused(ran, "cannot write to README.md/notes", "Not a directory")
    assert (slept / "README.md").read_text() == "# Shop\n"


@pytest.mark.parametrize("json", [(), ("--json",)], ids=["text", "json"])
@pytest.mark.parametrize(
    "command",
    [("show", "shop/basket.py"), ("search", "postage"), ("bugs",), ("export",)],
    ids=lambda command: command[0],
)
def test_secrets_in_notes_are_masked(
    cli: Any,
    slept: Path,
    command: tuple[str, ...],
    json: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if command == ("export",) and json:
        json = ("--stale",)
    plain = cli(slept, "notes", *command, *json)
    assert "test_postage_is_free_from_fifty_euros_on" in plain.out
    monkeypatch.setenv("CI_JOB_TOKEN", "test_postage_is_free_from_fifty_euros_on")
    masked = cli(slept, "notes", *command, *json)
    assert masked.code == 0
    assert "test_postage_is_free_from_fifty_euros_on" not in masked.out
    assert "[secret masked " in masked.out
