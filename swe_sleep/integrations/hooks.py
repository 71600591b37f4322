"""Git hooks that queue a sleep pass, beside the hooks a person already has.

All the work is in one script below the common git directory (`hook.sh`, installed as
`swe-sleep/hook`). A hook only gets one line that runs it, which names no path of this machine and
does nothing where the script is not there, so that it may be shared and survives a move.

- No hook yet: a file is made that holds this line.
- A shell script: the line goes to its top, where no `exit` and no `exec` comes before it. It gives
  stdin, arguments and exit status of the hook no thought and so leaves them alone.
- Anything else, such as a binary, a symlink or a file that is not executable: it moves to the
  folder `before-swe-sleep`, under its own name (some look at their name), and the file that is
  made calls it.

Taking it back is the reverse, and never needs a remembered content: what the person, or another
tool, changed in between stays. See `swe_sleep.integrations.hook_files` for the single file.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Literal

from swe_sleep.errors import RepositoryError, UsageError
from swe_sleep.integrations import hook_files, queue
from swe_sleep.integrations.hook_files import NotPossible
from swe_sleep.repo.hooks import hooks_folder, hooks_setting, tracked
from swe_sleep.repo.paths import shown
from swe_sleep.repo.repository import Repository

HOOKS = ("post-commit", "post-merge", "post-checkout", "post-rewrite")

SCRIPT = "hook"
LOG = "hook.log"
_RECORD = "hooks.json"
"""A `_Record`. Which folder git asks may change, with `core.hooksPath`, and a hook's file may be
written anew by another tool: so where lines were put is written down."""

HookState = Literal["absent", "installed", "displaced"]


@dataclass(frozen=True, slots=True)
class Hook:
    """One hook. `displaced`: something of ours is there, but git will not run it, or not twice as
    it should; `install` mends that. `detail` says in one line what is worth knowing."""

    name: str
    state: HookState
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    folder: Path
    """Where git looks for hooks here."""
    hooks: tuple[Hook, ...]
    script: Literal["absent", "installed", "outdated", "interpreter gone"]
    watcher: int | None
    """The pid of the watcher of this work tree."""
    running: int | None
    """The pid of the pass that empties the queue."""
    queued: int
    """How many events wait."""
    log: Path | None
    """What the last pass that a hook started printed."""

    @property
    def installed(self) -> bool:
        return self.script == "installed" and all(h.state == "installed" for h in self.hooks)


def install(repository: Repository, *, python: Path | None = None, outside: bool = False) -> Status:
    """Make the hooks queue passes, which `python` (this interpreter) will run. Mends what was
    displaced; changes nothing where all is well.

    A hook that cannot be done says so in its `detail`. Raises UsageError where git looks for hooks
    outside this repository and `outside` does not consent to writing there, RepositoryError where
    nothing can be written.
    """
    state_dir = repository.state_dir
    folder = hooks_folder(repository)
    with _writing(state_dir), queue.locked(state_dir):
        hook_files.write(state_dir / SCRIPT, _script(python or Path(sys.executable)), 0o644)
    if not _inside(repository, folder) and not outside:
        raise UsageError(_outside(repository, folder))
    problems: dict[str, str] = {}
    with _writing(folder), queue.locked(state_dir):
        record = _Record.read(state_dir)
        record.make(folder)
        record.write(state_dir)
        shared = tracked(repository, [folder / hook for hook in HOOKS])
        for hook in HOOKS:
            for other in record.folders:
                if other != folder and (outside or _inside(repository, other)):
                    problems[hook] = hook_files.remove(other, hook)
                    record.folders[other].discard(hook)
            try:
                if hook_files.standing(folder, hook)[0] != "installed":
                    problems[hook] = hook_files.remove(folder, hook)
                    line = hook_files.line(hook, _beside(repository, folder))
                    hook_files.add(folder, hook, line, movable=folder / hook not in shared)
                record.folders[folder].add(hook)
                if folder / hook in shared:
                    problems[hook] = "git tracks this file: its one new line does nothing elsewhere"
            except NotPossible as reason:
                problems[hook] = str(reason)
        record.write(state_dir)
    return _status(repository, problems)


def uninstall(repository: Repository, *, outside: bool = False) -> Status:
    """Take everything of ours away again, from wherever it got to. What is left, because the
    person changed it or it is outside this repository, is said in a hook's `detail`."""
    state_dir = repository.state_dir
    problems: dict[str, str] = {}
    with _writing(state_dir), queue.locked(state_dir):
        record = _Record.read(state_dir)
        for folder in _folders(repository, record):
            if not outside and not _inside(repository, folder):
                for hook in HOOKS:
                    if hook_files.standing(folder, hook)[0] != "absent":
                        problems[hook] = (
                            f"left in {shown(folder)}, outside this repository; see --outside"
                        )
                continue
            with _writing(folder):
                for hook in HOOKS:
                    problems[hook] = hook_files.remove(folder, hook) or problems.get(hook, "")
        for folder in record.made:
            with contextlib.suppress(OSError):
                folder.rmdir()
        names = [SCRIPT, LOG, queue.QUEUE, queue.TAKEN]
        if not any(problem.startswith("left in") for problem in problems.values()):
            names.append(_RECORD)
        if queue.running(state_dir) is None:
            names.append(queue.PASS_PID)
        for name in names:
            (state_dir / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            state_dir.rmdir()  # only if there never was anything else
    return _status(repository, problems)


def status(repository: Repository) -> Status:
    """What is installed, what has become of it, and who is at work. Writes nothing."""
    return _status(repository, {})


def snippet() -> str:
    """The line for a person to put near the top of a hook that we do not touch."""
    return hook_files.line('"${0##*/}"', beside=False).decode()


def _status(repository: Repository, problems: dict[str, str]) -> Status:
    folder = hooks_folder(repository)
    state_dir = repository.common_dir / "swe-sleep"
    record = _Record.read(state_dir)
    others = [each for each in _folders(repository, record) if each != folder]
    hooks = []
    for name in HOOKS:
        state, detail = hook_files.standing(folder, name)
        elsewhere = [f for f in others if hook_files.standing(f, name)[0] == "installed"]
        if state == "absent" and elsewhere:
            state = "displaced"
            detail = f"it is in {shown(elsewhere[0])}, where git does not look any more"
        elif state == "absent" and name in record.folders.get(folder, ()):
            state, detail = "displaced", "somebody removed it, or wrote the file anew"
        hooks.append(Hook(name, state, problems.get(name) or detail))
    log = state_dir / LOG
    return Status(
        folder=folder,
        hooks=tuple(hooks),
        script=_script_state(state_dir / SCRIPT),
        watcher=queue.watcher(state_dir, repository.root),
        running=queue.running(state_dir),
        queued=len(queue.pending(state_dir)),
        log=log if log.is_file() else None,
    )


def _script(python: Path) -> bytes:
    template = resources.files("swe_sleep.integrations").joinpath("hook.sh").read_bytes()
    # Not resolved: a virtual environment's interpreter is a link, and must stay one.
    quoted = shlex.quote(os.path.abspath(python))  # noqa: PTH100
    return template.replace(b"@PYTHON@", os.fsencode(quoted), 1)


def _script_state(script: Path) -> Literal["absent", "installed", "outdated", "interpreter gone"]:
    try:
        content = script.read_bytes()
    except OSError:
        return "absent"
    setting = [line for line in content.split(b"\n") if line.startswith(b"python=")]
    words = shlex.split(os.fsdecode(setting[0])) if setting else []
    python = Path(words[0].removeprefix("python=")) if words else None
    if python is None or content != _script(python):
        return "outdated"
    return "installed" if os.access(python, os.X_OK) else "interpreter gone"


@dataclass
class _Record:
    folders: dict[Path, set[str]]
    """The hooks that got our line, by folder."""
    made: list[Path]
    """Folders that were not there before, inner ones first."""

    @classmethod
    def read(cls, state_dir: Path) -> _Record:
        try:
            plain = json.loads((state_dir / _RECORD).read_bytes())
            folders = {Path(name): set(map(str, hooks)) for name, hooks in plain["folders"].items()}
            return cls(folders, [Path(name) for name in plain["made"]])
        except (OSError, ValueError, TypeError, AttributeError, KeyError):
            return cls({}, [])  # without it we know less, and nothing that is wrong

    def write(self, state_dir: Path) -> None:
        folders = {str(folder): sorted(hooks) for folder, hooks in self.folders.items()}
        plain = {"folders": folders, "made": [str(folder) for folder in self.made]}
        hook_files.write(state_dir / _RECORD, json.dumps(plain, indent=2).encode() + b"\n")

    def make(self, folder: Path) -> None:
        missing = [each for each in (folder, *folder.parents) if not os.path.lexists(each)]
        folder.mkdir(parents=True, exist_ok=True)
        self.made = [each for each in missing if each not in self.made] + self.made
        self.folders.setdefault(folder, set())


def _folders(repository: Repository, record: _Record) -> list[Path]:
    """Every folder that may hold something of ours."""
    default, now = repository.common_dir / "hooks", hooks_folder(repository)
    return list(dict.fromkeys((now, default, *record.folders)))


def _beside(repository: Repository, folder: Path) -> bool:
    """Whether the hooks are in the common git directory itself, so that they find the script
    without asking git, which takes longer than all the rest."""
    return folder.resolve() == repository.common_dir / "hooks"


def _inside(repository: Repository, folder: Path) -> bool:
    real = folder.resolve()
    places = (repository.root, repository.git_dir, repository.common_dir)
    return any(real.is_relative_to(place.resolve()) for place in places)


def _outside(repository: Repository, folder: Path) -> str:
    why = " (core.hooksPath)" if hooks_setting(repository) is not None else ""
    return (
        f"git looks for hooks in {shown(folder)}{why}, which is outside this repository: nothing "
        f"was changed there. Use --outside, or put this near the top of {', '.join(HOOKS)} there:\n"
        f"{snippet()}"
    )


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RepositoryError(
            f"{shown(Path(error.filename or folder))} cannot be written: {error.strerror}.",
            "Mend that and run it again; what was done until then is sound.",
        ) from error
