"""Compiled code of the repository's modules and tests, kept in scratch and found by content.

Python's own `.pyc` files, and those of pytest before 9, are checked by time and size: two edits
within a second that keep the size (`<` for `>`) would run the old code. So those are not written,
and this stands in for them: the key is a hash of the path and the source itself, which can not be
stale.
"""

from __future__ import annotations

import hashlib
import importlib.util
import marshal
import os
import sys
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from types import CodeType
from typing import Any


class Store:
    """Code objects by what they were compiled from."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        os.makedirs(folder, exist_ok=True)

    def get(self, kind: str, path: str, source: bytes, make: Callable[[], CodeType]) -> CodeType:
        key = hashlib.sha1(importlib.util.MAGIC_NUMBER)
        for part in (kind.encode(), os.fsencode(path), source):
            key.update(b"%d " % len(part) + part)
        name = os.path.join(self.folder, key.hexdigest())
        try:
            with open(name, "rb") as file:
                found: CodeType = marshal.loads(file.read())
                return found
        except (OSError, ValueError, EOFError, TypeError):
            pass
        code = make()
        try:
            temporary = name + "." + str(os.getpid())
            with open(temporary, "wb") as file:
                file.write(marshal.dumps(code))
            os.replace(temporary, name)  # whole or not at all
        except OSError:
            pass  # a full disk costs speed only
        return code


def install(root: str, folder: str) -> None:
    """From now on, import modules below `root`, and what pytest rewrites, through the store."""
    store = Store(folder)
    _modules(root + os.sep, store)
    _rewritten(store)


def _modules(below: str, store: Store) -> None:
    original = SourceFileLoader.get_code

    def get_code(self: Any, fullname: str) -> CodeType | None:
        path = self.get_filename(fullname)
        if not os.path.abspath(path).startswith(below):
            return original(self, fullname)
        source = self.get_data(path)
        return store.get("module", path, source, lambda: self.source_to_code(source, path))

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign]


def _rewritten(store: Store) -> None:
    """Test files, conftests and plugins, whose `assert` pytest rewrites: the slowest to compile."""
    try:
        import pytest
        from _pytest.assertion import rewrite
    except ImportError:
        return
    original: Any = getattr(rewrite, "_rewrite_test", None)
    if original is None:  # a pytest that is arranged otherwise is only slower
        return

    def rewrite_test(fn: Any, config: Any) -> Any:
        if not sys.dont_write_bytecode:  # pytest wants to keep it itself
            return original(fn, config)
        kind = f"pytest {pytest.__version__} {config.getini('enable_assertion_pass_hook')}"
        return None, store.get(kind, str(fn), fn.read_bytes(), lambda: original(fn, config)[1])

    rewrite._rewrite_test = rewrite_test
