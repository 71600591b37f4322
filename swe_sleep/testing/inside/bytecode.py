"""Compiled code of the repository's modules, kept in scratch and found by content.

Python's own `.pyc` files are checked by time and size: two edits within a second that keep the
size (`<` for `>`) would run the old code. So those are not written, and this stands in for them:
the key is a hash of the path and the source itself, which can not be stale.
"""

from __future__ import annotations

import hashlib
import importlib.util
import marshal
import os
from importlib.machinery import SourceFileLoader
from types import CodeType
from typing import Any


def install(root: str, folder: str) -> None:
    """From now on, import modules below `root` through the cache in `folder`."""
    os.makedirs(folder, exist_ok=True)
    original = SourceFileLoader.get_code
    below = root + os.sep

    def get_code(self: Any, fullname: str) -> CodeType | None:
        path = self.get_filename(fullname)
        if not os.path.abspath(path).startswith(below):
            return original(self, fullname)
        source = self.get_data(path)
        key = hashlib.sha1(importlib.util.MAGIC_NUMBER + os.fsencode(path) + b"\0" + source)
        name = os.path.join(folder, key.hexdigest())
        try:
            with open(name, "rb") as file:
                code: CodeType = marshal.loads(file.read())
                return code
        except (OSError, ValueError, EOFError, TypeError):
            pass
        code = self.source_to_code(source, path)
        try:
            temporary = name + "." + str(os.getpid())
            with open(temporary, "wb") as file:
                file.write(marshal.dumps(code))
            os.replace(temporary, name)  # whole or not at all
        except OSError:
            pass  # a full disk costs speed only
        return code

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign]
