"""What a repository says it needs, read from its files and never executed.

Sources: pyproject.toml (PEP 621, PEP 735, Poetry's tables), setup.cfg, setup.py (literals only, by
`ast`), and requirements files. Everything here is the repository's own text: what is not a plain
name with versions (links, local paths, options) is left out and named.
"""

from __future__ import annotations

import ast
import configparser
import posixpath
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from swe_sleep.errors import SweSleepError
from swe_sleep.repo.snapshot import Snapshot

TEST_GROUPS = ("test", "tests", "testing", "dev")
TEST_FILES = re.compile(
    r"(?:requirements[-_.](?:tests?|testing|dev)|(?:tests?|testing|dev)[-_.]requirements"
    r"|requirements/(?:tests?|testing|dev|development))\.txt\Z"
)
_REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[(?P<extras>[\w\s,.-]*)\])?"
    r"\s*\(?\s*(?:(?:===?|~=|!=|<=|>=|<|>)\s*[\w.*+!-]+\s*(?:,\s*|(?=[);]|\Z)))*\)?"
    r"\s*(?:;(?P<marker>[^;]*))?\Z"
)
_SCRIPT = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*\Z")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")


@dataclass(frozen=True, slots=True)
class Group:
    """Requirements that stand or fall together: the project's own, or those of one extra."""

    name: str
    requirements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Project:
    """What is known of a repository without running it."""

    name: str = ""
    version: str = ""
    groups: tuple[Group, ...] = ()
    """The project's own first."""
    entry_points: tuple[tuple[str, str, str], ...] = ()
    """(group, name, object) such as ("pytest11", "mine", "mine.plugin")."""
    python_path: tuple[str, ...] = (".",)
    left_out: tuple[str, ...] = ()
    """Requirements that are links, paths or unreadable."""


@dataclass(slots=True)
class _Found:
    name: str = ""
    version: str = ""
    own: list[str] = field(default_factory=list)
    extras: dict[str, list[str]] = field(default_factory=dict)
    entry_points: list[tuple[str, str, str]] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)


def read_project(
    snapshot: Snapshot,
    *,
    extras: Sequence[str] = (),
    requirements: Sequence[str] | None = None,
) -> Project:
    """The repository's requirements; `extras` are wanted beside the usual names of test groups,
    `requirements` replace everything that the repository says."""
    found = _Found()
    wanted = (*TEST_GROUPS, *extras)
    for reader, path in (
        (_read_pyproject, "pyproject.toml"),
        (_read_setup_cfg, "setup.cfg"),
        (_read_setup_py, "setup.py"),
    ):
        text = _text(snapshot, path)
        if text:
            reader(text, found)
    for path in sorted(snapshot.files):
        if path == "requirements.txt":
            found.own += _requirement_lines(snapshot, path)
        elif TEST_FILES.match(path):
            found.extras.setdefault("tests", []).extend(_requirement_lines(snapshot, path))
    left_out: list[str] = []
    groups = []
    if requirements is not None:
        groups = [Group("requirements", _clean(requirements, found, left_out))]
    else:
        groups.append(Group("the project", _clean(found.own, found, left_out)))
        for name in dict.fromkeys(wanted):
            if name in found.extras:
                groups.append(Group(name, _clean(found.extras[name], found, left_out)))
    return Project(
        name=found.name if _NAME.match(found.name) else "",
        version=found.version,
        groups=tuple(group for group in groups if group.requirements),
        entry_points=tuple(_entry_points(found.entry_points)),
        python_path=_python_path(snapshot, found.folders),
        left_out=tuple(dict.fromkeys(left_out)),
    )


def normal(name: str) -> str:
    """A package's name as the index compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _text(snapshot: Snapshot, path: str) -> str:
    entry = snapshot.files.get(path)
    if entry is None or entry.mode & 0o170000 != 0o100000:
        return ""
    try:
        return snapshot.read(path).decode("utf-8", "replace")
    except SweSleepError:
        return ""


def _clean(lines: Iterable[str], found: _Found, left_out: list[str]) -> tuple[str, ...]:
    """Requirements that are safe to hand to an installer. One of the project itself, such as
    `name[test]`, is replaced by what that extra holds."""
    clean: dict[str, None] = {}
    todo, seen = list(lines), set()
    while todo:
        line = todo.pop(0).strip()
        if line in seen or not line:
            continue
        seen.add(line)
        match = _REQUIREMENT.match(line)
        if match is None:
            left_out.append(line[:80])
        elif found.name and normal(match["name"]) == normal(found.name):
            for extra in (match["extras"] or "").split(","):
                todo[:0] = found.extras.get(extra.strip(), [])
        else:
            clean[line] = None
    return tuple(clean)


# pyproject.toml ------------------------------------------------------------------------------


def _read_pyproject(text: str, found: _Found) -> None:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    project = _table(document, "project")
    found.name = str(project.get("name", ""))
    found.version = str(project.get("version", ""))
    found.own += _strings(project.get("dependencies"))
    for name, lines in _table(project, "optional-dependencies").items():
        found.extras.setdefault(str(name), []).extend(_strings(lines))
    groups = _table(document, "dependency-groups")
    for name in groups:
        found.extras.setdefault(str(name), []).extend(_group(groups, name, ()))
    for group, table in _table(project, "entry-points").items():
        if isinstance(table, dict):
            found.entry_points += [(str(group), str(k), str(v)) for k, v in table.items()]
    for name, target in _table(project, "scripts").items():
        found.entry_points.append(("console_scripts", str(name), str(target)))
    tool = _table(document, "tool")
    packages = _table(_table(tool, "setuptools"), "packages")
    found.folders += _strings(_table(packages, "find").get("where"))
    found.folders += _strings([_table(_table(tool, "setuptools"), "package-dir").get("")])
    _read_poetry(_table(tool, "poetry"), found)


def _read_poetry(poetry: Mapping[str, Any], found: _Found) -> None:
    found.name = found.name or str(poetry.get("name", ""))
    found.version = found.version or str(poetry.get("version", ""))
    found.own += _poetry_lines(_table(poetry, "dependencies"))
    found.extras.setdefault("dev", []).extend(_poetry_lines(_table(poetry, "dev-dependencies")))
    for name, group in _table(poetry, "group").items():
        if isinstance(group, dict):
            lines = _poetry_lines(_table(group, "dependencies"))
            found.extras.setdefault(str(name), []).extend(lines)
    for item in poetry.get("packages", []) if isinstance(poetry.get("packages"), list) else []:
        if isinstance(item, dict) and isinstance(item.get("from"), str):
            found.folders.append(item["from"])


def _poetry_lines(table: Mapping[str, Any]) -> list[str]:
    lines = []
    for name, value in table.items():
        if isinstance(value, dict) and value.get("optional") is True:
            continue
        version = value.get("version", "") if isinstance(value, dict) else value
        if normal(name) != "python" and isinstance(version, str):
            lines.append(name + ",".join(_poetry_version(v) for v in version.split(",") if v))
    return lines


def _poetry_version(version: str) -> str:
    """Poetry's carets and bare versions as PEP 440 says them."""
    version = version.strip()
    if version in ("*", ""):
        return ""
    if version[0] == "^":
        parts = [int(n) for n in re.findall(r"\d+", version)] or [0]
        place = next((i for i, n in enumerate(parts) if n), len(parts) - 1)
        above = [*parts[:place], parts[place] + 1]
        return f">={version[1:].strip()},<{'.'.join(map(str, above))}"
    if version[0] == "~" and version[:2] != "~=":
        numbers = version[1:].strip()
        return f"~={numbers}" if numbers.count(".") > 1 else f"=={numbers}.*"
    return version if version[0] in "<>=!~" else f"=={version}"


def _group(groups: Mapping[str, Any], name: str, above: tuple[str, ...]) -> list[str]:
    """A dependency group with what it includes (PEP 735)."""
    lines = []
    items = groups.get(name)
    for item in items if isinstance(items, list) else []:
        if isinstance(item, str):
            lines.append(item)
        elif isinstance(item, dict) and isinstance(item.get("include-group"), str):
            inner = item["include-group"]
            if inner not in (*above, name):
                lines += _group(groups, inner, (*above, name))
    return lines


def _table(table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = table.get(key)
    return value if isinstance(value, dict) else {}


def _strings(value: object) -> list[str]:
    return [v for v in value if isinstance(v, str)] if isinstance(value, list) else []


# setup.cfg and setup.py ----------------------------------------------------------------------


def _read_setup_cfg(text: str, found: _Found) -> None:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text)
    except configparser.Error:
        return

    def value(section: str, key: str) -> str:
        return parser.get(section, key, fallback="")

    found.name = found.name or value("metadata", "name").strip()
    version = value("metadata", "version").strip()
    found.version = found.version or ("" if ":" in version else version)
    found.own += value("options", "install_requires").splitlines()
    found.extras.setdefault("tests", []).extend(value("options", "tests_require").splitlines())
    for name in (
        parser.options("options.extras_require")
        if parser.has_section("options.extras_require")
        else ()
    ):
        lines = value("options.extras_require", name).splitlines()
        found.extras.setdefault(name, []).extend(lines)
    if parser.has_section("options.entry_points"):
        for group in parser.options("options.entry_points"):
            for line in value("options.entry_points", group).splitlines():
                name, _, target = line.partition("=")
                found.entry_points.append((group, name.strip(), target.strip()))
    where = value("options.packages.find", "where").strip()
    found.folders += [where] if where else []


def _read_setup_py(text: str, found: _Found) -> None:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    names: dict[str, ast.expr] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            names[statement.targets[0].id] = statement.value
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        called = call.func
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        if name != "setup":
            continue
        arguments = {k.arg: _literal(k.value, names) for k in call.keywords if k.arg}
        if isinstance(arguments.get("name"), str):
            found.name = found.name or arguments["name"]
        if isinstance(arguments.get("version"), str):
            found.version = found.version or arguments["version"]
        found.own += _lines(arguments.get("install_requires"))
        found.extras.setdefault("tests", []).extend(_lines(arguments.get("tests_require")))
        extras = arguments.get("extras_require")
        for extra, lines in extras.items() if isinstance(extras, dict) else ():
            found.extras.setdefault(str(extra), []).extend(_lines(lines))
        entries = arguments.get("entry_points")
        for group, lines in entries.items() if isinstance(entries, dict) else ():
            for line in _lines(lines):
                left, _, target = line.partition("=")
                found.entry_points.append((str(group), left.strip(), target.strip()))
        folders = arguments.get("package_dir")
        if isinstance(folders, dict) and isinstance(folders.get(""), str):
            found.folders.append(folders[""])


def _literal(node: ast.expr, names: Mapping[str, ast.expr]) -> Any:
    """The value of a literal, or of a module's variable that holds one; None for anything else.
    Of a list or mapping with other things in it, the literal part."""
    if isinstance(node, ast.Name):
        inner = names.get(node.id)
        return None if inner is None or isinstance(inner, ast.Name) else _literal(inner, names)
    if isinstance(node, ast.List | ast.Tuple):
        return [v for v in (_literal(e, names) for e in node.elts) if v is not None]
    if isinstance(node, ast.Dict):
        pairs = [(k, v) for k, v in zip(node.keys, node.values, strict=True) if k is not None]
        return {
            _literal(k, names): _literal(v, names) for k, v in pairs if isinstance(k, ast.Constant)
        }
    return node.value if isinstance(node, ast.Constant) else None


def _lines(value: object) -> list[str]:
    return value.splitlines() if isinstance(value, str) else _strings(value)


# requirements files, entry points, folders ---------------------------------------------------


def _requirement_lines(snapshot: Snapshot, path: str, above: tuple[str, ...] = ()) -> list[str]:
    lines = []
    for raw in _text(snapshot, path).replace("\\\n", " ").splitlines():
        line = re.split(r"(?:^|\s)#|\s--?[a-z]", raw, maxsplit=1)[0].strip()
        include = re.match(r"(?:-r|--requirement)[\s=]*(\S+)", raw.strip())
        if include:
            inner = posixpath.normpath(posixpath.join(posixpath.dirname(path), include[1]))
            if inner in snapshot.files and inner not in (*above, path) and len(above) < 10:
                lines += _requirement_lines(snapshot, inner, (*above, path))
        elif line and not line.startswith("-"):
            lines.append(line)
    return lines


def _entry_points(found: Iterable[tuple[str, str, str]]) -> Iterable[tuple[str, str, str]]:
    for group, name, target in dict.fromkeys(found):
        target = target.split("[")[0].strip()
        fits = _SCRIPT if group == "console_scripts" else re.compile(r"[A-Za-z_][\w.:]*\Z")
        if re.match(r"[\w.-]+\Z", group) and _NAME.match(name) and fits.match(target):
            yield group, name, target


def _python_path(snapshot: Snapshot, folders: Iterable[str]) -> tuple[str, ...]:
    """Where the repository's packages are: the folders it names, `src` where it has Python
    packages, and the root, as an editable install would have it."""
    named = [posixpath.normpath(f) for f in folders if f and not f.startswith("/")]
    if any(re.match(r"src/(?:[^/]+/__init__|[^/]+)\.py\Z", path) for path in snapshot.files):
        named.append("src")
    inside = [f for f in named if f != "." and not f.startswith("..") and f.isprintable()]
    known = {path[: len(f)] for f in inside for path in snapshot.files if path.startswith(f + "/")}
    return (*(f for f in dict.fromkeys(inside) if f in known and ":" not in f), ".")
