"""Virtual environments with a project's dependencies, made once and kept.

They are made on the host from wheels alone, so nothing of the repository, and no package's set-up
code, runs outside a sandbox. The person's index, proxy and certificates serve this step only.
Where nothing but pytest and coverage is needed, those are copied from our own installation: no
network is touched.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from swe_sleep.errors import EnvironmentFailed
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox import interpreter
from swe_sleep.sandbox.protocol import Environment, Progress
from swe_sleep.sandbox.requirements import Project, normal, read_project

RECIPE = 1
"""Part of every key; raise it when an environment is made differently."""
TOOLS = ("pytest", "coverage")
KEPT = 20
INSTALL_S = 900.0
TRIES = 60
"""How many requirements are tried one by one where they can't be had together."""
_RECORD = "swe-sleep.json"


@dataclass(frozen=True, slots=True)
class EnvironmentOptions:
    """What a person says about environments; the rest is found out."""

    python: str = ""
    """Another interpreter to use, such as the person's own virtual environment's."""
    requirements: tuple[str, ...] | None = None
    """Instead of what the repository's files say."""
    extras: tuple[str, ...] = ()
    """Extras and dependency groups to install beside the usual names of test groups."""
    cache_dir: Path | None = None


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
        import filelock

        project = self._project(snapshot)
        key = self.key(project)
        place = self.folder / key
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not (place / _RECORD).exists():
                with filelock.FileLock(self.folder / f"{key}.lock"):
                    if not (place / _RECORD).exists():
                        self._build(project, place, progress)
                        self._prune(key)
            record = json.loads((place / _RECORD).read_text())
            os.utime(place / _RECORD)
        except OSError as error:
            raise EnvironmentFailed(
                f"The environment for the tests can't be kept in {self.folder}: {error}."
            ) from error
        return Environment(
            key=key,
            python=str(place / "bin" / "python"),
            python_path=project.python_path,
            problem=record["problem"],
        )

    def make_for(
        self, snapshot: Snapshot, *, python: str, platform: str, progress: Progress
    ) -> tuple[Environment, Path]:
        """Packages for an interpreter that is not here, as a folder: what its site-packages is to
        hold. `platform` is the installer's name for it. Raises EnvironmentFailed."""
        import filelock

        project = self._project(snapshot)
        key = self.key(project, f"{python} {platform}")
        place = self.folder / key
        where = ["--python-version", python, "--python-platform", platform]
        self.folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(self.folder / f"{key}.lock"):
            if not (place / _RECORD).exists():
                with tempfile.TemporaryDirectory(prefix=".making-", dir=self.folder) as temporary:
                    target = Path(temporary) / "packages"
                    target.mkdir(mode=0o755)
                    problem = self._install(
                        project, ["--target", str(target), *where], target, progress
                    )
                    shutil.rmtree(target / "bin", ignore_errors=True)
                    describe(project, target, None)
                    (target / _RECORD).write_text(json.dumps({"problem": problem}))
                    target.rename(place)
                self._prune(key)
        problem = json.loads((place / _RECORD).read_text())["problem"]
        return Environment(key, "", project.python_path, problem=problem), place

    def _project(self, snapshot: Snapshot) -> Project:
        return read_project(
            snapshot, extras=self._options.extras, requirements=self._options.requirements
        )

    def key(self, project: Project, interpreter_name: str = "") -> str:
        made_from = (
            RECIPE,
            interpreter_name or self._options.python or interpreter.executable(),
            sys.version,
            [(g.name, g.requirements) for g in project.groups],
            project.name,
            project.version,
            project.entry_points,
            project.left_out,
        )
        return hashlib.sha256(json.dumps(made_from).encode()).hexdigest()[:20]

    def _build(self, project: Project, place: Path, progress: Progress) -> None:
        """Make the environment in a folder of its own and move it into place when it is whole."""
        with tempfile.TemporaryDirectory(prefix=".making-", dir=self.folder) as temporary:
            venv = Path(temporary) / "venv"
            python = self._options.python or interpreter.executable()
            self._uv(
                ["venv", "--quiet", "--relocatable", "--no-project", "--python", python, str(venv)]
            )
            where = ["--python", str(venv / "bin" / "python"), "--compile-bytecode"]
            packages = site_packages(venv)
            problem = self._install(project, where, packages, progress)
            for tool in TOOLS:
                if not (venv / "bin" / tool).exists():
                    _script(venv / "bin" / tool, f'-m {tool} "$@"')
            if project.left_out:
                names = ", ".join(project.left_out[:5])
                problem = _joined(problem, f"links and paths are not installed: {names}")
            describe(project, packages, venv / "bin")
            record = {"problem": problem, "made": time.time(), "groups": len(project.groups)}
            (venv / _RECORD).write_text(json.dumps(record))
            if place.exists():
                shutil.rmtree(place)
            venv.rename(place)

    def _install(
        self, project: Project, where: Sequence[str], packages: Path, progress: Progress
    ) -> str:
        """Install what can be had; "" or what can't, in one line. `where` tells the installer
        which interpreter it works for, `packages` is the folder that it fills."""
        own_interpreter = not self._options.python and where[0] == "--python"
        needed = [r for g in project.groups for r in g.requirements]
        if own_interpreter and all(r in TOOLS for r in needed):
            progress("Copying pytest and coverage into a new environment")
            copy_tools(packages)
            return ""
        progress(f"Installing the project's dependencies: {len(needed)} to look for")
        why = self._uv_install([*TOOLS, *needed], where)
        if why is None:
            return ""
        had: list[str] = []
        missing: list[str] = []
        if self._uv_install(TOOLS, where) is not None:
            copy_tools(packages)
            return _problem([group.name for group in project.groups], why)
        # The whole can't be had: each group that can, and of the others what can.
        tries = TRIES
        for group in project.groups:
            if self._uv_install([*TOOLS, *had, *group.requirements], where) is None:
                had += group.requirements
                continue
            for requirement in group.requirements:
                tries -= 1
                wanted = [*TOOLS, *had, requirement]
                if tries >= 0 and self._uv_install(wanted, where) is None:
                    had.append(requirement)
                else:
                    missing.append(requirement)
        return _problem(missing, why)

    def _uv_install(self, requirements: Sequence[str], where: Sequence[str]) -> str | None:
        """None, or why it failed. Wheels only: nothing is built, so nothing is executed."""
        try:
            self._uv(["pip", "install", "--quiet", "--no-build", *where, "--", *requirements])
        except EnvironmentFailed as error:
            return str(error)
        return None

    def _uv(self, arguments: Sequence[str]) -> None:
        import uv

        env = dict(os.environ)
        env.pop("VIRTUAL_ENV", None)
        env.pop("PYTHONPATH", None)
        env.setdefault("UV_SYSTEM_CERTS", "true")  # a proxy's own authority is known to the system
        for ours, theirs in (
            ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"),
            ("PIP_EXTRA_INDEX_URL", "UV_INDEX"),
            ("PIP_FIND_LINKS", "UV_FIND_LINKS"),
        ):
            if ours in env and theirs not in env:
                env[theirs] = env[ours]
        try:
            done = subprocess.run(
                [uv.find_uv_bin(), *arguments],
                cwd=self.folder,
                env=env,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=INSTALL_S,
                umask=0o022,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise EnvironmentFailed("the installer took too long") from None
        except (OSError, FileNotFoundError) as error:
            raise EnvironmentFailed(f"the installer can't be run: {error}") from error
        if done.returncode:
            raise EnvironmentFailed(_reason(done.stderr))

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
                if time.time() - left.stat().st_mtime > 2 * INSTALL_S:
                    shutil.rmtree(left, ignore_errors=True)


def copy_tools(target: Path) -> None:
    """Copy pytest, coverage and what they need from our own installation, with their compiled
    code: time stamps are kept, so it stays valid."""
    for distribution in _with_dependencies(TOOLS):
        for file in distribution.files or ():
            source = Path(str(distribution.locate_file(file)))
            if ".." in file.parts or "__pycache__" in file.parts or not source.is_file():
                continue
            _copy(source, target / file)
            compiled = source.parent / "__pycache__"
            if source.suffix == ".py" and compiled.is_dir():
                tag = f"{source.stem}.{sys.implementation.cache_tag}"
                for name in (f"{tag}.pyc", f"{tag}.opt-1.pyc"):
                    if (compiled / name).is_file():
                        _copy(compiled / name, (target / file).parent / "__pycache__" / name)
    # the environment cannot be written to inside; the hundreds of lexers are hardly ever imported
    compiler = [sys.executable, "-m", "compileall", "-q", "-x", "pygments", str(target)]
    subprocess.run(compiler, capture_output=True, check=False)


def _with_dependencies(names: Iterable[str]) -> list[importlib.metadata.Distribution]:
    from packaging.requirements import Requirement

    found: dict[str, importlib.metadata.Distribution] = {}
    todo = list(names)
    while todo:
        name = normal(todo.pop())
        if name in found:
            continue
        try:
            found[name] = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            if name in TOOLS:
                raise EnvironmentFailed(
                    f"{name} is not installed beside swe-sleep.", "Install swe-sleep again."
                ) from None
            continue
        for line in found[name].requires or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                todo.append(requirement.name)
    return list(found.values())


def site_packages(venv: Path) -> Path:
    folder = next((venv / "lib").glob("python*/site-packages"), None)
    if folder is None:
        raise EnvironmentFailed(f"{venv} is not a virtual environment.")
    return folder


def describe(project: Project, packages: Path, binaries: Path | None) -> None:
    """Write the project's own metadata, so that `importlib.metadata`, plugins and console scripts
    work though the project is imported from the sandbox's copy and never installed."""
    name = project.name.replace("-", "_").replace(".", "_")
    if not name or any(packages.glob(f"{name}-*.dist-info")):
        return
    version = project.version if re.fullmatch(r"[\w.+!-]+", project.version) else "0"
    info = packages / f"{name}-{version}.dist-info"
    info.mkdir()
    head = f"Metadata-Version: 2.1\nName: {project.name}\nVersion: {version}\n"
    (info / "METADATA").write_text(head)
    (info / "INSTALLER").write_text("swe-sleep\n")
    (info / "RECORD").write_text("")
    groups: dict[str, list[str]] = {}
    for group, entry, target in project.entry_points:
        groups.setdefault(group, []).append(f"{entry} = {target}")
        if group == "console_scripts" and binaries and not os.path.lexists(binaries / entry):
            module, _, call = target.partition(":")
            first, _, rest = call.partition(".")
            called = f"m.{rest}" if rest else "m"
            code = f"import sys; from {module} import {first} as m; sys.exit({called}())"
            _script(binaries / entry, f'-c "{code}" "$@"')
    text = "\n".join(f"[{g}]\n" + "\n".join(lines) + "\n" for g, lines in groups.items())
    (info / "entry_points.txt").write_text(text)


def _script(path: Path, arguments: str) -> None:
    path.write_text(f'#!/bin/sh\nexec "$(dirname "$0")/python" {arguments}\n')
    path.chmod(0o755)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


def _reason(stderr: str) -> str:
    """The line of the installer's output that says most."""
    lines = [line.strip(" ×╰─▶│├\t") for line in stderr.splitlines() if line.strip()]
    telling = [line for line in lines if "Because" in line]
    telling += [line for line in lines if "ailed" in line or "rror" in line]
    return " ".join((telling or lines or ["the installer failed"])[0].split())[:300]


def _problem(missing: Sequence[str], why: str) -> str:
    if not missing:
        return ""
    return f"not installed: {', '.join(missing[:8])} ({why})"


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
