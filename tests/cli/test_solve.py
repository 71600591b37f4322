from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def snapshot(root: Path) -> dict[str, bytes]:
    """Every file of the work tree, to show that none was touched."""
    return {
        str(file.relative_to(root)): file.read_bytes()
        for file in sorted(root.rglob("*"))
        if file.is_file() and ".git" not in file.parts
    }


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWE_SLEEP_SLEEP__SPECULATE_S", "20")


def test_a_test_is_mended_and_nothing_is_changed(cli: Any, slept: Path, failing: str) -> None:
    before = snapshot(slept)
    ran = cli(slept, "solve", "--test", failing)
    assert ran.code == 0, ran
    assert "-    if total > 5000:\n+    if total >= 5000:" in ran.out
    assert "  before  1 failed, 0 passed" in ran.out
    assert "  suite   0 failed, 3 passed" in ran.out
    assert "prepared while nobody waited, verified again now" in ran.out
    assert "0 tokens" in ran.out
    assert "Nothing was changed" in ran.out
    assert snapshot(slept) == before


def test_json(cli: Any, slept: Path, failing: str) -> None:
    ran = cli(slept / "tests", "solve", "-t", failing.removeprefix("tests/"), "--json")
    assert ran.code == 0, ran
    said = json.loads(ran.out)
    assert said["solved"] is True
    assert said["solver"] == "prepared"
    assert said["landed"] == ""
    assert said["why"] == ""
    assert said["diff"].startswith("diff --git a/shop/basket.py b/shop/basket.py\n")
    assert said["proof"]["refused"] == ""
    assert said["failing"][0]["test_id"] == failing
    assert said["notes"] == [failing]
    assert said["usage"]["wall_s"] > 0


@pytest.mark.parametrize("how", ["text", "file", "stdin"])
def test_an_issue_in_words(
    cli: Any, process: Any, slept: Path, tmp_path: Path, failing: str, how: str
) -> None:
    text = "Postage is not free from fifty euros on"
    if how == "text":
        ran = cli(slept, "solve", *text.split(), "--apply")
    elif how == "file":
        (tmp_path / "issue.md").write_text(f"# {text}\n\nA basket of 50 euros costs postage.\n")
        ran = cli(slept, "solve", "--file", str(tmp_path / "issue.md"), "--apply")
    else:
        ran = process(["solve", "-f", "-", "--apply"], slept, stdin=text.encode())
    assert ran.code == 0, ran
    assert "shop/basket.py changed in the work tree" in ran.out
    assert "total >= 5000" in (slept / "shop/basket.py").read_text()


def test_the_answer_is_no(cli: Any, slept: Path) -> None:
    ran = cli(slept, "solve", "The colour of the logo is wrong")
    assert ran.code == 1
    assert "No verified patch: 1 test fails, but it does not seem to be about this issue" in ran.out
    ran = cli(slept, "solve", "The colour of the logo is wrong", "--json")
    said = json.loads(ran.out)
    assert (ran.code, said["solved"], said["diff"], said["proof"]) == (1, False, "", None)


def test_a_branch_leaves_the_work_tree_alone(
    cli: Any, git: Any, shop: Path, break_shop: Any, failing: str
) -> None:
    break_shop(shop)
    git(shop, "commit", "-qam", "Round the limit")
    (shop / "notes.txt").write_text("mine\n")
    before = snapshot(shop)
    ran = cli(shop, "solve", "--test", failing, "--branch", "fix-postage")
    assert ran.code == 0, ran
    assert "on the new branch fix-postage, commit " in ran.out
    assert snapshot(shop) == before
    assert git(shop, "rev-parse", "--abbrev-ref", "HEAD") == "main"
    assert "total >= 5000" in git(shop, "show", "fix-postage:shop/basket.py")
    assert f"Now passes: {failing}" in git(shop, "log", "-1", "--format=%B", "fix-postage")
    assert git(shop, "log", "-1", "--format=%s", "fix-postage")


def test_a_commit(cli: Any, git: Any, shop: Path, break_shop: Any, failing: str) -> None:
    break_shop(shop)
    git(shop, "commit", "-qam", "Round the limit")
    ran = cli(shop, "solve", "--no-notes", "--test", failing, "--commit", "--seconds", "20")
    assert ran.code == 0, ran
    assert "found by the built-in search" in ran.out
    assert git(shop, "status", "--porcelain", "--untracked-files=no") == ""
    assert git(shop, "rev-list", "--count", "HEAD") == "3"


def test_a_dirty_tree_is_never_harmed(
    cli: Any, git: Any, slept: Path, failing: str, refused: Any
) -> None:
    """The fault is not committed, so a commit of its mending alone cannot be made: `--commit` is
    refused before anything is searched, `--branch` shows the patch that it could not take."""
    before, head = snapshot(slept), git(slept, "rev-parse", "HEAD")
    ran = cli(slept, "solve", "--test", failing, "--commit")
    refused(ran, "has uncommitted changes (shop/basket.py)", "--apply")
    assert "verifying" not in ran.err
    ran = cli(slept, "solve", "--test", failing, "--branch", "fix")
    assert ran.code == 1
    last = ran.err.splitlines()[-1]
    assert last.startswith("swe-sleep: the patch is for your uncommitted changes")
    assert "--apply" in last
    assert "total >= 5000" in ran.out, "the patch that was found must not be lost"
    assert snapshot(slept) == before
    assert git(slept, "rev-parse", "HEAD") == head
    assert git(slept, "branch", "--list", "fix") == ""


def test_a_commit_without_a_name(
    cli: Any, git: Any, shop: Path, failing: str, refused: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "GIT_AUTHOR_NAME",
        "GIT_AUTHOR_EMAIL",
        "GIT_COMMITTER_NAME",
        "GIT_COMMITTER_EMAIL",
    ):
        monkeypatch.delenv(name)
    git(shop, "config", "user.useConfigOnly", "true")
    refused(
        cli(shop, "solve", "--test", failing, "--commit"),
        "git does not know who you are",
        "user.name",
    )


STATED = "Postage at fifty euros\n\n`postage(5000)` returns 490, it should return 0.\n"


@pytest.fixture
def untested(shop: Path, break_shop: Any, git: Any) -> Path:
    """A fault that is committed and that no test shows."""
    break_shop(shop)
    tests = shop / "tests/test_basket.py"
    tests.write_text(tests.read_text().partition("\n\n\ndef test_postage_is_free")[0] + "\n")
    git(shop, "commit", "-qam", "Round the limit")
    return shop


def test_an_issue_that_no_test_shows(cli: Any, git: Any, untested: Path) -> None:
    before = snapshot(untested)
    flags = ("--no-notes", "--solver", "search", "--seconds", "40")
    ran = cli(untested, "solve", STATED, *flags)
    assert ran.code == 0, ran
    assert "reproduced by tests/test_issue_" in ran.out
    assert "result = postage(5000)" in ran.out
    assert snapshot(untested) == before

    ran = cli(untested, "solve", STATED, *flags, "--json", "--commit")
    assert ran.code == 0, ran
    told = json.loads(ran.out)
    assert told["reproduction"]["by"] == "written from the issue's text"
    assert told["weak"] == ""
    assert told["plausible"] == len(told["others"]) + 1
    assert all(other["diff"] and other["place"] for other in told["others"])
    assert git(untested, "show", "--name-only", "--format=") == "shop/basket.py"

    git(untested, "reset", "-q", "--hard", "HEAD~1")
    ran = cli(untested, "solve", STATED, *flags, "--branch", "fix", "--with-test")
    assert ran.code == 0, ran
    path = told["reproduction"]["path"]
    assert git(untested, "show", "--name-only", "--format=", "fix") == f"shop/basket.py\n{path}"
    assert git(untested, "show", f"fix:{path}") == told["reproduction"]["source"].strip()


@pytest.mark.parametrize("name", ["till", "größe"])
def test_git_takes_a_patch_of_an_odd_file(
    cli: Any, git: Any, make_repository: Callable[..., Path], name: str
) -> None:
    """Lines that end as on Windows, none at the end, and a mode that is not the plain one."""
    text = b"#!/usr/bin/env python\r\ndef is_full(n):\r\n    return n > 3"
    test = f"from {name} import is_full\n\n\ndef test_full():\n    assert is_full(3)\n"
    root = make_repository({f"{name}.py": text, "test_it.py": f"{test}    assert not is_full(2)\n"})
    file = root / f"{name}.py"
    file.chmod(0o755)
    git(root, "commit", "-qam", "Make it a program")
    ran = cli(root, "solve", "--test", "test_it.py", "--no-notes", "--json", "--solver", "search")
    assert ran.code == 0, ran
    patch = root.parent / "found.diff"
    patch.write_text(json.loads(ran.out)["diff"], newline="")
    git(root, "apply", "--check", "--index", str(patch))
    git(root, "apply", "--index", str(patch))
    assert file.read_bytes() == text.replace(b"> 3", b">= 3")
    assert file.stat().st_mode & 0o111 == 0o111
    assert git(root, "diff", "--cached", "--summary") == ""


def test_an_issue_that_gives_no_test_gets_its_likely_place(cli: Any, untested: Path) -> None:
    issue = "postage in shop/basket.py should be free for members too"
    ran = cli(untested, "solve", issue, "--no-notes", "--solver", "search")
    assert ran.code == 1
    assert ran.out.startswith(
        "No verified patch: no failing test shows this issue, and the text has no example"
    )
    assert "The issue is likely to be about:\n1. shop/basket.py" in ran.out
    ran = cli(untested, "solve", issue, "--no-notes", "--solver", "search", "--json")
    assert ran.code == 1
    assert json.loads(ran.out)["places"]["files"][0]["place"]["path"] == "shop/basket.py"


def test_a_branch_that_exists_is_left_alone(
    cli: Any, git: Any, slept: Path, failing: str, refused: Callable[..., None]
) -> None:
    git(slept, "branch", "fix")
    ran = cli(slept, "solve", "--test", failing, "--branch", "fix")
    refused(ran, "There is a branch fix already. Give another name.")


def test_a_tree_that_git_is_at_work_on(
    cli: Any, git: Any, slept: Path, failing: str, refused: Any
) -> None:
    (slept / ".git/MERGE_HEAD").write_text(git(slept, "rev-parse", "HEAD"))
    ran = cli(slept, "solve", "--test", failing, "--commit", "--json")
    refused(ran, "A merge is under way. Finish it first.")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "no issue: give its text, --file, or --test."),
        (["  "], "no issue"),
        (["text", "--file", "README.md"], "as text or with --file, not both"),
        (["--file", "none.md"], "cannot read none.md: No such file"),
        (["--file", "shop"], "cannot read shop: Is a directory"),
        (["x", "--apply", "--commit"], "one of --apply, --branch and --commit"),
        (["x", "--apply", "--branch", "b"], "one of --apply, --branch and --commit"),
        (["x", "--branch", ""], "not a name that a branch can have"),
        (["x", "--branch", "a..b"], "a..b"),
        (["--test", "../out.py::test_a"], "outside the repository"),
    ],
)
def test_flags_that_make_no_sense(
    cli: Any, slept: Path, refused: Callable[..., None], words: list[str], says: str
) -> None:
    before = snapshot(slept)
    refused(cli(slept, "solve", *words), says)
    assert snapshot(slept) == before


def test_an_unknown_test_with_what_is_near(
    cli: Any, slept: Path, refused: Callable[..., None]
) -> None:
    ran = cli(slept, "solve", "--test", "tests/test_basket.py::test_totl")
    refused(ran, "There is no test tests/test_basket.py::test_totl", "test_basket.py::test_total")


def test_a_test_that_passes_already(cli: Any, slept: Path, refused: Callable[..., None]) -> None:
    ran = cli(slept, "solve", "--test", "tests/test_basket.py::test_total")
    refused(ran, "the named tests pass as the code is; there is nothing to mend.")


@pytest.mark.parametrize(
    ("flags", "tokens", "told"),
    [((), "600", True), ((), "0", False), (("--no-notes",), "600", True)],  # it needs none
    ids=["notes", "turned off", "without notes"],
)
def test_claude_is_told_likely_places(
    cli: Any,
    shop: Path,
    messages_api: Any,
    monkeypatch: pytest.MonkeyPatch,
    flags: tuple[str, ...],
    tokens: str,
    told: bool,
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "test-key-of-no-one")
    monkeypatch.setenv("SWE_SLEEP_SOLVE__CONTEXT_TOKENS", tokens)
    messages_api.reply(messages_api.call("submit", summary="Nothing to do."))
    issue = (
        "`postage` wants more than 50 euros\n\nIn shop/basket.py it should be free from there on."
    )
    server = ("--solver", "agent", "--base-url", messages_api.url)
    ran = cli(shop, "solve", issue, *server, *flags)
    assert ran.code == 1, ran
    first = messages_api.requests[0].body["messages"][0]["content"][0]["text"]
    line = "shop/basket.py:17-21 [suspicion]: likely to be touched"
    assert (line in first) == told, first
    assert ("def postage(total: int) -> int" in first) == told


def test_claude_without_a_key(
    cli: Any, slept: Path, failing: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    ran = cli(slept, "solve", "--test", failing, "--solver", "agent", "--no-notes")
    assert ran.code == 1
    assert "There is no key for the model. Set ANTHROPIC_API_KEY" in ran.out
    assert "0 tokens" in ran.out
