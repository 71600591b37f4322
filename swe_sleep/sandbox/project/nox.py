"""noxfile.py, by its syntax tree: the sessions that run pytest, and the literals in them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from swe_sleep.sandbox.project.commands import read_command, read_requirements
from swe_sleep.sandbox.project.found import Files, Found, lines_of, versions_in
from swe_sleep.sandbox.project.setup import called, constants, literal, parsed

FILE = "noxfile.py"
_RUNS = ("run", "run_always", "run_install")


def read(files: Files, found: Found) -> None:
    tree = parsed(files.text(FILE))
    if tree is None:
        return
    names = constants(tree)
    for function in tree.body:
        if isinstance(function, ast.FunctionDef) and (python := _session(function, names)):
            calls = [n for n in ast.walk(function) if isinstance(n, ast.Call)]
            if any("pytest" in _words(call, names) for call in calls if called(call) in _RUNS):
                found.claim(versions_in(" ".join(python)), FILE)
                _read(calls, names, files, found)


def _session(function: ast.FunctionDef, names: Mapping[str, ast.expr]) -> list[str]:
    """The Python versions of a session, or one empty name; nothing where it is no session."""
    for decorator in function.decorator_list:
        call = decorator if isinstance(decorator, ast.Call) else None
        node = call.func if call else decorator
        name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
        if "session" in name:
            keywords = call.keywords if call else []
            said = [literal(k.value, names) for k in keywords if k.arg == "python"]
            return [*(lines_of(said[0]) if said else []), ""]
    return []


def _read(calls: list[ast.Call], names: Mapping[str, ast.expr], files: Files, found: Found) -> None:
    for call in calls:
        name, words = called(call), _words(call, names)
        if name == "install":
            read_requirements(words, FILE, files, found)
        elif name in _RUNS:
            env = next((literal(k.value, names) for k in call.keywords if k.arg == "env"), None)
            given = env.items() if isinstance(env, dict) else ()
            variables = {k: v for k, v in given if isinstance(k, str) and isinstance(v, str)}
            read_command(words, FILE, files, found, variables=variables)
        elif name == "dependency_groups":
            found.want(words, FILE)
        elif name == "installroot":
            extras = (literal(k.value, names) for k in call.keywords if k.arg == "extras")
            found.want([e for each in extras for e in lines_of(each)], FILE)


def _words(call: ast.Call, names: Mapping[str, ast.expr]) -> list[str]:
    """The literal arguments; what is computed is left out."""
    return list(_each(call.args, names))


def _each(arguments: list[ast.expr], names: Mapping[str, ast.expr]) -> Iterator[str]:
    for argument in arguments:
        starred = isinstance(argument, ast.Starred)
        value = literal(argument.value if isinstance(argument, ast.Starred) else argument, names)
        if isinstance(value, str) and not starred:
            yield value
        elif isinstance(value, list) and starred:
            yield from (each for each in value if isinstance(each, str))
