"""The editor's commands on the files of a real sandbox."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from swe_sleep.sandbox.protocol import Sandbox
from swe_sleep.solve.editor import Editor, ToolProblem

FILES = {
    "a.py": "one = 1\ntwo = 2\n\ndef f():\n    return one\n",
    "src/pkg/b.py": "x = 1\nx = 1\n",
    "src/empty.py": "",
    "no_end.txt": "first\nlast",
    "dos.txt": b"one\r\ntwo\r\nthree\r\n",
    "latin.txt": b"caf\xe9\nbar\n",
    "data.bin": b"\x00\x01\x02",
    "feed.txt": b"a\x0cb\nc\x1dd\n",
}


@dataclass
class Site:
    sandbox: Sandbox


@pytest.fixture
def site(shared_sandbox: Callable[..., Sandbox]) -> Site:
    return Site(shared_sandbox(FILES))


@pytest.fixture
def edit(site: Site) -> Callable[..., str]:
    editor = Editor(site.sandbox, limit_chars=2_000)
    return lambda command, path, **values: editor.run({"command": command, "path": path, **values})


Edit = Callable[..., str]


def test_view(edit: Edit, site: Site) -> None:
    assert edit("view", "a.py") == (
        "     1\tone = 1\n     2\ttwo = 2\n     3\t\n     4\tdef f():\n     5\t    return one"
    )
    assert edit("view", f"{site.sandbox.workdir}/a.py", view_range=[2, 2]) == "     2\ttwo = 2"
    assert edit("view", "./src/../a.py", view_range=[4, -1]).endswith("return one")
    assert edit("view", "a.py", view_range=[4, 99]).count("\n") == 1
    assert edit("view", "no_end.txt") == "     1\tfirst\n     2\tlast"
    assert edit("view", "src/empty.py") == "[src/empty.py is empty]"


def test_view_of_a_folder(edit: Edit) -> None:
    listing = edit("view", ".").split("\n")
    assert listing[0] == "./"
    assert "src/" in listing
    assert "src/pkg/" in listing
    assert "src/pkg/b.py" not in listing, "two levels"
    assert not [name for name in listing if name.startswith(".git")]
    assert edit("view", "src/pkg").split("\n") == ["src/pkg/", "b.py"]


def test_view_of_a_long_file_says_what_is_not_shown(edit: Edit) -> None:
    edit("create", "long.txt", file_text="".join(f"line {n}\n" for n in range(1, 1001)))
    lines = edit("view", "long.txt").split("\n")
    assert len(lines) < 200
    shown = len(lines) - 1
    assert lines[-1] == f"[lines {shown + 1}-1000 of 1000 not shown: use view_range]"
    edit("create", "wide.txt", file_text="x" * 5000)
    assert "3,000 characters cut" in edit("view", "wide.txt", view_range=[1, 1]) or (
        "not shown" in edit("view", "wide.txt", view_range=[1, 1])
    )


@pytest.mark.parametrize("bad", [[0, 2], [3, 2], [9, 10], [1], "1-2", [1, "2"], [1.5, 2]])
def test_view_ranges_that_are_none(edit: Edit, bad: object) -> None:
    with pytest.raises(ToolProblem, match="view_range must be"):
        edit("view", "a.py", view_range=bad)


def test_create(edit: Edit, site: Site) -> None:
    assert edit("create", "new/deep/c.py", file_text="a\nb") == "Created new/deep/c.py, 2 lines."
    assert site.sandbox.get("new/deep/c.py") == b"a\nb"
    assert edit("create", "a.py", file_text="") == "Replaced a.py, 0 lines."
    assert site.sandbox.get("a.py") == b""


def test_create_in_scratch_is_no_change(edit: Edit, site: Site) -> None:
    edit("create", f"{site.sandbox.scratch}/try.py", file_text="print(1)\n")
    assert site.sandbox.changes() == {}


def test_str_replace(edit: Edit, site: Site) -> None:
    said = edit("str_replace", "a.py", old_str="    return one\n", new_str="    return two\n")
    assert said.startswith("Changed a.py:\n")
    assert "     5\t    return two" in said
    assert site.sandbox.changes() == {"a.py": b"one = 1\ntwo = 2\n\ndef f():\n    return two\n"}
    edit("str_replace", "a.py", old_str="two = 2\n")
    assert site.sandbox.get("a.py") == b"one = 1\n\ndef f():\n    return two\n"


@pytest.mark.parametrize(
    ("path", "old", "new", "why"),
    [
        ("a.py", "three", "3", "does not occur in a.py."),
        ("a.py", "def f():\n  return one", "", "at line 4, but with other white space"),
        ("src/pkg/b.py", "x = 1", "x = 2", "occurs 2 times in src/pkg/b.py, at lines 1, 2"),
        ("a.py", "", "x", "old_str is empty"),
        ("a.py", "one = 1", "one = 1", "are the same"),
        ("none.py", "a", "b", "none.py does not exist"),
        ("data.bin", "a", "b", "a binary file of 3 bytes"),
        ("../../etc/passwd", "a", "b", "outside the repository's copy"),
        ("/etc/passwd", "a", "b", "outside the repository's copy"),
        ("a.py", "one = 1", "\ud800", "half a surrogate pair"),
    ],
)
def test_replacements_that_cannot_be(
    edit: Edit, site: Site, path: str, old: str, new: str, why: str
) -> None:
    with pytest.raises(ToolProblem) as caught:
        edit("str_replace", path, old_str=old, new_str=new)
    assert why in str(caught.value)
    assert site.sandbox.changes() == {}


def test_other_line_endings_and_bytes_survive(edit: Edit, site: Site) -> None:
    edit("str_replace", "dos.txt", old_str="one\ntwo\n", new_str="1\n2\n")
    assert site.sandbox.get("dos.txt") == b"1\r\n2\r\nthree\r\n"
    edit("insert", "dos.txt", insert_line=1, insert_text="half")
    assert site.sandbox.get("dos.txt") == b"1\r\nhalf\r\n2\r\nthree\r\n"
    edit("str_replace", "latin.txt", old_str="bar", new_str="tea")
    assert site.sandbox.get("latin.txt") == b"caf\xe9\ntea\n"


@pytest.mark.parametrize(
    ("path", "line", "text", "after"),
    [
        ("no_end.txt", 0, "zero", b"zero\nfirst\nlast"),
        ("no_end.txt", 1, "mid\n", b"first\nmid\nlast"),
        ("no_end.txt", 2, "end", b"first\nlast\nend\n"),
        ("src/empty.py", 0, "x = 1", b"x = 1\n"),
        ("feed.txt", 1, "new", b"a\x0cb\nnew\nc\x1dd\n"),
    ],
)
def test_insert(edit: Edit, site: Site, path: str, line: int, text: str, after: bytes) -> None:
    edit("insert", path, insert_line=line, insert_text=text)
    assert site.sandbox.get(path) == after


@pytest.mark.parametrize("line", [-1, 6, "1", None, True])
def test_insert_at_no_line(edit: Edit, line: object) -> None:
    with pytest.raises(ToolProblem, match="insert_line must be from 0 to 5"):
        edit("insert", "a.py", insert_line=line, insert_text="x")


def test_unknown_commands_and_missing_texts(edit: Edit) -> None:
    with pytest.raises(ToolProblem, match="no command 'undo_edit'"):
        edit("undo_edit", "a.py")
    with pytest.raises(ToolProblem, match="'file_text' is missing"):
        edit("create", "a.py")
    with pytest.raises(ToolProblem, match="'path' is missing"):
        edit("view", None)
    with pytest.raises(ToolProblem, match=r"src cannot|src is a folder|not a file"):
        edit("create", "src", file_text="x")
