"""The project's own version, where its build would ask git or run its code for it."""

from __future__ import annotations

import re

from swe_sleep.sandbox.project import locks
from swe_sleep.sandbox.project.found import Files, Found, inside, normal, table

_ASSIGNED = re.compile(r"^_?_?version(?:__)?(?:\s*:\s*\w+)?\s*=\s*[\"']([^\"']+)[\"']", re.M | re.I)
_HEADING = r"^\W{0,4}(?:v|version\s+|release\s+|%s\s+v?)?(\d+\.\d+(?:\.\d+)?)\b"
_CHANGES = re.compile(
    r"(?:docs/)?(?:changelog|changes|history|news|releases)(?:\.(?:md|rst|txt))?\Z", re.I
)
_FILES = ("__init__.py", "_version.py", "version.py", "__about__.py", "__version__.py")
PLAIN = re.compile(r"v?(\d+(?:\.\d+)*(?:[-.]?(?:a|b|rc|dev|post)\.?\d*)*(?:\+[\w.]+)?)\Z", re.I)


def of(files: Files, found: Found) -> str:
    """As it is written, or as the nearest thing says: a module's `__version__`, a lock file that
    holds the project itself, the newest heading of a change log. "" where nothing says."""
    said = [
        found.version,
        _in_module(files, found),
        _in_lock(files, found),
        _in_changes(files, found),
    ]
    plain = (match for text in said if (match := PLAIN.match(text.strip())))
    return next((match[1] for match in plain), "")


def _in_module(files: Files, found: Found) -> str:
    tool = table(files.toml("pyproject.toml"), "tool")
    named = [table(tool, "hatch", "version").get("path"), table(tool, "pdm", "version").get("path")]
    named.append(table(tool, "setuptools", "dynamic", "version").get("file"))
    attribute = table(tool, "setuptools", "dynamic", "version").get("attr")
    module = table(tool, "flit", "module").get("name", found.name)
    packages = [str(module), found.name.replace("-", "_"), found.name.lower().replace("-", "_")]
    if isinstance(attribute, str):
        parts = attribute.split(".")[:-1]
        named += ["/".join(parts) + ".py"]
        packages.insert(0, "/".join(parts))
    roots = ["", *(inside(f) or "" for f in found.folders), "src"]
    paths = [path for path in named if isinstance(path, str)]
    paths += [f"{package}/{name}" for package in packages if package for name in _FILES]
    paths += [f"{package.replace('.', '/')}.py" for package in packages if package]
    for root in dict.fromkeys(roots):
        for path in dict.fromkeys(paths):
            place = inside(path, root)
            if place and place in files:
                text = files.text(place)
                match = _ASSIGNED.search(text) or PLAIN.match(text.strip())
                if match:
                    return match[1]
    return ""


def _in_lock(files: Files, found: Found) -> str:
    packages = locks.packages(files.text("uv.lock"))
    return next((v for name, v, _ in packages if normal(name) == normal(found.name)), "")


def _in_changes(files: Files, found: Found) -> str:
    for path in sorted(p for p in files if _CHANGES.match(p)):
        heading = _HEADING % (re.escape(found.name) or "release")
        match = re.search(heading, files.text(path), re.IGNORECASE | re.MULTILINE)
        if match:
            return match[1]
    return ""
