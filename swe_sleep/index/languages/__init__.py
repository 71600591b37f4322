"""The languages. To add one: a module with a `LANGUAGE`, and its entries here."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from swe_sleep.index.languages.base import Language

_MODULES = {
    "python": ("python", "LANGUAGE"),
    "javascript": ("javascript", "JAVASCRIPT"),
    "typescript": ("javascript", "TYPESCRIPT"),
    "tsx": ("javascript", "TSX"),
    "go": ("go", "LANGUAGE"),
    "rust": ("rust", "LANGUAGE"),
    "java": ("java", "LANGUAGE"),
    "c": ("c", "C"),
    "cpp": ("c", "CPP"),
    "ruby": ("ruby", "LANGUAGE"),
}

LANGUAGES = tuple(_MODULES)

_EXTENSIONS = {
    "python": "py pyi pyw",
    "javascript": "js jsx mjs cjs",
    "typescript": "ts mts cts",
    "tsx": "tsx",
    "go": "go",
    "rust": "rs",
    "java": "java",
    "c": "c h",
    "cpp": "cc cpp cxx c++ hh hpp hxx h++ ipp tpp inl cu cuh",
    "ruby": "rb rake gemspec ru",
}
_BY_EXTENSION = {ext: name for name, exts in _EXTENSIONS.items() for ext in exts.split()}
_BY_NAME = {
    "Rakefile": "ruby", "Gemfile": "ruby", "Guardfile": "ruby", "Vagrantfile": "ruby",
    "Podfile": "ruby", "SConstruct": "python", "SConscript": "python", "wscript": "python",
    "Jakefile": "javascript",
}  # fmt: skip
_BY_INTERPRETER = (
    (re.compile(rb"^#!.*?\b(?:python|pypy)[\d.]*\b"), "python"),
    (re.compile(rb"^#!.*?\b(?:node|nodejs|bun)\b"), "javascript"),
    (re.compile(rb"^#!.*?\b(?:ts-node|deno|tsx)\b"), "typescript"),
    (re.compile(rb"^#!.*?\b(?:ruby|jruby)[\d.]*\b"), "ruby"),
)
_CPP_HEADER = re.compile(
    rb"^[ \t]*(?:class\s+\w+[^;]*[{:]|namespace\b|template\s*<|using\s|public:|private:)", re.M
)


def language_of(path: str, head: bytes = b"") -> str | None:
    """The language of a file by its name, or by the shebang where the name tells nothing. `head`
    is the start of its content; with NUL bytes in it the file is binary and has none."""
    if b"\0" in head:
        return None
    name = path.strip('"').rpartition("/")[2]
    if name in _BY_NAME:
        return _BY_NAME[name]
    _, dot, extension = name.rpartition(".")
    if dot:
        found = _BY_EXTENSION.get(extension) or _BY_EXTENSION.get(extension.lower())
        if found == "c" and (extension == "C" or (extension == "h" and _CPP_HEADER.search(head))):
            return "cpp"
        if found or len(extension) < 8:
            return found
    first = head[:200].partition(b"\n")[0]
    return next((language for pattern, language in _BY_INTERPRETER if pattern.match(first)), None)


@cache
def language_named(name: str) -> Language | None:
    """The language's description, imported when it is first asked for."""
    if name not in _MODULES:
        return None
    module, attribute = _MODULES[name]
    found: Language = getattr(import_module(f"swe_sleep.index.languages.{module}"), attribute)
    return found
