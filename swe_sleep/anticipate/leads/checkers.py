"""What a linter and a type checker find in two versions of a few files, and what of it is new.

Both only read the files that are written for them into a folder of their own: no configuration of
the repository is there, none of the person is looked for, and nothing of the code is run. They are
used where they are installed, as by `pip install "swe-sleep[checks]"`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sysconfig
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from swe_sleep.errors import RepositoryError
from swe_sleep.index.outline import outline
from swe_sleep.repo.paths import join

Tool = Literal["ruff", "ty"]
Say = Callable[[str], None]
TOOLS: tuple[Tool, ...] = ("ruff", "ty")
MOST_OUTPUT = 5_000_000
RUFF_KINDS = (
    "E9,F50,F52,F601,F602,F621,F622,F63,F70,F811,F82,PLE,B005,B006,B012,B015,B018,B020,B023,B025,"
    "B029,B030,B031,B035,PLW0129,PLW0245,PLW0406,PLW0711,PLW1507,PLW2101,RUF016"
)
"""What is a fault when it is true; nothing of style."""
TY_KINDS = (
    "not-callable", "index-out-of-bounds", "invalid-argument-type",
    "invalid-await", "invalid-context-manager", "invalid-exception-caught", "invalid-raise",
    "incompatible-method-override", "invalid-super-argument", "missing-argument",
    "missing-attribute", "missing-module-member", "no-matching-overload", "not-iterable",
    "not-subscriptable", "parameter-already-assigned", "positional-only-parameter-as-kwarg",
    "possibly-unresolved-reference", "too-many-positional-arguments", "unknown-argument",
    "unresolved-reference", "unsupported-bool-conversion", "unsupported-operator",
    "zero-stepsize-in-slice", "import-not-found", "inconsistent-mro", "duplicate-base",
    "instance-layout-conflict", "missing-union-attribute", "unused-awaitable",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a tool said of one line."""

    tool: Tool
    code: str
    path: str
    line: int
    message: str
    qualname: str = ""
    """The symbol that the line is in."""

    @property
    def kind(self) -> str:
        """That of the lead which it gives."""
        return f"{self.tool} {self.code}"

    @property
    def place(self) -> tuple[str, str, str]:
        """Where it is, however the lines moved."""
        return self.kind, self.path, self.qualname

    @property
    def key(self) -> tuple[str, str, str, str]:
        return *self.place, re.sub(r"\d+", "#", self.message)


def fresh(old: Iterable[Finding], new: Iterable[Finding]) -> list[Finding]:
    """The findings that the new version has and the old one had not, by kind, symbol and text. One
    that is only worded anew, as there are no more of its kind in the symbol, is not."""
    before = list(old)
    texts = Counter(finding.key for finding in before)
    room = Counter(finding.place for finding in before)
    after = list(new)
    more = Counter(finding.place for finding in after)
    more.subtract(room)
    found = []
    for finding in after:
        if texts[finding.key] > 0:
            texts[finding.key] -= 1
        elif more[finding.place] > 0:
            more[finding.place] -= 1
            found.append(finding)
    return found


@lru_cache(maxsize=4)
def program(tool: Tool) -> str | None:
    """Where a tool is installed; None where it is not."""
    beside = Path(sysconfig.get_path("scripts")) / tool
    return str(beside) if beside.is_file() else shutil.which(tool)


def ruff(
    files: Mapping[str, bytes], *, timeout_s: float, say: Say = lambda line: None
) -> list[Finding]:
    """What ruff finds in these Python files, each by itself. `say` hears why it could not."""
    name = program("ruff")
    if name is None or not files:
        return []
    with tempfile.TemporaryDirectory(prefix="swe-sleep-ruff-") as folder:
        paths = {}
        for number, (path, content) in enumerate(files.items()):
            # Names of our own: the repository's may be anything.
            own = "__init__.py" if path.endswith("__init__.py") else "module.py"
            place = Path(folder, str(number), own)
            place.parent.mkdir()
            place.write_bytes(content)
            paths[str(place)] = path
        command = [name, "check", "--isolated", "--no-cache", "--quiet", "--exit-zero"]
        command += ["--no-respect-gitignore", "--output-format=json", f"--select={RUFF_KINDS}"]
        said = _output([*command, *paths], Path(folder), timeout_s, say)
    found = []
    for each in said:
        path = paths.get(str(each.get("filename")), "")
        line = _table(each.get("location"))
        if path:
            code = str(each.get("code") or "invalid-syntax")
            found.append(Finding("ruff", code, path, _number(line.get("row")), _text(each)))
    return _within(found, files)


def ty(
    files: Mapping[str, bytes],
    checked: Sequence[str],
    *,
    roots: Sequence[str],
    timeout_s: float,
    say: Say = lambda line: None,
) -> list[Finding]:
    """What ty finds in the `checked` files, which see the others. `roots` are folders from which
    modules are imported, beside the topmost."""
    name = program("ty")
    if name is None or not checked:
        return []
    with tempfile.TemporaryDirectory(prefix="swe-sleep-ty-") as folder:
        tree = Path(folder, "tree")
        tree.mkdir()
        written = {path for path, content in files.items() if _put(tree, path, content)}
        wanted = [path for path in checked if path in written and "\n" not in path]
        if not wanted:
            return []
        config = Path(folder, "ty.toml")
        rules = [f'{kind} = "error"' for kind in ("all", *TY_KINDS)]
        rules[0] = 'all = "ignore"'
        extra = json.dumps([str(tree / root) for root in roots if root] + [str(tree)])
        config.write_text("\n".join([
            "[rules]", *rules, "[environment]", f"root = {extra}", 'python-version = "3.12"',
        ]), encoding="utf-8")  # fmt: skip
        command = [name, "check", f"--config-file={config}", f"--project={tree}", "--exit-zero"]
        command += ["--output-format=gitlab", "--no-progress", "--"]
        said = _output([*command, *wanted], tree, timeout_s, say)
    found = []
    for each in said:
        place = _table(each.get("location"))
        path = str(place.get("path"))
        line = _table(_table(place.get("positions")).get("begin")).get("line")
        code = str(each.get("check_name"))
        if path in written and code in TY_KINDS:
            text = str(each.get("description")).removeprefix(f"{code}: ")
            found.append(Finding("ty", code, path, _number(line), text))
    return _within(found, files)


def _output(command: list[str], folder: Path, timeout_s: float, say: Say) -> list[dict[str, Any]]:
    """What a tool prints, as JSON; nothing where it fails, is too slow, or says too much."""
    environment = {"PATH": "", "HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "LC_ALL": "C"}
    tool = Path(command[0]).name
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                timeout=timeout_s,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            say(f"{tool} did not end well: {error.__class__.__name__}")
            return []
        output.seek(0)
        errors.seek(0)
        try:
            said = json.loads(output.read(MOST_OUTPUT))
        except (ValueError, RecursionError):
            first = errors.read(500).decode("utf-8", "replace").strip().partition("\n")[0]
            say(f"{tool} ended with {done.returncode}: {first}")
            return []
    return [each for each in said if isinstance(each, dict)] if isinstance(said, list) else []


def _put(tree: Path, path: str, content: bytes) -> bool:
    try:
        place = join(tree, path)
        os.makedirs(os.path.dirname(place), exist_ok=True)  # noqa: PTH103, PTH120  (bytes)
        with open(place, "wb") as file:  # noqa: PTH123
            file.write(content)
    except (OSError, RepositoryError):
        return False
    return True


def _within(found: list[Finding], files: Mapping[str, bytes]) -> list[Finding]:
    """The findings with the symbols that they are in."""
    outlines = {path: outline(files[path], "python") for path in {each.path for each in found}}
    named = []
    for each in found:
        symbol = outlines[each.path].symbol_at(each.line)
        qualname = symbol.qualname if symbol is not None else ""
        named.append(
            Finding(each.tool, each.code, each.path, each.line, each.message[:300], qualname)
        )
    return named


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> int:
    return value if isinstance(value, int) else 1


def _text(said: Mapping[str, Any]) -> str:
    return str(said.get("message") or "")
