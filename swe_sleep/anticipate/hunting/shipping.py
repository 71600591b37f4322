"""hypothesis as something that can be put into a sandbox.

It is not made part of the project's environment: there it would be loaded by every run of pytest,
and could stand in the way of the version that the project itself wants, which is taken where there
is one. It has compiled code, so ours only fits an interpreter of our own minor version; for others
it is fetched once, as the project's own packages are.
"""

from __future__ import annotations

import importlib.metadata
import io
import platform
import sys
import tarfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from swe_sleep.errors import EnvironmentFailed
from swe_sleep.sandbox import installer
from swe_sleep.sandbox.cache import Cache, write_record
from swe_sleep.sandbox.installer import Target, Wanted
from swe_sleep.sandbox.packages import compile_all
from swe_sleep.sandbox.protocol import Environment

DISTRIBUTIONS = ("hypothesis", "sortedcontainers")
OLDEST = "hypothesis>=6.80"
_LEFT_OUT = ("extra/", "_hypothesis_ftz", "vendor/leap")


def packed(environment: Environment) -> tuple[bytes, str]:
    """A tar of it for an environment's interpreter; or nothing, and why."""
    minor = ".".join(environment.version.split(".")[:2])
    if minor == f"{sys.version_info.major}.{sys.version_info.minor}":
        own = _own()
        return own, "" if own else "hypothesis is not installed"
    return (
        _fetched(minor, environment.base)
        if minor
        else (b"", "hypothesis is not there for such an interpreter")
    )


@cache
def _own() -> bytes:
    """Our own installation, with its compiled code; time stamps are kept, so it stays valid."""
    files: list[tuple[Path, str]] = []
    for name in DISTRIBUTIONS:
        try:
            listed = importlib.metadata.distribution(name).files or ()
        except importlib.metadata.PackageNotFoundError:
            return b""
        for file in listed:
            source = Path(str(file.locate()))
            files.append((source, str(file)))
            compiled = f"__pycache__/{source.stem}.{sys.implementation.cache_tag}.pyc"
            files.append((source.parent / compiled, str(file.parent / compiled)))
    return _tar(files)


def _fetched(minor: str, python: str) -> tuple[bytes, str]:
    target_platform = f"{platform.machine()}-manylinux_2_28"

    def make(temporary: Path) -> Path:
        folder = temporary / "packages"
        folder.mkdir(mode=0o755)
        refused = installer.find().install(
            Wanted([OLDEST]), Target(folder=folder, version=minor, platform=target_platform)
        )
        if python and refused is None:
            compile_all(python, folder, left_out="extra")
        write_record(folder, refused.why if refused else "", again=refused is not None)
        return folder

    keeping = Cache(None)
    key = f"hypothesis-{minor}-{platform.machine()}"
    try:
        problem = keeping.kept(key, make)["problem"]
    except EnvironmentFailed as error:
        problem = str(error)
    if problem:
        return b"", f"hypothesis can not be had for Python {minor}: {problem}"
    folder = keeping.folder / key
    return _tar((path, str(path.relative_to(folder))) for path in sorted(folder.rglob("*.*"))), ""


def _tar(files: Iterable[tuple[Path, str]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for source, name in files:
            left_out = any(part in name for part in _LEFT_OUT)
            if source.is_file() and not left_out and not name.startswith(".."):
                tar.add(source, name)
    return buffer.getvalue()
