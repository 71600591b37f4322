"""Virtual environments with a project's dependencies, made once and kept.

What the project needs is read (`project/`), an interpreter of this machine is chosen
(`interpreters.py`), and wheels are unpacked into a new virtual environment (`installer.py`): so
nothing of the repository, and no package's set-up code, runs outside a sandbox. Where nothing but
pytest and coverage is needed, those are copied from our own installation, without a network.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from swe_sleep.errors import EnvironmentFailed
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox import installer, interpreters
from swe_sleep.sandbox.installer import Installer, Refused, Target, Wanted
from swe_sleep.sandbox.interpreters import Choice
from swe_sleep.sandbox.packages import (
    TOOLS,
    compile_all,
    copy_tools,
    describe,
    script,
    site_packages,
)
from swe_sleep.sandbox.project.project import Project, read_project
from swe_sleep.sandbox.protocol import Environment, Progress

RECIPE = 2
"""Part of every key; raise it when an environment is made differently."""
KEPT = 40
TRIES = 60
"""How many requirements are tried one by one where they can't be had together."""
AGAIN_S = 600.0
"""When an environment that an unreachable index left incomplete is tried again."""
_RECORD = "swe-sleep.json"


@dataclass(frozen=True, slots=True)
class EnvironmentOptions:
    """What a person says about environments; the rest is found out."""

    python: str = ""
    """Another interpreter to use, such as the person's own virtual environment's; or a version."""
    requirements: tuple[str, ...] | None = None
    """Instead of what the repository's files say."""
    extras: tuple[str, ...] = ()
    """Extras and dependency groups to install beside the usual names of test groups."""
    cache_dir: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    """For the tests, beside those that the project's own settings give."""
    test_paths: tuple[str, ...] | None = None
    """Where the tests are, instead of what the repository's files say."""
    test_arguments: tuple[str, ...] | None = None
    """Options for pytest, instead of what the repository's files say."""
    build: bool | None = None
    """Whether the project's own build runs; None: where the tree is not all there is."""
    until: str = ""
    """No package that was published after this day is taken, such as "2025-06-30"."""
    installer: str = ""
    """"pip" for pip even where uv is."""


class Environments:
    """Makes environments and keeps the newest of them, safe for several processes at once."""

    def __init__(self, options: EnvironmentOptions) -> None:
        self._options = options
        self._folder = options.cache_dir

    @property
    def folder(self) -> Path:
        if self._folder is None:
            import platformdirs

            self._folder = Path(platformdirs.user_cache_dir("swe-sleep")) / "environments"
        return self._folder

    def make(self, snapshot: Snapshot, *, progress: Progress) -> Environment:
        """The environment for a snapshot. Raises EnvironmentFailed."""
        project = self.project(snapshot)
        choice = interpreters.choose(project, self._options.python)
        key = self.key(project, f"{choice.interpreter.path} {choice.interpreter.build}")
        place = self.folder / key

        def build(temporary: Path) -> Path:
            return self._make_venv(project, choice, temporary / "venv", progress)

        record = self._kept(key, build)
        return self._environment(
            project,
            key,
            python=str(place / "bin" / "python"),
            base=choice.interpreter.path,
            version=choice.interpreter.version,
            chosen=choice.why,
            problem=_joined(choice.problem, record["problem"]),
        )

    def make_for(
        self, snapshot: Snapshot, *, python: str, platform: str, progress: Progress
    ) -> tuple[Environment, Path]:
        """Packages for an interpreter that is not here, as a folder: what its site-packages is to
        hold. `platform` is the installer's name for it. Raises EnvironmentFailed."""
        project = self.project(snapshot)
        key = self.key(project, f"{python} {platform}")

        def build(temporary: Path) -> Path:
            target = temporary / "packages"
            target.mkdir(mode=0o755)
            where = Target(folder=target, version=python, platform=platform)
            refused = self._install(
                installer.find(self._options.installer), project, where, progress
            )
            shutil.rmtree(target / "bin", ignore_errors=True)
            describe(project, target, None)
            (target / _RECORD).write_text(json.dumps(_record(project, refused)))
            return target

        record = self._kept(key, build)
        environment = self._environment(
            project, key, python="", version=python, problem=record["problem"]
        )
        return environment, self.folder / key

    def _environment(self, project: Project, key: str, **facts: str) -> Environment:
        options = self._options
        paths, arguments = options.test_paths, options.test_arguments
        return Environment(
            key=key,
            python_path=project.python_path,
            variables={**project.variables, **options.variables},
            test_paths=project.test_paths if paths is None else paths,
            test_arguments=project.options if arguments is None else arguments,
            **facts,
        )

    def project(self, snapshot: Snapshot) -> Project:
        """What the snapshot's files say, and the options with it."""
        return read_project(
            snapshot,
            extras=self._options.extras,
            requirements=self._options.requirements,
            build=self._options.build,
        )

    def key(self, project: Project, interpreter_name: str = "") -> str:
        made_from = (
            RECIPE,
            interpreter_name,
            installer.index_key(),
            self._options.installer,
            self._options.until,
            [(g.name, g.requirements) for g in project.groups],
            project.constraints,
            project.name,
            project.version,
            project.entry_points,
            project.left_out,
        )
        return hashlib.sha256(json.dumps(made_from).encode()).hexdigest()[:20]

    # keeping ------------------------------------------------------------------------------------

    def _kept(self, key: str, build: object) -> Mapping[str, str]:
        """The record of what is kept under a key, made now if it is not there."""
        import filelock

        assert callable(build)
        place = self.folder / key
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if _worn(place):
                with filelock.FileLock(self.folder / f"{key}.lock"):
                    if _worn(place):
                        with tempfile.TemporaryDirectory(prefix=".making-", dir=self.folder) as t:
                            made: Path = build(Path(t))
                            if place.exists():
                                shutil.rmtree(place)
                            made.rename(place)
                        self._prune(key)
            record: dict[str, str] = json.loads((place / _RECORD).read_text())
            os.utime(place / _RECORD)
        except OSError as error:
            raise EnvironmentFailed(
                f"The environment for the tests can't be kept in {self.folder}: {error}."
            ) from error
        return record

    def _prune(self, keep: str) -> None:
        """Remove all but the newest, and what killed builders left."""
        records = sorted(
            self.folder.glob(f"*/{_RECORD}"), key=lambda r: r.stat().st_mtime, reverse=True
        )
        for record in records[KEPT:]:
            if record.parent.name != keep and time.time() - record.stat().st_mtime > 3600:
                shutil.rmtree(record.parent, ignore_errors=True)
                (self.folder / f"{record.parent.name}.lock").unlink(missing_ok=True)
        for left in self.folder.glob(".making-*"):
            with contextlib.suppress(OSError):
                if time.time() - left.stat().st_mtime > 2 * installer.INSTALL_S:
                    shutil.rmtree(left, ignore_errors=True)

    # making -------------------------------------------------------------------------------------

    def _make_venv(self, project: Project, choice: Choice, venv: Path, progress: Progress) -> Path:
        """Make the environment in a folder of its own."""
        chosen = choice.interpreter
        needed = [r for g in project.groups for r in g.requirements]
        tool = installer.find(self._options.installer)
        tool.make(chosen.path, venv)
        packages = site_packages(venv)
        if chosen.runs_our_packages and all(r in TOOLS for r in needed):
            progress("Copying pytest and coverage into a new environment")
            copy_tools(packages)
            refused = None
        else:
            target = Target(python=venv / "bin" / "python")
            refused = self._install(tool, project, target, progress)
            if refused and not any(packages.glob("pytest-*.dist-info")):
                if not chosen.runs_our_packages:
                    raise EnvironmentFailed(
                        f"pytest can't be had for Python {chosen.minor}: {refused.why}.",
                        "Name another interpreter with environment.python.",
                    )
                copy_tools(packages)
            compile_all(chosen.path, packages)
        for name in TOOLS:
            if not (venv / "bin" / name).exists():
                script(venv / "bin" / name, f'-m {name} "$@"')
        describe(project, packages, venv / "bin")
        (venv / _RECORD).write_text(json.dumps(_record(project, refused)))
        return venv

    def _install(
        self, tool: Installer, project: Project, target: Target, progress: Progress
    ) -> Refused | None:
        """Install what can be had; None, or what can't and why. One call does it where all can be
        had; else what can is looked for first, and installed in the end."""
        needed = [r for g in project.groups for r in g.requirements]
        progress(f"Installing the project's dependencies: {len(needed)} to look for")

        def ask(
            lines: Sequence[str], constraints: Sequence[str] = (), *, dry: bool = False
        ) -> Refused | None:
            wanted = Wanted([*TOOLS, *lines], constraints, (), self._options.until)
            return tool.install(wanted, target, dry=dry)

        if project.constraints and ask(needed, project.constraints) is None:
            return None
        whole = ask(needed)
        if whole is None:
            return None
        if (alone := ask((), dry=True)) is not None:
            names = tuple(group.name for group in project.groups)
            return Refused(_missing(names, whole.why), (), alone.unreachable)
        had: list[str] = []
        missing: list[str] = []
        tries = TRIES
        for group in project.groups:
            if ask([*had, *group.requirements], dry=True) is None:
                had += group.requirements
                continue
            for requirement in group.requirements:
                tries -= 1
                if tries >= 0 and ask([*had, requirement], dry=True) is None:
                    had.append(requirement)
                else:
                    missing.append(requirement)
        last = ask(had)
        if last is not None:
            return last
        return Refused(_missing(missing, whole.why), (), whole.unreachable)


def _worn(place: Path) -> bool:
    """Whether an environment is to be made, or made again."""
    try:
        record = json.loads((place / _RECORD).read_text())
    except (OSError, ValueError):
        return True
    return bool(record.get("again")) and time.time() - float(record["made"]) > AGAIN_S


def _record(project: Project, refused: Refused | None) -> Mapping[str, object]:
    problem = refused.why if refused else ""
    if project.left_out:
        names = ", ".join(project.left_out[:5])
        problem = _joined(problem, f"links and paths are not installed: {names}")
    return {
        "problem": problem,
        "made": time.time(),
        "groups": len(project.groups),
        "again": bool(refused and refused.unreachable),
    }


def _missing(missing: Sequence[str], why: str) -> str:
    return f"not installed: {', '.join(missing[:8])} ({why})" if missing else ""


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
