"""Virtual environments with a project's dependencies, made once and kept.

What the project needs is read (`project/`), an interpreter of this machine is chosen
(`interpreters.py`), and wheels are unpacked into a new virtual environment (`making.py`): so
nothing of the repository, and no package's set-up code, runs outside a sandbox. Where nothing but
pytest and coverage is needed, those are copied from our own installation, without a network.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from swe_sleep.errors import EnvironmentFailed
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox import installer, interpreter, interpreters
from swe_sleep.sandbox.build import OpenSandbox
from swe_sleep.sandbox.cache import Cache
from swe_sleep.sandbox.installer import Target
from swe_sleep.sandbox.interpreters import Choice
from swe_sleep.sandbox.making import GENERATED, Maker, joined
from swe_sleep.sandbox.project.project import Project, read_project
from swe_sleep.sandbox.protocol import Environment, Progress

RECIPE = 3
"""Part of every key; raise it when an environment is made differently."""


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

    def __init__(self, options: EnvironmentOptions, *, opens: OpenSandbox | None = None) -> None:
        """`opens` is for what has to be built from source; without it nothing is."""
        self._options = options
        self._opens = opens
        self._cache = Cache(options.cache_dir)

    def make(self, snapshot: Snapshot, *, progress: Progress) -> Environment:
        """The environment for a snapshot. Raises EnvironmentFailed."""
        project = self.project(snapshot)
        choice = interpreters.choose(project, self._options.python)
        key, record = self._make(project, snapshot, choice, progress)
        if record.get("unusable"):
            ours = interpreter.own()
            if self._options.python or choice.interpreter.is_own:
                raise EnvironmentFailed(
                    f"{record['problem']}.", "Name another interpreter with environment.python."
                )
            choice = Choice(ours, "it is the one that runs swe-sleep", record["problem"])
            key, record = self._make(project, snapshot, choice, progress)
        place = self._cache.folder / key
        files = record.get("generated", ())
        return self._environment(
            project,
            key,
            generated={path: str(place / GENERATED / name) for path, name in files},
            python=str(place / "bin" / "python"),
            base=choice.interpreter.path,
            version=choice.interpreter.version,
            chosen=choice.why,
            problem=joined(choice.problem, record["problem"]),
        )

    def _make(
        self, project: Project, snapshot: Snapshot, choice: Choice, progress: Progress
    ) -> tuple[str, Mapping[str, Any]]:
        chosen = choice.interpreter
        key = self.key(project, f"{chosen.path} {chosen.build}")
        maker = self._maker(project, progress)
        return key, self._cache.kept(key, lambda t: maker.venv(snapshot, chosen, t / "venv"))

    def make_for(
        self, snapshot: Snapshot, *, python: str, platform: str, progress: Progress
    ) -> tuple[Environment, Path]:
        """Packages for an interpreter that is not here, as a folder: what its site-packages is to
        hold. `platform` is the installer's name for it. Raises EnvironmentFailed."""
        project = self.project(snapshot)
        key = self.key(project, f"{python} {platform}")

        def make(temporary: Path) -> Path:
            folder = temporary / "packages"
            folder.mkdir(mode=0o755)
            target = Target(folder=folder, version=python, platform=platform)
            return self._maker(project, progress).packages(target, folder)

        record = self._cache.kept(key, make)
        environment = self._environment(
            project, key, python="", version=python, problem=record["problem"]
        )
        return environment, self._cache.folder / key

    def _maker(self, project: Project, progress: Progress) -> Maker:
        preferred, until = self._options.installer, self._options.until
        return Maker(project, self._cache, self._opens, progress, preferred=preferred, until=until)

    def _environment(self, project: Project, key: str, **facts: Any) -> Environment:
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
            [project.build.makes, sorted(project.build.inputs.items())]
            if project.build and self._opens
            else [],
        )
        return hashlib.sha256(json.dumps(made_from).encode()).hexdigest()[:20]
