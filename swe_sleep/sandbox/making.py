"""Making an environment: wheels from the index, from source, and the project's own build."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from swe_sleep.errors import EnvironmentFailed, SweSleepError
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox import build, installer, sdists
from swe_sleep.sandbox.cache import Cache, write_record
from swe_sleep.sandbox.installer import Refused, Target, Wanted
from swe_sleep.sandbox.interpreter import Interpreter
from swe_sleep.sandbox.packages import (
    TOOL_LINES,
    TOOLS,
    adopt,
    compile_all,
    copy_tools,
    describe,
    script,
    site_packages,
)
from swe_sleep.sandbox.project.project import Build, Project, name_of, read_project, specifiers_of
from swe_sleep.sandbox.protocol import Environment, Progress

TRIES = 60
"""How often a part of the requirements is tried where they can't be had together."""
GENERATED = "generated"
"""The folder of an environment with what the project's build made."""


class Maker:
    """Makes one project's environment. `opens` is for what has to be built from source; without it
    nothing is."""

    def __init__(
        self,
        project: Project,
        cache: Cache,
        opens: build.OpenSandbox | None,
        progress: Progress,
        *,
        preferred: str = "",
        until: str = "",
    ) -> None:
        self._project = project
        self._cache = cache
        self._opens = opens
        self._progress = progress
        self._preferred = preferred
        self._until = until

    def venv(self, snapshot: Snapshot, chosen: Interpreter, venv: Path) -> Path:
        """A virtual environment. Raises EnvironmentFailed."""
        project = self._project
        needed = [r for g in project.groups for r in g.requirements]
        tool = installer.find(self._preferred)
        tool.make(chosen.path, venv)
        packages = site_packages(venv)
        refused = None
        if chosen.runs_our_packages and all(r in TOOLS for r in needed):
            self._progress("Copying pytest and coverage into a new environment")
            copy_tools(packages)
        else:
            refused = self._install(tool, Target(python=venv / "bin" / "python"), chosen)
            if not any(packages.glob("pytest-*.dist-info")):
                if not chosen.runs_our_packages:
                    why = f"pytest can't be had for Python {chosen.minor}"
                    why += f": {refused.why}" if refused else ""
                    again = refused is not None and refused.unreachable
                    write_record(venv, why, again=again, unusable=True)
                    return venv
                copy_tools(packages)
            compile_all(chosen.path, packages)
        for name in TOOLS:
            if not (venv / "bin" / name).exists():
                script(venv / "bin" / name, f'-m {name} "$@"')
        describe(project, packages, venv / "bin")
        problem, generated = _said(project, refused), []
        if project.build is not None:
            try:
                generated = self._generate(snapshot, chosen, venv)
            except SweSleepError as error:
                problem = joined(problem, f"not built: {project.build.makes} ({error})")
        again = refused is not None and refused.unreachable
        write_record(venv, problem, again=again, generated=generated)
        return venv

    def packages(self, target: Target, folder: Path) -> Path:
        """Packages for an interpreter that is not here."""
        refused = self._install(installer.find(self._preferred), target, None)
        shutil.rmtree(folder / "bin", ignore_errors=True)
        describe(self._project, folder, None)
        problem = _said(self._project, refused)
        if self._project.build is not None:
            makes = self._project.build.makes
            problem = joined(problem, f"not built for an image of your own: {makes}")
        write_record(folder, problem, again=refused is not None and refused.unreachable)
        return folder

    # from the index -----------------------------------------------------------------------------

    def _install(
        self, tool: installer.Installer, target: Target, chosen: Interpreter | None
    ) -> Refused | None:
        """Install what can be had; None, or what can't and why. One call does it where all can be
        had; else what can is looked for first, and installed in the end."""
        project = self._project
        needed = [r for g in project.groups for r in g.requirements]
        self._progress(f"Installing the project's dependencies: {len(needed)} to look for")
        links: list[Path] = []
        tools = list(TOOL_LINES)

        def ask(
            lines: Sequence[str], constraints: Sequence[str] = (), *, dry: bool = False
        ) -> Refused | None:
            wanted = Wanted([*tools, *lines], constraints, links, self._until)
            return tool.install(wanted, target, dry=dry)

        def attempt() -> Refused | None:
            """All of it, with the lock file's versions, without, or with what we build."""
            if project.constraints and ask(needed, project.constraints) is None:
                return None
            refused = ask(needed)
            tried: set[str] = set(TOOLS)
            while refused is not None and chosen is not None:
                names = [name for name in refused.without_wheels if name not in tried]
                tried.update(names)
                made = [self._from_source(name, needed, tool, chosen) for name in names]
                links.extend(folder for folder in made if folder is not None)
                if not any(made):
                    break
                refused = ask(needed)
            return refused

        whole = attempt()
        if whole is None:
            return None
        alone = ask((), dry=True)
        if alone is not None:
            if chosen is None or not chosen.runs_our_packages:
                names = [group.name for group in project.groups]
                return Refused(_missing(names, whole.why), (), alone.unreachable)
            tools.clear()  # ours will be copied
            whole = attempt() if needed else None
            if whole is None:
                return None
        had: list[str] = []
        missing: list[str] = []
        tries = TRIES
        todo = [group.requirements for group in reversed(project.groups)]
        while todo:  # the half of what can't be had, until it is one
            part = todo.pop()
            tries -= 1
            if tries >= 0 and ask([*had, *part], dry=True) is None:
                had += part
            elif len(part) > 1 and tries >= 0:
                middle = len(part) // 2
                todo += [part[middle:], part[:middle]]
            else:
                missing += [line for line in part if name_of(line) not in TOOLS]
        last = ask(had) if had or tools else None
        if last is not None:
            return last
        missing = list(dict.fromkeys(missing))
        return Refused(_missing(missing, whole.why), (), whole.unreachable) if missing else None

    # from source --------------------------------------------------------------------------------

    def _from_source(
        self,
        name: str,
        needed: Sequence[str],
        tool: installer.Installer,
        chosen: Interpreter,
    ) -> Path | None:
        """A folder with a wheel of a package that is there as source alone."""
        if self._opens is None:
            return None
        try:
            source = sdists.fetch(name, specifiers_of(name, needed), tool.places())
            key = f"wheel-{source.digest}-{chosen.version}"
            how = read_project(source.snapshot, build=True).build
            assert how is not None

            def make(folder: Path) -> Path:
                self._progress(f"Building {name} {source.version} in a sandbox")
                wheel = self._wheel(source.snapshot, how, source.version, chosen)
                made = folder / "wheel"
                made.mkdir()
                (made / wheel.name).write_bytes(wheel.content)
                write_record(made, "")
                return made

            self._cache.kept(key, make)
        except SweSleepError as error:
            self._progress(f"{name} can't be built: {error}")
            return None
        return self._cache.folder / key

    def _generate(
        self, snapshot: Snapshot, chosen: Interpreter, venv: Path
    ) -> list[tuple[str, str]]:
        """Run the project's own build and keep what the tree lacks: each path, and the name of the
        file that holds it."""
        project = self._project
        assert project.build is not None
        self._progress(f"Building {project.build.makes} in a sandbox")
        wheel = self._wheel(snapshot, project.build, project.version, chosen)
        lacking = build.lacking(wheel, project, snapshot)
        (venv / GENERATED).mkdir()
        names = []
        for number, (path, content) in enumerate(sorted(lacking.items())):
            (venv / GENERATED / str(number)).write_bytes(content)
            names.append((path, str(number)))
        adopt(build.metadata(wheel), project, site_packages(venv))
        return names

    def _wheel(
        self, snapshot: Snapshot, how: Build, version: str, chosen: Interpreter
    ) -> build.Wheel:
        if self._opens is None:
            raise EnvironmentFailed("there is no sandbox to build in")

        def environment_with(requires: Sequence[str]) -> Environment:
            return self._for_building(requires, chosen)

        return build.build_wheel(snapshot, how, version, environment_with, self._opens)

    def _for_building(self, requires: Sequence[str], chosen: Interpreter) -> Environment:
        """An environment with what a build needs, and nothing else."""
        made_from = [chosen.path, chosen.build, list(requires), self._until, self._preferred]
        text = json.dumps([*made_from, installer.index_key()])
        key = f"build-{hashlib.sha256(text.encode()).hexdigest()[:20]}"

        def make(temporary: Path) -> Path:
            venv = temporary / "venv"
            tool = installer.find(self._preferred)
            tool.make(chosen.path, venv)
            target = Target(python=venv / "bin" / "python")
            wanted = Wanted(requires, (), (), self._until)
            refused = tool.install(wanted, target) if requires else None
            if refused:
                raise EnvironmentFailed(f"what the build needs can't be had: {refused.why}")
            compile_all(chosen.path, site_packages(venv))
            write_record(venv, "")
            return venv

        self._cache.kept(key, make)
        python = str(self._cache.folder / key / "bin" / "python")
        return Environment(key=key, python=python, base=chosen.path, version=chosen.version)


def _said(project: Project, refused: Refused | None) -> str:
    problem = refused.why if refused else ""
    if project.left_out:
        names = ", ".join(project.left_out[:5])
        problem = joined(problem, f"links and paths are not installed: {names}")
    return problem


def _missing(missing: Sequence[str], why: str) -> str:
    return f"not installed: {', '.join(missing[:8])} ({why})" if missing else ""


def joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
