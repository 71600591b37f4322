"""The text editor that the model knows as its own, over the files of a sandbox.

The commands and their meaning are the provider's (text_editor_20250728): view, create,
str_replace, insert. Line endings and undecodable bytes of a file survive an edit.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from swe_sleep.errors import SandboxError
from swe_sleep.model.secrets import MASK, Masker
from swe_sleep.sandbox.protocol import Sandbox

LISTING = """
import os, sys
def walk(folder, depth):
    for entry in sorted(os.scandir(folder), key=lambda e: e.name):
        if entry.name.startswith(".") or entry.name in ("__pycache__", "node_modules"):
            continue
        inside = entry.is_dir(follow_symlinks=False)
        sys.stdout.write(os.path.relpath(entry.path, sys.argv[1]) + ("/" if inside else "") + "\\n")
        if inside and depth > 1:
            walk(entry.path, depth - 1)
if not os.path.isdir(sys.argv[1]):
    sys.exit(3)
walk(sys.argv[1], 2)
"""
NO_FOLDER = 3


class ToolProblem(Exception):
    """What the model asked for cannot be done; the text is for the model."""


class Editor:
    """One editor a run. `limit_chars` is for one view of a file."""

    def __init__(
        self, sandbox: Sandbox, masker: Masker | None = None, *, limit_chars: int = 16_000
    ) -> None:
        self._sandbox = sandbox
        self._masker = masker or Masker()
        self._limit = limit_chars

    def run(self, values: Mapping[str, object]) -> str:
        """Carry one command out and say what came of it. Raises ToolProblem."""
        command = values.get("command")
        path = self._path(_text(values, "path"))
        values = self._unmasked(path, values)
        if command == "view":
            return self._view(path, values.get("view_range"))
        if command == "create":
            return self._create(path, _text(values, "file_text"))
        if command == "str_replace":
            new = _text(values, "new_str") if values.get("new_str") is not None else ""
            return self._replace(path, _text(values, "old_str"), new)
        if command == "insert":
            key = "insert_text" if "insert_text" in values else "new_str"
            return self._insert(path, values.get("insert_line"), _text(values, key))
        raise ToolProblem(
            f"There is no command {command!r}: there are view, create, str_replace and insert."
        )

    def _unmasked(self, path: str, values: Mapping[str, object]) -> Mapping[str, object]:
        """With the secrets that the file holds in place of what the model saw for them."""
        told = {k: v for k, v in values.items() if isinstance(v, str) and MASK in v and k != "path"}
        if not told:
            return values
        try:
            there = self._read(path)
        except ToolProblem:
            there = ""
        self._masker(there)  # in a run that is taken up again it may not have been seen yet
        try:
            return {**values, **{k: self._masker.put_back(v, there) for k, v in told.items()}}
        except ValueError as error:
            raise ToolProblem(
                f"{error} stands for a secret that you cannot see and that {path} does not hold: "
                "leave it out, and edit the lines around it."
            ) from None

    def _path(self, path: str) -> str:
        """Relative to the copy, or absolute below the scratch folder."""
        whole = posixpath.normpath(posixpath.join(self._sandbox.workdir, path))
        inside = posixpath.relpath(whole, self._sandbox.workdir)
        if not inside.startswith(".."):
            return inside
        if whole.startswith(self._sandbox.scratch.rstrip("/") + "/"):
            return whole
        raise ToolProblem(f"{path} is outside the repository's copy, {self._sandbox.workdir}.")

    def _read(self, path: str) -> str:
        try:
            content = self._sandbox.get(path)
        except FileNotFoundError:
            raise ToolProblem(f"{path} does not exist.") from None
        except IsADirectoryError:
            raise ToolProblem(f"{path} is a folder.") from None
        if b"\0" in content[:8192]:
            raise ToolProblem(f"{path} is a binary file of {len(content):,} bytes.")
        return content.decode("utf-8", "surrogateescape")

    def _write(self, path: str, text: str) -> None:
        try:
            content = text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raise ToolProblem("The text holds half a surrogate pair.") from None
        try:
            self._sandbox.put({path: content})
        except (SandboxError, OSError) as error:
            raise ToolProblem(f"{path} cannot be written: {error}") from error

    def _view(self, path: str, view_range: object) -> str:
        try:
            text = self._read(path)
        except (ToolProblem, SandboxError) as problem:
            listing = self._listing(path)
            if listing is not None:
                return listing
            raise ToolProblem(str(problem)) from None
        lines = text.split("\n")
        if lines[-1] == "":
            lines.pop()
        first, last = 1, len(lines)
        if view_range is not None:
            first, last = self._range(view_range, len(lines))
        shown: list[str] = []
        room = self._limit
        for number in range(first, last + 1):
            line = f"{number:6d}\t{lines[number - 1]}"
            if len(line) > 2000:
                line = f"{line[:2000]} [... {len(line) - 2000:,} characters cut]"
            room -= len(line) + 1
            if room < 0:
                shown.append(f"[lines {number}-{last} of {len(lines)} not shown: use view_range]")
                break
            shown.append(line)
        return "\n".join(shown) if lines else f"[{path} is empty]"

    def _listing(self, path: str) -> str | None:
        target = posixpath.join(self._sandbox.workdir, path)
        python = self._sandbox.environment.python
        done = self._sandbox.run([python, "-I", "-c", LISTING, target], timeout_s=30)
        if done.exit_code == NO_FOLDER:
            return None
        if done.exit_code != 0:
            raise ToolProblem(f"{path} cannot be listed: {done.stderr.strip()[-300:]}")
        names = done.stdout.splitlines()
        if len(names) > 400:
            names = [*names[:400], f"[{len(names) - 400} more not shown]"]
        return "\n".join([f"{path}/", *names])

    @staticmethod
    def _range(view_range: object, count: int) -> tuple[int, int]:
        match view_range:
            case [int(first), int(last)]:
                last = count if last == -1 else last
                if 1 <= first <= last and first <= count:
                    return first, min(last, count)
        raise ToolProblem(f"view_range must be [first, last] within 1 to {count}; last may be -1.")

    def _create(self, path: str, text: str) -> str:
        try:
            self._sandbox.get(path, limit_bytes=1)
            there = True
        except FileNotFoundError:
            there = False
        except IsADirectoryError:
            raise ToolProblem(f"{path} is a folder.") from None
        except SandboxError:
            there = True  # larger than the limit, or cannot be read: `put` will tell
        self._write(path, text)
        return f"{'Replaced' if there else 'Created'} {path}, {len(text.splitlines())} lines."

    def _replace(self, path: str, old: str, new: str) -> str:
        if not old:
            raise ToolProblem("old_str is empty: use create or insert.")
        text = self._read(path)
        old, new = _endings(text, old), _endings(text, new)
        if old == new:
            raise ToolProblem("old_str and new_str are the same: nothing was changed.")
        count = text.count(old)
        if count == 0:
            raise ToolProblem(f"old_str does not occur in {path}.{_nearly(text, old)}")
        if count > 1:
            places = ", ".join(str(line) for line in _lines_of(text, old))
            raise ToolProblem(
                f"old_str occurs {count} times in {path}, at lines {places}: "
                "give more of the lines around it."
            )
        start = text.index(old)
        changed = text[:start] + new + text[start + len(old) :]
        self._write(path, changed)
        line = text.count("\n", 0, start) + 1
        return _around(path, changed, line, line + new.count("\n"))

    def _insert(self, path: str, after: object, new: str) -> str:
        text = self._read(path)
        lines = text.splitlines(keepends=True) if "\n" not in text else _keep_ends(text)
        if not isinstance(after, int) or isinstance(after, bool) or not 0 <= after <= len(lines):
            raise ToolProblem(f"insert_line must be from 0 to {len(lines)}.")
        new = _endings(text, new)
        ending = "\r\n" if "\r\n" in text else "\n"
        if not new.endswith("\n"):
            new += ending
        if after and not lines[after - 1].endswith("\n"):
            lines[after - 1] += ending
        changed = "".join([*lines[:after], new, *lines[after:]])
        self._write(path, changed)
        return _around(path, changed, after + 1, after + new.count("\n"))


def _text(values: Mapping[str, object], key: str) -> str:
    value = values.get(key)
    if not isinstance(value, str):
        raise ToolProblem(f"The text {key!r} is missing.")
    return value


def _keep_ends(text: str) -> list[str]:
    # str.splitlines would also split at form feeds and other separators
    parts = [f"{part}\n" for part in text.split("\n")]
    last = parts.pop()[:-1]
    return [*parts, last] if last else parts


def _endings(text: str, given: str) -> str:
    """The given text with the file's line endings, where the file has only those of Windows."""
    if "\r\n" in text and text.count("\n") == text.count("\r\n") and "\r" not in given:
        return given.replace("\n", "\r\n")
    return given


def _lines_of(text: str, old: str) -> list[int]:
    found: list[int] = []
    start = text.find(old)
    while start != -1 and len(found) < 10:
        found.append(text.count("\n", 0, start) + 1)
        start = text.find(old, start + len(old))
    return found


def _nearly(text: str, old: str) -> str:
    """Where the text stands but for white space, if it does."""
    wanted = [line.strip() for line in old.strip().splitlines()]
    have = [line.strip() for line in text.split("\n")]
    if not wanted:
        return ""
    for index in range(len(have) - len(wanted) + 1):
        if have[index : index + len(wanted)] == wanted:
            return f" It does at line {index + 1}, but with other white space."
    return ""


def _around(path: str, text: str, first: int, last: int) -> str:
    lines = text.removesuffix("\n").split("\n")
    low, high = max(1, first - 3), min(len(lines), max(first, last) + 3)
    numbers = range(low, high + 1)
    if len(numbers) > 30:
        return f"Changed {path}, lines {first}-{last}."
    shown = "\n".join(f"{n:6d}\t{lines[n - 1]}" for n in numbers)
    return f"Changed {path}:\n{shown}"
