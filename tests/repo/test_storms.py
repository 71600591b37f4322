"""Change storms: what git, a formatter or a package manager does in seconds is one change, soon
over, in little memory."""

from __future__ import annotations

import subprocess
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Git = Callable[..., str]
Make = Callable[..., Path]
Watching = Callable[..., Any]


def import_commits(root: Path, branch: str, count: int) -> None:
    """A branch of many commits, each of which changes its own line of one file and adds one."""
    parts = [f"reset refs/heads/{branch}\nfrom refs/heads/main\n\n"]
    for number in range(count):
        text = "".join(f"x{n} = {n}\n" for n in range(number + 1))
        parts.append(
            f"commit refs/heads/{branch}\ncommitter T <t@example.org> {number + 10**9} +0000\n"
            f"data 4\nNext\nM 644 inline side.py\ndata {len(text)}\n{text}\n"
            f"M 644 inline d/f{number}.py\ndata 2\n1\n\n"
        )
    command = ["git", "fast-import", "--quiet", "--force"]
    subprocess.run(command, cwd=root, input="".join(parts).encode(), check=True)


@pytest.mark.slow
def test_a_rebase_of_five_hundred_commits_is_one_change(
    make_repository: Make, watching: Watching, git: Git
) -> None:
    root = make_repository({"a.py": "1\n", "b.py": "1\n"})
    import_commits(root, "side", 500)
    (root / "b.py").write_text("2\n")
    git(root, "commit", "-qam", "Main")
    git(root, "switch", "-q", "side")
    watcher = watching(root, settle_s=0.3, patience_s=120)

    git(root, "rebase", "-q", "main")

    change = watcher.change()
    assert (change.modified, change.cause) == (("b.py",), "checkout")
    assert watcher.pairs.empty()


def test_a_formatter_over_two_thousand_files_is_few_changes(
    make_repository: Make, watching: Watching
) -> None:
    root = make_repository({f"d{n % 40}/f{n}.py": "x=1\n" for n in range(2000)})
    watcher = watching(root, settle_s=0.3)
    tracemalloc.start()

    for n in range(2000):  # as formatters write: a new file, and then its name
        file = root / f"d{n % 40}" / f"f{n}.py"
        new = file.with_suffix(".py.new")
        new.write_text("x = 1\n")
        new.rename(file)
    changes = watcher.until(
        lambda seen: len({e.blob for p, e in seen.files.items() if p.endswith(".py")}) == 1
    )

    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(changes) <= 4
    assert set().union(*(change.modified for change in changes)) == {
        f"d{n % 40}/f{n}.py" for n in range(2000)
    }
    assert most < 60_000_000


@pytest.mark.parametrize("ignored", [True, False])
def test_node_modules_with_twenty_thousand_files_appear(
    make_repository: Make, watching: Watching, tmp_path: Path, ignored: bool
) -> None:
    root = make_repository({"a.py": "1\n", ".gitignore": "node_modules/\n" if ignored else "x\n"})
    packages = tmp_path / "packages"
    for n in range(200):
        folder = packages / f"p{n}" / "lib"
        folder.mkdir(parents=True)
        for m in range(100):
            (folder / f"{m}.js").touch()
    watcher = watching(root, settle_s=0.3)
    tracemalloc.start()

    subprocess.run(["cp", "-r", packages, root / "node_modules"], check=True)
    (root / "a.py").write_text("2\n")
    wanted = 2 if ignored else 20_002
    changes = watcher.until(lambda seen: len(seen.files) == wanted and seen.read("a.py") == b"2\n")

    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(changes) <= (2 if ignored else 5)
    assert sum(len(change.paths) for change in changes) <= wanted
    assert most < (20_000_000 if ignored else 150_000_000), most
    (root / "a.py").write_text("3\n")
    assert watcher.change().paths == ("a.py",), "it goes on as before"
