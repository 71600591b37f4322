"""What every sandbox is and promises.

A `Backend` opens sandboxes; a `Sandbox` holds a private, writable copy of a snapshot and runs
commands on it. Nothing that a command does there reaches the person's work tree, and no variable
of the host's environment but the time zone (`TZ`) reaches a command.
One behaviour suite, `tests/contract/test_sandbox.py`, runs on every backend.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Protocol, Self

from swe_sleep.repo.snapshot import Snapshot

Progress = Callable[[str], None]
"""Called with one short line when a long step begins."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits that act inside the sandbox, on everything that runs there together."""

    memory_mb: int = 2048
    processes: int = 256
    cpus: float = 2.0
    disk_mb: int = 1024
    """For the copy of the repository and everything written."""
    output_bytes: int = 1_000_000
    """A command's output beyond this is cut in the middle, and the cut is said."""
    gentle: bool = False
    """Others on the machine come first. Processes below ours have our priority anyway."""


@dataclass(frozen=True, slots=True)
class Guarantees:
    """What this sandbox really enforces here; each False is a protection that is missing."""

    network_off: bool
    files_held: bool
    """Commands can write nothing outside the sandbox's own folders."""
    home_hidden: bool
    """Commands cannot read the person's home directory."""
    limits_held: bool
    """Memory and process limits act on everything that runs in the sandbox."""
    text: str
    """One line for a person."""


Cut = Literal["", "timeout", "memory", "cancelled"]


@dataclass(frozen=True, slots=True)
class Completed:
    """A finished command. `cut` says why it was ended early, if it was."""

    exit_code: int
    stdout: str
    stderr: str
    duration_s: float
    cut: Cut = ""
    truncated: bool = False
    """Whether there was more output than is kept."""
    shell_ended: bool = False
    """The shell came to its end with this command; the next one will have a new shell."""
    shell_new: bool = False
    """The shell had ended since the command before, so this one ran in a new shell."""


@dataclass(frozen=True, slots=True)
class Environment:
    """An interpreter with the project's dependencies and pytest and coverage, ready to be used.

    `key` is the hash of what it was made from. `problem` is empty, or says in one line which
    dependencies could not be had; tests may still run without them.
    """

    key: str
    python: str
    """The interpreter's path inside the sandbox."""
    python_path: tuple[str, ...] = ()
    """Folders of the repository that must be on PYTHONPATH (such as `src`), relative to it."""
    image: str = ""
    """The engine's image, for backends that have one."""
    problem: str = ""
    base: str = ""
    """The interpreter on the host that the environment was made of; empty: not one of ours."""
    version: str = ""
    """Its version, such as "3.12.1"."""
    chosen: str = ""
    """Why it was chosen, in words."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """What the tests find in their environment; `{root}` stands for the repository's copy."""
    test_paths: tuple[str, ...] = ()
    """Where the tests are; empty: where pytest's settings say."""
    test_arguments: tuple[str, ...] = ()
    """Options for pytest that the project's own runs have."""
    generated: Mapping[str, str] = field(default_factory=dict)
    """What the project's build made and the repository has not, such as compiled extensions: the
    path in the copy, and the file on the host that holds it."""
    workdir: str = ""
    """Where the repository's copy has to be, inside; empty: where the backend has it."""
    supervisor: str = ""
    """The interpreter for our own programs inside, where `python` is too old; empty: `python`."""


class Shell(Protocol):
    """A shell that stays: the working directory and variables last from one command to the next."""

    def run(
        self, command: str, *, timeout_s: float, stop: Callable[[], bool] | None = None
    ) -> Completed:
        """Run one command; stdout and stderr come together in `stdout`, in order.

        A command that outlives `timeout_s` is ended with everything it started, `cut` is
        "timeout", and the shell is replaced by a new one in the repository's copy. Once `stop` is
        true the same is done, and `cut` is "cancelled".
        """
        ...


class Sandbox(Protocol):
    """A private copy of the repository in which commands run. A context manager: leaving it ends
    every process and removes every file and container."""

    workdir: str
    """Absolute path, inside, of the repository's copy."""
    scratch: str
    """Absolute path, inside, of a writable folder that is not part of the copy."""
    environment: Environment

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        stdin: bytes = b"",
        stop: Callable[[], bool] | None = None,
    ) -> Completed:
        """Run a command to its end and give back what it printed.

        The time limit acts inside the sandbox on the whole process tree. `stop` is polled; once
        it is true the command is ended and `cut` is "cancelled". Raises EngineLost.
        """
        ...

    def shell(self) -> Shell:
        """The sandbox's persistent shell, started at first use."""
        ...

    def put(self, files: Mapping[str, bytes | None]) -> None:
        """Write files; None deletes. A path is relative to the copy, or absolute below `scratch`.
        Anything else raises SandboxError: symlinks are never followed out of the copy."""
        ...

    def get(self, path: str, *, limit_bytes: int = 50_000_000) -> bytes:
        """A file's content. Raises FileNotFoundError, and SandboxError for one that is larger."""
        ...

    def changes(self) -> dict[str, bytes | None]:
        """What differs from the snapshot in the copy: path -> content, None where deleted. Files
        the repository ignores (and caches such as __pycache__) are left out."""
        ...

    def reset(self) -> None:
        """Make the copy the snapshot again."""
        ...

    def move_to(self, snapshot: Snapshot) -> bool:
        """Make the copy another snapshot, as if it had been opened with that. What commands wrote
        into `scratch` stays, and so does the shell with what it started. False where that can't
        be done, or would be no quicker than opening a new one: the sandbox is then only good for
        being closed."""
        ...

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Backend(Protocol):
    """A way to make sandboxes on this machine."""

    name: str

    def guarantees(self) -> Guarantees: ...

    def prepare(self, snapshot: Snapshot, *, progress: Progress) -> Environment:
        """The environment for this snapshot's requirement files: a cached one, or made now.

        Raises EnvironmentFailed only where no interpreter with pytest can be had at all."""
        ...

    def open(
        self, snapshot: Snapshot, environment: Environment, *, limits: Limits | None = None
    ) -> Sandbox:
        """A new sandbox with a copy of the snapshot. Raises EngineUnavailable, EngineLost."""
        ...
