"""What is put into an environment's folder of packages besides what the installer puts there."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from swe_sleep.errors import EnvironmentFailed
from swe_sleep.sandbox.project.found import normal
from swe_sleep.sandbox.project.project import OWN_GROUP, Project

TOOLS = ("pytest", "coverage")
TOOL_LINES = ("pytest>=7", "coverage>=6")
"""The oldest that our programs in a sandbox work with."""
COMPILE_S = 600.0


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
    # the hundreds of lexers are hardly ever imported
    compile_all(sys.executable, target, left_out="pygments")


def compile_all(python: str, folder: Path, *, left_out: str = "") -> None:
    """Compile packages, as nothing can be written to them inside. The interpreter is one outside
    of the environment, and runs no package's start-up code (`-S`)."""
    options = ["-x", left_out] if left_out else []
    subprocess.run(
        [python, "-I", "-S", "-m", "compileall", "-q", "-j", "0", *options, str(folder)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=COMPILE_S,
        check=False,
    )


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
    name = re.sub(r"[-_.]+", "_", project.name)
    if not name:
        return
    version = project.version if re.fullmatch(r"[\w.+!-]+", project.version) else "0"
    for other in packages.glob("*.dist-info"):
        # a dependency needs the project, and brought one that was released
        if normal(other.name.partition("-")[0]) == normal(project.name):
            if not project.version and not project.entry_points:
                return
            shutil.rmtree(other)
    info = packages / f"{name}-{version}.dist-info"
    info.mkdir()
    head = f"Metadata-Version: 2.1\nName: {project.name}\nVersion: {version}\n"
    own = [group for group in project.groups if group.name == OWN_GROUP]
    needs = "".join(f"Requires-Dist: {line}\n" for group in own for line in group.requirements)
    (info / "METADATA").write_text(head + needs)
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
            script(binaries / entry, f'-c "{code}" "$@"')
    text = "\n".join(f"[{g}]\n" + "\n".join(lines) + "\n" for g, lines in groups.items())
    (info / "entry_points.txt").write_text(text)


def adopt(files: Mapping[str, bytes], project: Project, packages: Path) -> None:
    """Put the description that the project's own build made in the place of ours."""
    name = files.get("", b"").decode()
    if not re.fullmatch(r"[\w.+!-]+\.dist-info", name) or "METADATA" not in files:
        return
    for other in packages.glob("*.dist-info"):
        if normal(other.name.partition("-")[0]) == normal(project.name):
            shutil.rmtree(other)
    (packages / name).mkdir()
    for file in ("METADATA", "entry_points.txt"):
        (packages / name / file).write_bytes(files.get(file, b""))
    (packages / name / "RECORD").write_text("")


def script(path: Path, arguments: str) -> None:
    path.write_text(f'#!/bin/sh\nexec "$(dirname "$0")/python" {arguments}\n')
    path.chmod(0o755)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)
