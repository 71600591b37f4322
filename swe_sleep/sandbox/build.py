"""Building wheels from source, in a sandbox with the network off.

What a build needs is installed from wheels beforehand, into an environment of its own; the build
itself (PEP 517) sees the source, that environment, and nothing else.
"""

from __future__ import annotations

import io
import json
import posixpath
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from swe_sleep.errors import EnvironmentFailed
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox.project.project import Build, Project
from swe_sleep.sandbox.protocol import Environment, Limits, Sandbox

BUILD_S = 900.0
MOST_BYTES = 300_000_000
LIMITS = Limits(memory_mb=4096, processes=512, cpus=4.0, disk_mb=4096)
ROUNDS = 3
"""How often a backend may ask for more requirements."""

OpenSandbox = Callable[[Snapshot, Environment, Limits], Sandbox]
"""Opens a sandbox with the network off. Raises EnvironmentFailed where there can be none."""
BuildEnvironment = Callable[[Sequence[str]], Environment]
"""An environment with these requirements, from wheels. Raises EnvironmentFailed."""


@dataclass(frozen=True, slots=True)
class Wheel:
    name: str
    content: bytes


def build_wheel(
    snapshot: Snapshot,
    build: Build,
    version: str,
    environment_with: BuildEnvironment,
    opens: OpenSandbox,
) -> Wheel:
    """The wheel of a source tree. Raises EnvironmentFailed with what the build said last."""
    requires = list(build.requires)
    for _ in range(ROUNDS):
        environment = environment_with(requires)
        with opens(snapshot, environment, LIMITS) as sandbox:
            asked = _call(sandbox, build, "requires", version)
            listed = asked if isinstance(asked, list) else []
            more = [r for r in listed if isinstance(r, str) and r not in requires]
            if more:
                requires += more
                continue
            name = _call(sandbox, build, "wheel", version)
            if not isinstance(name, str) or not re.fullmatch(r"[\w.+!-]+\.whl", name):
                raise EnvironmentFailed("the build made no wheel")
            path = posixpath.join(sandbox.scratch, "wheel", name)
            return Wheel(name, sandbox.get(path, limit_bytes=MOST_BYTES))
    raise EnvironmentFailed("the build asks for ever more requirements")


def _call(sandbox: Sandbox, build: Build, hook: str, version: str) -> object:
    program = posixpath.join(sandbox.scratch, "backend.py")
    sandbox.put({program: (files("swe_sleep.sandbox.inside") / "backend.py").read_bytes()})
    job = {
        "hook": hook,
        "backend": build.backend,
        "path": list(build.backend_path),
        "out": posixpath.join(sandbox.scratch, "wheel"),
    }
    done = sandbox.run(
        [sandbox.environment.python, program, json.dumps(job)],
        timeout_s=BUILD_S,
        env=_versions(version),
    )
    lines = done.stdout.strip().splitlines()
    if done.exit_code or not lines:
        raise EnvironmentFailed(done.cut or _last_words(done.stderr or done.stdout))
    try:
        answer: object = json.loads(lines[-1])
    except ValueError:
        raise EnvironmentFailed("the build backend gave no answer") from None
    return answer


def _versions(version: str) -> dict[str, str]:
    """There is no git history inside: tools that ask it for the version are told."""
    version = version or "0"
    names = ("SETUPTOOLS_SCM_PRETEND_VERSION", "PBR_VERSION", "PDM_BUILD_SCM_VERSION")
    return {**dict.fromkeys(names, version), "PYTHONDONTWRITEBYTECODE": "1"}


def _last_words(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if re.search(r"\b(?:[eE]rror|not found|No such)\b", line)]
    return " ".join((errors or lines or ["it said nothing"])[-1].split())[:300]


# what a tree lacks ----------------------------------------------------------------------------


def lacking(wheel: Wheel, project: Project, snapshot: Snapshot) -> dict[str, bytes]:
    """The wheel's files that the tree has not, at the places where the tree's own are."""
    found: dict[str, bytes] = {}
    there = 0
    with zipfile.ZipFile(io.BytesIO(wheel.content)) as archive:
        for name in archive.namelist():
            parts = name.split("/")
            plain = name.isprintable() and not name.startswith("/") and ".." not in parts
            if not plain or not parts[-1] or re.search(r"\.(?:dist-info|data)\Z", parts[0]):
                continue
            path = _place(name, project.python_path, snapshot)
            if path in snapshot.files:
                there += 1
            else:
                found[path] = archive.read(name)
    made = sum(1 for path in found if path.endswith(".py"))
    if made > max(there, 20):  # the tree is laid out in a way that we do not understand
        raise EnvironmentFailed("the built files have no place in the tree")
    return found


def _place(name: str, roots: Sequence[str], snapshot: Snapshot) -> str:
    """The path in the tree of a wheel's file: below the root that has most of its way."""

    def shared(root: str) -> int:
        parts = posixpath.normpath(posixpath.join(root, name)).split("/")
        for count in range(len(parts), 0, -1):
            start = "/".join(parts[:count])
            if start in snapshot.files or any(p.startswith(start + "/") for p in snapshot.files):
                return count - (0 if root == "." else root.count("/") + 1)
        return 0

    best = max(roots, key=lambda root: (shared(root), root != "."), default=".")
    return posixpath.normpath(posixpath.join(best, name))


def metadata(wheel: Wheel) -> Mapping[str, bytes]:
    """The wheel's description: file name to content, and the folder's name under ""."""
    found: dict[str, bytes] = {}
    with zipfile.ZipFile(io.BytesIO(wheel.content)) as archive:
        for name in archive.namelist():
            folder, _, file = name.partition("/")
            if folder.endswith(".dist-info") and file in ("METADATA", "entry_points.txt"):
                found[file] = archive.read(name)
                found[""] = folder.encode()
    return found
