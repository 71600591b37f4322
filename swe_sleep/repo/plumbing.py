"""Running git, so that only git itself runs.

The caller's environment may point anywhere (a hook has GIT_DIR and GIT_INDEX_FILE set), and the
repository's configuration may name programs. Here the first is scrubbed and the second switched
off: no hooks, no filesystem monitor, no external diff, no fetching of missing objects.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from swe_sleep.errors import NotARepository, RepositoryError, SweSleepError

# Who the person is and where their settings are; everything else named GIT_* says which repository
# or how to treat it, and belongs to whoever called us.
_KEPT = frozenset(
    {
        "GIT_EXEC_PATH",
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_SYSTEM",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_CEILING_DIRECTORIES",
        "GIT_DISCOVERY_ACROSS_FILESYSTEM",
        "GIT_AUTHOR_NAME",
        "GIT_AUTHOR_EMAIL",
        "GIT_COMMITTER_NAME",
        "GIT_COMMITTER_EMAIL",
    }
)

SAFE = (
    "core.fsmonitor=false",
    f"core.hooksPath={os.devnull}",
    "core.sshCommand=false",
    "core.pager=cat",
    "core.alternateRefsCommand=",
    "core.quotePath=true",
    "core.splitIndex=false",
    "protocol.allow=never",  # a partial clone would fetch every missing object
    "log.showSignature=false",  # would run gpg
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
)


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for git: the caller's without its GIT_*, in plain English, never asking."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_") or k in _KEPT}
    kept.pop("LANGUAGE", None)
    return {
        **kept,
        "LC_ALL": "C",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",  # an id means one content
        "GIT_NO_LAZY_FETCH": "1",
        **(extra or {}),
    }


def reason(stderr: bytes) -> str:
    """Git's complaint in one line, the first one it made."""
    lines = [line.strip() for line in stderr.decode("utf-8", "replace").splitlines()]
    lines = [line for line in lines if line and not line.startswith(("hint:", "warning:"))]
    return lines[0].removeprefix("fatal: ").removeprefix("error: ") if lines else "no reason given"


@dataclass(frozen=True)
class Git:
    """Git on one repository. The places are always given, never found, so that a repository whose
    `.git` vanishes does not make git take the one around it."""

    git_dir: Path
    work_tree: Path

    def command(self, arguments: Iterable[str]) -> list[str]:
        return ["git", *(word for setting in SAFE for word in ("-c", setting)), *arguments]

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        places = {"GIT_DIR": str(self.git_dir), "GIT_WORK_TREE": str(self.work_tree)}
        return environment({**places, **(extra or {})})

    def start(
        self,
        *arguments: str,
        stdin: int = subprocess.DEVNULL,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                self.command(arguments),
                cwd=self.work_tree,
                env=self.environment(env),
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except (FileNotFoundError, NotADirectoryError) as error:
            raise self._gone() from error

    def _gone(self) -> SweSleepError:
        if not self.work_tree.is_dir():
            return RepositoryError(f"The repository at {self.work_tree} is gone.")
        return NotARepository("git is not installed.", "Install git and try again.")

    def run(
        self, *arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None
    ) -> bytes:
        """What git printed. Raises RepositoryError with git's reason."""
        with self.start(*arguments, stdin=subprocess.PIPE, env=env) as process:
            return finish(process, arguments[0], stdin)

    def ask(self, *arguments: str) -> bytes | None:
        """What git printed, None where it answers by failing."""
        with self.start(*arguments) as process:
            out, _ = process.communicate()
            return out if process.returncode == 0 else None


def finish(process: subprocess.Popen[bytes], what: str, stdin: bytes | None = None) -> bytes:
    """The output of a process that was started. Raises RepositoryError with git's reason."""
    out, err = process.communicate(stdin)
    if process.returncode != 0:
        raise RepositoryError(f"git {what} failed: {reason(err)}.")
    return out


class Objects:
    """Contents by id, through one `git cat-file --batch` that is started at first use.

    Safe for threads. The process ends with `close`, or with us: its input closes.
    """

    def __init__(self, git: Git) -> None:
        self._git = git
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._finalizer: weakref.finalize[..., Objects] | None = None

    def read(self, blob: str) -> bytes | None:
        """The content of a blob; None where the repository does not have it."""
        with self._lock:
            # Twice: the process may have been ended, or have been started before a repack.
            for _ in range(2):
                try:
                    found, content = self._read(blob)
                except (OSError, ValueError):
                    self._end()
                    continue
                if found:
                    return content
                self._end()
            return None

    def _read(self, blob: str) -> tuple[bool, bytes]:
        if self._process is None:
            self._process = subprocess.Popen(
                self._git.command(["cat-file", "--batch"]),
                cwd=self._git.git_dir,
                env=self._git.environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            self._finalizer = weakref.finalize(self, _end, self._process)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{blob}\n".encode())
        self._process.stdin.flush()
        header = self._process.stdout.readline().split()
        if len(header) == 2 and header[1] == b"missing":
            return False, b""
        if len(header) != 3:
            raise ValueError(header)
        size = int(header[2])
        content = self._process.stdout.read(size + 1)
        if len(content) != size + 1:
            raise ValueError("cut short")
        return header[1] == b"blob", content[:-1]

    def _end(self) -> None:
        self._process = None
        if self._finalizer is not None:
            self._finalizer()

    def close(self) -> None:
        with self._lock:
            self._end()


def _end(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    process.wait()


def records(data: bytes) -> Iterator[bytes]:
    """The NUL-ended records of a `-z` output."""
    yield from data.split(b"\0")[:-1]
