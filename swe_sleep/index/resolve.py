"""From an import as written to the files it means, as far as names alone tell.

Nothing is read from disk: what is known are the paths of the repository and, for Go and Java, the
packages that files declare. What leads out of the repository resolves to nothing.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from swe_sleep.index.outline import Import, Outline

Binding = tuple[tuple[str, ...], str]
"""Files, and the name taken from them; "" is the module itself."""


class Links(NamedTuple):
    """What a file's imports mean: the files, the names bound here, and the files all of whose
    names are visible here."""

    targets: tuple[str, ...]
    bindings: Mapping[str, Binding]
    stars: tuple[str, ...]


_JS = (".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts", ".d.ts")
_SCRIPT_LANGUAGES = frozenset({"javascript", "typescript", "tsx"})


class Resolver:
    """Bound to one set of paths; a new one is cheap (a few microseconds a path)."""

    def __init__(self, outlines: Mapping[str, Outline]) -> None:
        self.modules: dict[str, str] = {}
        """Python module name -> path."""
        self.module_of: dict[str, str] = {}
        self._paths = frozenset(outlines)
        self._by_name: dict[str, list[str]] = {}
        self._packages: dict[tuple[str, str], list[str]] = {}
        self._classes: dict[str, str] = {}
        secondary: dict[str, str] = {}
        for path in sorted(outlines):
            outline = outlines[path]
            folder, _, name = path.rpartition("/")
            self._by_name.setdefault(name, []).append(path)
            if outline.language == "python":
                self._add_module(path, secondary)
            elif outline.language == "go":
                self._packages.setdefault(("go", folder), []).append(path)
            elif outline.language == "java":
                self._packages.setdefault(("java", outline.package), []).append(path)
                stem = name.partition(".")[0]
                qualified = f"{outline.package}.{stem}" if outline.package else stem
                self._classes[qualified] = path
        for name, path in secondary.items():
            self.modules.setdefault(name, path)

    def _add_module(self, path: str, secondary: dict[str, str]) -> None:
        parts = path.rpartition(".")[0].split("/")
        if parts[-1] == "__init__":
            parts.pop()
        start = len(parts) - 1
        if path.endswith(("/__init__.py", "/__init__.pyi")):
            start = max(start, 0)
        while start > 0 and "/".join([*parts[:start], "__init__.py"]) in self._paths:
            start -= 1
        name = ".".join(parts[start:])
        if path.endswith(".pyi") and f"{path[:-1]}" in self._paths:
            return  # the stub of a module that is here
        self.module_of[path] = name
        if name not in self.modules or len(path) < len(self.modules[name]):
            self.modules[name] = path
        secondary[".".join(parts)] = path
        if start and parts[0] in ("src", "lib", "python"):
            secondary.setdefault(".".join(parts[1:]), path)

    def links(self, path: str, outline: Outline) -> Links:
        targets: dict[str, None] = {}
        bindings: dict[str, Binding] = {}
        stars: dict[str, None] = {}
        for item in outline.imports:
            if outline.language == "python":
                self._python(path, item, targets, bindings, stars)
                continue
            files = tuple(p for p in self._files(path, outline, item) if p != path)
            if not files:
                continue
            targets.update(dict.fromkeys(files))
            if item.alias:
                bindings[item.alias] = (files, "")
            for name, here in item.names:
                if name == "*":
                    stars.update(dict.fromkeys(files))
                else:
                    bindings[here] = (files, name)
        for neighbour in self._implicit(path, outline):
            if neighbour != path:
                stars[neighbour] = None
        return Links(tuple(targets), bindings, tuple(stars))

    def _implicit(self, path: str, outline: Outline) -> Iterable[str]:
        """The other files of the same package, visible without an import."""
        if outline.language == "go":
            return self._packages.get(("go", path.rpartition("/")[0]), ())
        if outline.language == "java":
            return self._packages.get(("java", outline.package), ())
        return ()

    def _files(self, path: str, outline: Outline, item: Import) -> Iterable[str]:
        language = outline.language
        if language in _SCRIPT_LANGUAGES:
            return self._script(path, item.module)
        if language == "go":
            return self._go(item.module)
        if language == "java":
            return self._java(item)
        if language == "rust":
            return self._rust(path, item)
        if language in ("c", "cpp"):
            return self._near(path, item.module)
        if item.kind == "require_relative":
            return self._exact(path, item.module + ("" if item.module.endswith(".rb") else ".rb"))
        return self._near(path, item.module + ("" if item.module.endswith(".rb") else ".rb"))

    # Python

    def _python(
        self,
        path: str,
        item: Import,
        targets: dict[str, None],
        bindings: dict[str, Binding],
        stars: dict[str, None],
    ) -> None:
        base = self._absolute(path, item)
        if base is None:
            return
        if item.kind != "from":
            self._plain_import(path, base, item.alias, targets, bindings)
            return
        module = self._module(path, base, item.level)
        for name, here in item.names:
            if name == "*":
                if module:
                    stars[module] = None
                    targets[module] = None
                continue
            submodule = self.modules.get(f"{base}.{name}" if base else name)
            if submodule is not None and submodule != path:
                targets[submodule] = None
                bindings[here] = ((submodule,), "")
            if module is not None and module != path:
                targets[module] = None
                # a name of the package may hide the submodule of the same name
                bindings.setdefault(here, ((module,), name))

    def _plain_import(
        self,
        path: str,
        name: str,
        alias: str,
        targets: dict[str, None],
        bindings: dict[str, Binding],
    ) -> None:
        module = self._module(path, name, 0)
        if module is None or module == path:
            return
        targets[module] = None
        first = name.partition(".")[0]
        bound = self._module(path, first, 0) if alias == first else module
        bindings[alias] = ((bound or module,), "")

    def _absolute(self, path: str, item: Import) -> str | None:
        if not item.level:
            return item.module
        parts = self.module_of.get(path, "").split(".")
        if not path.endswith(("__init__.py", "__init__.pyi")):
            parts.pop()
        up = item.level - 1
        if up > len(parts):
            return None
        parts = parts[: len(parts) - up]
        if item.module:
            parts.append(item.module)
        return ".".join(part for part in parts if part)

    def _module(self, path: str, name: str, level: int) -> str | None:
        if not level:
            folder = path.rpartition("/")[0]
            if not self._in_package(path):  # a script sees the modules beside it first
                beside = posixpath.join(folder, name.replace(".", "/") + ".py")
                if beside in self._paths:
                    return beside
        return self.modules.get(name)

    def _in_package(self, path: str) -> bool:
        return posixpath.join(path.rpartition("/")[0], "__init__.py") in self._paths

    # the others

    def _exact(self, path: str, relative: str) -> list[str]:
        found = posixpath.normpath(posixpath.join(path.rpartition("/")[0], relative))
        return [found] if found in self._paths else []

    def _near(self, path: str, name: str) -> list[str]:
        """The file of this name beside `path`, else the one whose path ends so, nearest first."""
        found = self._exact(path, name)
        if found:
            return found
        name = posixpath.normpath(name).lstrip("./")
        candidates = [
            candidate
            for candidate in self._by_name.get(name.rpartition("/")[2], ())
            if candidate == name or candidate.endswith("/" + name)
        ]
        candidates.sort(key=lambda c: (-len(posixpath.commonprefix([c, path])), len(c), c))
        return candidates[:1]

    def _script(self, path: str, module: str) -> list[str]:
        if module.startswith("."):
            base = posixpath.normpath(posixpath.join(path.rpartition("/")[0], module))
        elif module.startswith(("@/", "~/")):
            base = "src/" + module[2:]
        else:
            return []
        base = "" if base == "." else base
        stem = base.rpartition(".")[0] if base.endswith((".js", ".mjs", ".cjs", ".jsx")) else ""
        candidates = [base, *(base + extension for extension in _JS)]
        candidates += [stem + extension for extension in _JS if stem]
        candidates += [posixpath.join(base, "index" + extension) for extension in _JS]
        return [candidate for candidate in candidates if candidate in self._paths][:1]

    def _go(self, module: str) -> list[str]:
        parts = module.split("/")
        for start in range(len(parts)):
            files = self._packages.get(("go", "/".join(parts[start:])))
            if files:
                return [file for file in files if not file.endswith("_test.go")]
        return []

    def _java(self, item: Import) -> list[str]:
        name = item.names[0][0] if item.names else ""
        if name == "*":
            files = self._packages.get(("java", item.module))
            return files or [p for p in (self._classes.get(item.module),) if p]
        qualified = f"{item.module}.{name}"
        while qualified:
            if qualified in self._classes:
                return [self._classes[qualified]]
            qualified = qualified.rpartition(".")[0]
        return []

    def _rust(self, path: str, item: Import) -> list[str]:
        folder, _, name = path.rpartition("/")
        own = folder if name in ("mod.rs", "lib.rs", "main.rs") else path.removesuffix(".rs")
        if item.kind == "mod":
            return self._rust_file(own, [item.module])
        parts = [part for part in item.module.split("::") if part]
        parts += [here for here, _ in item.names if here != "*"]
        head = parts[0] if parts else ""
        if head == "crate":
            root = folder
            while root and not any(f"{root}/{n}" in self._paths for n in ("lib.rs", "main.rs")):
                root = root.rpartition("/")[0]
            return self._rust_file(root, parts[1:])
        at = own
        while parts and parts[0] in ("self", "super"):
            at = at.rpartition("/")[0] if parts.pop(0) == "super" else at
        return self._rust_file(at, parts)

    def _rust_file(self, folder: str, parts: list[str]) -> list[str]:
        for end in range(len(parts), 0, -1):
            base = posixpath.join(folder, *parts[:end])
            for candidate in (f"{base}.rs", f"{base}/mod.rs"):
                if candidate in self._paths:
                    return [candidate]
        return []
