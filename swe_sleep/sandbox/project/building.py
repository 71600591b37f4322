"""Whether the tree is all there is of the project, or its build makes something that is missing:
compiled extensions, a version file that is not in git."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from swe_sleep.sandbox.project.found import Files, Found, inside, table

COMPILING_BACKENDS = ("mesonpy", "scikit_build_core", "maturin", "setuptools_rust")
_SOURCES = re.compile(r"\.(?:pyx|pxd|pxi|c|h|cc|cpp|cxx|hpp|hh|rs|f|f90|s|S|inc|tmpl|in)\Z")
_PROGRAMS = re.compile(
    r"(?:.*/)?(?:setup\.py|setup\.cfg|pyproject\.toml|MANIFEST\.in|meson\.build|meson\.options"
    r"|CMakeLists\.txt|Cargo\.(?:toml|lock)|build\.py|hatch_build\.py)\Z"
)
_TESTS = re.compile(r"(?:^|/)(?:tests?|docs?|examples?|benchmarks?)/")


def read(files: Files, found: Found) -> None:
    """Say in `found.generates` what is missing."""
    tool = table(files.toml("pyproject.toml"), "tool")
    found.generates = (
        _version_file(files, tool, found.folders)
        or _own_hooks(tool)
        or found.generates
        or _compiled(files, tool, found)
    )


def _version_file(files: Files, tool: Mapping[str, Any], folders: list[str]) -> str:
    hatch = table(tool, "hatch", "build")
    named = [
        table(tool, "setuptools_scm").get("version_file"),
        table(tool, "setuptools_scm").get("write_to"),
        table(tool, "setuptools-scm").get("version_file"),
        table(tool, "hatch", "version", "raw-options").get("version_file"),
        table(hatch, "hooks", "vcs").get("version-file"),
        table(hatch, "targets", "wheel", "hooks", "vcs").get("version-file"),
        table(tool, "versioningit", "write").get("file"),
    ]
    to = table(tool, "pdm", "version").get("write_to")
    named += [f"{root}{to}" for root in ("", "src/") if isinstance(to, str)]
    match = re.search(
        r"(?:write_to|version_file)[\"']?\s*[=:]\s*[\"']([^\"']+)[\"']", files.text("setup.py")
    )
    named += [match[1]] if match else []
    paths = [path for each in named if isinstance(each, str) and (path := inside(each))]
    missing = [path for path in paths if path not in files]
    if isinstance(to, str) and len(missing) < len(paths):
        return ""
    return f"a version file ({missing[0]})" if missing else ""


def _own_hooks(tool: Mapping[str, Any]) -> str:
    hatch = table(tool, "hatch", "build")
    custom = [table(hatch, "hooks"), table(hatch, "targets", "wheel", "hooks")]
    for hooks in custom:
        for name, options in hooks.items():
            on = (
                options.get("enable-by-default") is not False if isinstance(options, dict) else True
            )
            if on and name in ("custom", "cython", "mypyc", "build-scripts"):
                return f"what a build hook makes ({name})"
    if table(tool, "poetry", "build") or isinstance(table(tool, "poetry").get("build"), str):
        return "what a build script makes"
    return ""


def _compiled(files: Files, tool: Mapping[str, Any], found: Found) -> str:
    if any(found.build_backend.startswith(name) for name in COMPILING_BACKENDS):
        return f"compiled extensions ({found.build_backend})"
    if table(tool, "setuptools").get("ext-modules"):
        return "compiled extensions (pyproject.toml)"
    cython = any(re.match(r"cython\b", line, re.I) for line in found.build_requires)
    if cython and any(path.endswith(".pyx") and not _TESTS.search(path) for path in files):
        return "compiled extensions (Cython)"
    return ""


def inputs(files: Files) -> list[str]:
    """The files that decide what the build makes, as far as names tell."""
    return sorted(
        path
        for path in files
        if _PROGRAMS.match(path) or (_SOURCES.search(path) and not _TESTS.search(path))
    )
