"""Histories over years, written by real git in one go."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

YEAR = 31_557_600
BEGIN = 1_500_000_000
Commit = tuple[int, str, str, Mapping[str, str | None]]
"""Time, author, message, and the files that it writes, or removes (None)."""


@pytest.fixture
def write_history(tmp_path: Path) -> Callable[..., Path]:
    """`write_history(commits, name)` makes a repository with these commits."""

    def write(commits: Sequence[Commit], name: str = "repo") -> Path:
        root = tmp_path / name
        subprocess.run(["git", "init", "-q", "-b", "main", root], check=True)
        stream = bytearray()
        for time, author, message, files in commits:
            said = message.encode()
            stream += b"commit refs/heads/main\n"
            stream += f"author {author} <{author}@example.org> {time} +0000\n".encode()
            stream += f"committer {author} <{author}@example.org> {time} +0000\n".encode()
            stream += b"data %d\n%s\n" % (len(said), said)
            for path, text in files.items():
                if text is None:
                    stream += f"D {path}\n".encode()
                else:
                    stream += f"M 100644 inline {path}\n".encode()
                    stream += b"data %d\n%s\n" % (len(text.encode()), text.encode())
        subprocess.run(["git", "fast-import", "--quiet"], cwd=root, input=bytes(stream), check=True)
        subprocess.run(["git", "reset", "-q", "--hard"], cwd=root, check=True)
        return root

    return write


def _module(functions: Sequence[tuple[str, Sequence[str]]]) -> str:
    return "\n\n".join(
        f"def {name}(value):\n" + "".join(f"    {line}\n" for line in body)
        for name, body in functions
    )


@pytest.fixture
def living() -> list[Commit]:
    """Four years in which a small module is mended every month, and large ones are left alone; one
    of two functions of the small one is where it hurts."""
    calm = {
        f"app/calm{n}.py": _module(
            [(f"calm{n}_{k}", [f"step{j} = value + {j}" for j in range(12)]) for k in range(n + 2)]
        )
        for n in range(10)
    }

    def hot(n: int) -> str:
        fine = [f"stays = value + {j}" for j in range(3)]
        return _module(
            [("fine", fine), ("sore", ["if value:", f"    value += {n}", "return value"])]
        )

    quiet = _module([("quiet", ["return value"])])
    commits: list[Commit] = [
        (BEGIN, "ann", "Begin", {**calm, "app/hot.py": hot(0), "app/quiet.py": quiet})
    ]
    for month in range(1, 48):
        when = BEGIN + month * YEAR // 12
        commits.append((when, "bob", f"Fix wrong value number {month}", {"app/hot.py": hot(month)}))
        commits.append((when + 1000, "ann", "Say more", {"README": f"{month}\n"}))
    return commits
