"""A secret that the model does not see stays in the file that the model edits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swe_sleep.errors import RepositoryError
from swe_sleep.model.protocol import ToolCall
from swe_sleep.model.secrets import MASK, PLACEHOLDER, Masker
from swe_sleep.model.tools import EDITOR_NAME
from swe_sleep.model.trajectory import Trajectory
from swe_sleep.prompts.fence import Fence
from swe_sleep.records import Issue
from swe_sleep.solve.resume import resume, take_up
from swe_sleep.solve.tools import Bash, Edit, Tool, Toolbox

KEY = "glpat-" + "a1B2c3D4e5" * 2
FILE = f"import shop\n\nTOKEN = '{KEY}'\nLIMIT = 3\n"


class Said:
    """A toolbox over a sandbox with one file, and what it answers."""

    def __init__(self, sandbox: Any) -> None:
        self.sandbox = sandbox
        masker = Masker()
        tools: list[Tool] = [Bash(sandbox, left_s=lambda: None), Edit(sandbox, masker)]
        self._box = Toolbox(tools, Fence("data-1"), masker)

    def edit(self, command: str, path: str = "settings.py", **values: object) -> str:
        values = {"command": command, "path": path, **values}
        return str(self._box.run(ToolCall("1", EDITOR_NAME, values))["content"])

    def bash(self, command: str) -> str:
        return str(self._box.run(ToolCall("1", "bash", {"command": command}))["content"])


@pytest.fixture
def said(shared_sandbox: Callable[..., Any]) -> Said:
    return Said(shared_sandbox({"settings.py": FILE, "other.py": "x = 1\n"}))


def test_a_line_with_a_secret_is_edited_without_seeing_it(said: Said) -> None:
    shown = said.edit("view")
    (placeholder,) = PLACEHOLDER.findall(shown)
    assert KEY not in shown
    line = f"TOKEN = '{placeholder}'"
    answer = said.edit("str_replace", old_str=f"{line}\nLIMIT = 3", new_str=f"{line}\nLIMIT = 4")
    assert "Changed settings.py" in answer
    assert KEY not in answer
    assert said.sandbox.get("settings.py").decode() == FILE.replace("LIMIT = 3", "LIMIT = 4")


def test_a_file_written_anew_keeps_its_secret(said: Said) -> None:
    (placeholder,) = PLACEHOLDER.findall(said.bash("cat settings.py"))
    said.edit("create", file_text=f"TOKEN = '{placeholder}'\n")
    assert said.sandbox.get("settings.py").decode() == f"TOKEN = '{KEY}'\n"


def test_a_secret_gets_into_no_other_file(said: Said) -> None:
    (placeholder,) = PLACEHOLDER.findall(said.edit("view"))
    refused = [
        said.edit("create", "new.py", file_text=f"TOKEN = '{placeholder}'\n"),
        said.edit("str_replace", "other.py", old_str="x = 1", new_str=f"x = '{placeholder}'"),
        said.edit("insert", "other.py", insert_line=1, insert_text=f"y = '{placeholder}'"),
        said.edit("insert", insert_line=1, insert_text=f"y = '{MASK} 00000000]'"),
    ]
    assert all("stands for a secret that you cannot see" in answer for answer in refused)
    assert said.sandbox.changes() == {}


def test_a_command_with_a_placeholder_is_not_run(said: Said) -> None:
    (placeholder,) = PLACEHOLDER.findall(said.edit("view"))
    answer = said.bash(f"echo \"TOKEN = '{placeholder}'\" > other.py")
    assert "use the editor" in answer
    assert said.sandbox.changes() == {}


def test_a_run_beside_a_secret_is_taken_up_again(
    messages_api: Any, solve: Callable[..., Any], open_site: Any, tmp_path: Path
) -> None:
    messages_api.reply(
        messages_api.call(
            EDITOR_NAME,
            command="str_replace",
            path="settings.py",
            old_str="LIMIT = 3",
            new_str="LIMIT = 4",
        )
    )
    messages_api.fails(401, "authentication_error")
    file = tmp_path / "masked.jsonl"
    first, masker = open_site({"settings.py": FILE}), Masker(key=b"k" * 32)
    with Trajectory(file, masker=masker) as recorder:
        solve(Issue("Too few."), site=first, masker=masker, recorder=recorder)
    assert KEY not in file.read_text()
    again = open_site(first.snapshot)
    take_up(resume(file), again.sandbox, again.snapshot, Masker(key=b"k" * 32))
    assert again.sandbox.get("settings.py").decode() == FILE.replace("LIMIT = 3", "LIMIT = 4")
    with pytest.raises(RepositoryError, match="which no file does"):
        take_up(resume(file), again.sandbox, again.snapshot, Masker())
