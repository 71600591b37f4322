"""setup.cfg, and the literals of setup.py."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from swe_sleep.sandbox.project.found import Files, Found, lines_of, strings
from swe_sleep.sandbox.project.pyproject import classified


def read_cfg(files: Files, found: Found) -> None:
    parser = files.ini("setup.cfg")

    def value(section: str, key: str) -> str:
        return parser.get(section, key, fallback="")

    found.name = found.name or value("metadata", "name").strip()
    version = value("metadata", "version").strip()
    found.version = found.version or ("" if ":" in version else version)
    found.claim(classified(value("metadata", "classifiers").splitlines()), "setup.cfg")
    requires = value("options", "python_requires").strip()
    found.requires_python += [requires] if requires else []
    found.own += value("options", "install_requires").splitlines()
    found.add_extra("tests", value("options", "tests_require").splitlines())
    if parser.has_section("options.extras_require"):
        for name in parser.options("options.extras_require"):
            lines = value("options.extras_require", name).splitlines()
            found.add_extra(name, lines)
    if parser.has_section("options.entry_points"):
        for group in parser.options("options.entry_points"):
            for line in value("options.entry_points", group).splitlines():
                name, _, target = line.partition("=")
                found.entry_points.append((group, name.strip(), target.strip()))
    where = value("options.packages.find", "where").strip()
    found.folders += [where] if where else []
    for line in value("options", "package_dir").splitlines():
        package, sign, folder = line.partition("=")
        found.folders += [folder.strip()] if sign and not package.strip() else []
    found.build_requires += value("options", "setup_requires").splitlines()


def read_py(files: Files, found: Found) -> None:
    tree = parsed(files.text("setup.py"))
    if tree is None:
        return
    names = constants(tree)
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        found.generates = found.generates or _extensions(call)
        if called(call) != "setup":
            continue
        arguments = {k.arg: literal(k.value, names) for k in call.keywords if k.arg}
        if isinstance(arguments.get("name"), str):
            found.name = found.name or arguments["name"]
        if isinstance(arguments.get("version"), str):
            found.version = found.version or arguments["version"]
        if isinstance(arguments.get("python_requires"), str):
            found.requires_python.append(arguments["python_requires"])
        found.claim(classified(lines_of(arguments.get("classifiers"))), "setup.py")
        found.own += lines_of(arguments.get("install_requires"))
        found.build_requires += lines_of(arguments.get("setup_requires"))
        found.add_extra("tests", lines_of(arguments.get("tests_require")))
        extras = arguments.get("extras_require")
        for extra, lines in extras.items() if isinstance(extras, dict) else ():
            found.add_extra(str(extra), lines_of(lines))
        entries = arguments.get("entry_points")
        for group, lines in entries.items() if isinstance(entries, dict) else ():
            for line in lines_of(lines):
                left, _, target = line.partition("=")
                found.entry_points.append((str(group), left.strip(), target.strip()))
        folders = arguments.get("package_dir")
        if isinstance(folders, dict):
            found.folders += strings([folders.get("")])


def _extensions(call: ast.Call) -> str:
    if called(call) in ("Extension", "cythonize", "mypycify", "RustExtension"):
        return "compiled extensions (setup.py)"
    for keyword in call.keywords if called(call) == "setup" else ():
        if keyword.arg in ("ext_modules", "cffi_modules", "rust_extensions"):
            empty = isinstance(keyword.value, ast.List | ast.Tuple) and not keyword.value.elts
            if not empty:
                return "compiled extensions (setup.py)"
    return ""


# programs that are read and not run -----------------------------------------------------------


def parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def constants(tree: ast.Module) -> dict[str, ast.expr]:
    """What the module's variables are set to."""
    names: dict[str, ast.expr] = {}
    for statement in tree.body:
        target = statement.targets[0] if isinstance(statement, ast.Assign) else None
        if isinstance(statement, ast.Assign) and isinstance(target, ast.Name):
            names[target.id] = statement.value
        elif (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and statement.value is not None
        ):
            names[statement.target.id] = statement.value
    return names


def called(call: ast.Call) -> str:
    """The last part of the called name."""
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def literal(node: ast.expr, names: Mapping[str, ast.expr], depth: int = 0) -> Any:
    """The value of a literal, or of a module's variable that holds one; None for anything else.
    Of a list or mapping with other things in it, the literal part."""
    if depth > 20:
        return None
    if isinstance(node, ast.Name):
        inner = names.get(node.id)
        plain = inner is None or isinstance(inner, ast.Name)
        return None if plain or inner is None else literal(inner, names, depth + 1)
    if isinstance(node, ast.List | ast.Tuple):
        values: list[Any] = []
        for element in node.elts:
            if isinstance(element, ast.Starred):
                more = literal(element.value, names, depth + 1)
                values += more if isinstance(more, list) else []
            elif (value := literal(element, names, depth + 1)) is not None:
                values.append(value)
        return values
    if isinstance(node, ast.Dict):
        pairs = [(k, v) for k, v in zip(node.keys, node.values, strict=True) if k is not None]
        return {
            literal(k, names): literal(v, names, depth + 1)
            for k, v in pairs
            if isinstance(k, ast.Constant)
        }
    return node.value if isinstance(node, ast.Constant) else None
