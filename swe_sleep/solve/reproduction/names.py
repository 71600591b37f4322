"""Where the names come from that an issue's code uses without saying: imports that it leaves out.

Told from the repository's files alone; nothing is imported. A name that could be two things is
not guessed.
"""

from __future__ import annotations

import ast
import builtins
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from swe_sleep.errors import RepositoryError
from swe_sleep.repo.snapshot import REGULAR_FILES, Snapshot
from swe_sleep.solve.reproduction.parts import parse
from swe_sleep.testing.discovery import is_test_path

USUAL: Mapping[str, str] = {
    "np": "import numpy as np",
    "pd": "import pandas as pd",
    "plt": "import matplotlib.pyplot as plt",
    "xr": "import xarray as xr",
    "pytest": "import pytest",
    "datetime": "from datetime import datetime",
    "timedelta": "from datetime import timedelta",
    "date": "from datetime import date",
    "timezone": "from datetime import timezone",
    "Decimal": "from decimal import Decimal",
    "Fraction": "from fractions import Fraction",
    "Path": "from pathlib import Path",
    "OrderedDict": "from collections import OrderedDict",
    "defaultdict": "from collections import defaultdict",
    "namedtuple": "from collections import namedtuple",
    "Counter": "from collections import Counter",
    "deque": "from collections import deque",
    "dataclass": "from dataclasses import dataclass",
    "Enum": "from enum import Enum",
    "StringIO": "from io import StringIO",
    "BytesIO": "from io import BytesIO",
    "partial": "from functools import partial",
    "pprint": "from pprint import pprint",
    "deepcopy": "from copy import deepcopy",
}
"""What everyone takes them to be."""
_SOURCES = ("src", "lib", "python")
_KNOWN = frozenset(dir(builtins)) | {"__name__", "__file__", "__doc__", "__builtins__", "_"}


@dataclass(frozen=True, slots=True)
class Missing:
    """A name that code uses and does not bind; whether only attributes of it are used."""

    name: str
    is_module: bool


def missing(code: str) -> list[Missing]:
    """The names that code needs from elsewhere, in order. A binding anywhere in it counts."""
    tree = parse(code)
    if tree is None:
        return []
    bound = set(_KNOWN)
    for node in ast.walk(tree):
        match node:
            case ast.Name(ctx=ast.Store() | ast.Del()):
                bound.add(node.id)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                bound.add(node.name)
            case ast.arg():
                bound.add(node.arg)
            case ast.Import() | ast.ImportFrom():
                for alias in node.names:
                    bound.add(alias.asname or alias.name.partition(".")[0])
            case ast.ExceptHandler(name=str(name)):
                bound.add(name)
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                bound.add(name)
    owners = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    found: dict[str, bool] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id not in bound:
            found[node.id] = found.get(node.id, True) and id(node) in owners
    return [Missing(name, is_module) for name, is_module in found.items()]


class Names:
    """The modules of one snapshot, and what is defined at their top."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    @cached_property
    def modules(self) -> dict[str, str]:
        """Dotted name -> path, of what is no test and can be imported from a usual place."""
        found: dict[str, str] = {}
        files = self._snapshot.files
        roots = {folder for folder in _SOURCES if f"{folder}/__init__.py" not in files}
        for path, entry in files.items():
            if not path.endswith(".py") or entry.mode not in REGULAR_FILES or is_test_path(path):
                continue
            parts = PurePosixPath(path).with_suffix("").parts
            if len(parts) > 1 and parts[0] in roots:
                parts = parts[1:]
            elif len(parts) == 1 and parts[0] in ("setup", "conftest", "noxfile", "fabfile"):
                continue
            if parts[-1] == "__init__":
                parts = parts[:-1]
            if parts and all(part.isidentifier() for part in parts):
                found[".".join(parts)] = path
        inside = {
            name
            for name, path in found.items()
            if "." not in name or self._is_package(path, name.count("."))
        }
        return {name: path for name, path in found.items() if name in inside}

    def _is_package(self, path: str, depth: int) -> bool:
        """Whether the module's top folder is a package, and not docs or scripts."""
        folder = PurePosixPath(path).parent
        if path.endswith("__init__.py"):
            folder = folder.parent
        for _ in range(depth - 1):
            folder = folder.parent
        return f"{folder}/__init__.py" in self._snapshot.files

    @cached_property
    def tops(self) -> set[str]:
        return {name for name in self.modules if "." not in name}

    def import_of(self, wanted: Missing) -> str:
        """The import that brings a name, "" where it is not clear which."""
        name = wanted.name
        if name in self.tops:
            return f"import {name}"
        inner = self._one([m for m in self.modules if m.rpartition(".")[2] == name and "." in m])
        stdlib = name in sys.stdlib_module_names
        if wanted.is_module and inner and not stdlib:
            package, _, last = inner.rpartition(".")
            return f"from {package} import {last}"
        if not (wanted.is_module and stdlib):
            if name in USUAL and name not in self._defined_names(name):
                return USUAL[name]
            if definition := self._definition(name):
                return definition
        if stdlib:
            return f"import {name}"
        if name in USUAL:
            return USUAL[name]
        if inner:
            package, _, last = inner.rpartition(".")
            return f"from {package} import {last}"
        return ""

    def _defined_names(self, name: str) -> set[str]:
        return {name} if self._definition(name) else set()

    def _definition(self, name: str) -> str:
        pattern = re.compile(
            rf"^(?:class|def|async def)\s+{re.escape(name)}\b|^{re.escape(name)}\s*(?::[^=\n]+)?=",
            re.M,
        )
        defining = [m for m, path in self.modules.items() if pattern.search(self._text(path))]
        if not defining:
            return ""
        package = self._one({module.partition(".")[0] for module in defining})
        if package and package in self.modules and "." in defining[0]:
            exported = re.compile(rf"^(?:from|import)\b[^#]*?\b{re.escape(name)}\b", re.M)
            if exported.search(self._imports(self.modules[package])):
                return f"from {package} import {name}"
        public = [m for m in defining if not any(p.startswith("_") for p in m.split("."))]
        module = self._one(public or defining)
        return f"from {module} import {name}" if module else ""

    def has(self, step: str) -> bool:
        """Whether a statement imports what is there in the repository's own modules."""
        tree = parse(step)
        nodes = tree.body if tree else []
        return bool(nodes) and all(self._has(node) for node in nodes)

    def _has(self, node: ast.stmt) -> bool:
        match node:
            case ast.Import():
                return all(alias.name in self.modules for alias in node.names)
            case ast.ImportFrom(module=str(module), level=0) if module in self.modules:
                wanted = {alias.name for alias in node.names}
                inside = {name for name in wanted if f"{module}.{name}" in self.modules}
                return wanted <= inside | self._bound(self.modules[module])
        return False

    def _bound(self, path: str) -> set[str]:
        """What a module's top binds, in plain statements."""
        found: set[str] = set()
        tree = parse(self._text(path))
        for node in tree.body if tree else ():
            match node:
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    found.add(node.name)
                case ast.Import() | ast.ImportFrom():
                    found |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
                case ast.Assign():
                    found |= {each.id for each in node.targets if isinstance(each, ast.Name)}
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()):
                    found.add(name)
        return found

    def _imports(self, path: str) -> str:
        """The imports of a file, each on one line."""
        tree = parse(self._text(path))
        found = [n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)] if tree else []
        return "\n".join(map(ast.unparse, found))

    def _text(self, path: str) -> str:
        if path not in self._texts:
            try:
                content = self._snapshot.read(path)
            except RepositoryError:
                content = b""
            self._texts[path] = content.decode("utf-8", "replace")
        return self._texts[path]

    @cached_property
    def _texts(self) -> dict[str, str]:
        return {}

    @staticmethod
    def _one(found: Iterable[str]) -> str:
        names = list(found)
        return names[0] if len(names) == 1 else ""
