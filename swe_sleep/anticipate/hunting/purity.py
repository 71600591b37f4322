"""Whether a function only computes, as far as a look at it and what it calls in its file tells."""

from __future__ import annotations

import ast
from collections.abc import Mapping

DEPTH = 4
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
Function = ast.FunctionDef | ast.AsyncFunctionDef

_MODULES = frozenset(
    [
        "subprocess",
        "socket",
        "shutil",
        "requests",
        "urllib",
        "urllib3",
        "http",
        "httpx",
        "aiohttp",
        "ftplib",
        "smtplib",
        "threading",
        "multiprocessing",
        "asyncio",
        "signal",
        "tempfile",
        "webbrowser",
        "ctypes",
        "sqlite3",
        "select",
        "selectors",
        "pty",
        "getpass",
        "random",
        "secrets",
        "uuid",
        "curses",
        "readline",
        "concurrent",
        "trio",
        "anyio",
        "ssl",
    ]
)
_CALLS = frozenset(
    [
        "open",
        "input",
        "exec",
        "eval",
        "exit",
        "quit",
        "breakpoint",
        "__import__",
        "compile",
        "print",
    ]
)
_METHODS = frozenset(
    [
        "unlink",
        "rmdir",
        "rmtree",
        "mkdir",
        "makedirs",
        "rename",
        "write_text",
        "write_bytes",
        "touch",
        "chmod",
        "connect",
        "sleep",
        "send",
        "sendall",
        "recv",
        "accept",
        "listen",
        "serve_forever",
        "urlopen",
        "system",
        "popen",
        "getenv",
        "putenv",
        "chdir",
        "kill",
        "fork",
        "wait",
        "communicate",
        "acquire",
    ]
)
_OS_FINE = frozenset(
    [
        "path",
        "fspath",
        "sep",
        "linesep",
        "altsep",
        "pathsep",
        "name",
        "fsencode",
        "fsdecode",
        "curdir",
    ]
)
_SYS_WRONG = frozenset(["exit", "stdin", "settrace", "setprofile", "setrecursionlimit"])


def reaches_out(function: Function, near: Mapping[str, Function]) -> str:
    """What a function does besides computing, or "". `near` are the functions of its file and the
    methods of its class by name."""
    return _look(function, near, set(), DEPTH)


def _look(function: Function, near: Mapping[str, Function], seen: set[str], depth: int) -> str:
    for node in ast.walk(function):
        if isinstance(node, (ast.Global, ast.Await, ast.AsyncFor, ast.AsyncWith)):
            return type(node).__name__.lower()
        if isinstance(node, ast.Attribute) and (found := _attribute(node)):
            return found
        if isinstance(node, (ast.Import, ast.ImportFrom)) and (found := _import(node)):
            return found
        if not isinstance(node, ast.Call):
            continue
        name = _name(node.func)
        if name in _CALLS and isinstance(node.func, ast.Name):
            return name
        if name in near and name not in seen and depth:
            seen.add(name)
            if found := _look(near[name], near, seen, depth - 1):
                return found
    return ""


def _attribute(node: ast.Attribute) -> str:
    base = node.value
    if isinstance(base, ast.Name):
        if base.id in _MODULES:
            return f"{base.id}.{node.attr}"
        if base.id == "os" and node.attr not in _OS_FINE:
            return f"os.{node.attr}"
        if base.id == "sys" and node.attr in _SYS_WRONG:
            return f"sys.{node.attr}"
    return node.attr if node.attr in _METHODS else ""


def _import(node: ast.Import | ast.ImportFrom) -> str:
    if isinstance(node, ast.Import):
        modules = [alias.name for alias in node.names]
    else:
        modules = [node.module or ""] if not node.level else []
    return next((m for m in modules if m.partition(".")[0] in _MODULES), "")


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.attr if node.value.id in ("self", "cls") else ""
    return ""
