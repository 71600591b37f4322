"""Other runners' tables in pyproject.toml: hatch's environments, scripts of pdm and poe; and the
files that name one version for everybody."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from swe_sleep.sandbox.project.commands import read_command, words_of
from swe_sleep.sandbox.project.found import (
    Files,
    Found,
    lines_of,
    strings,
    table,
    versions_in,
)

_TEST_NAME = re.compile(r"(?:hatch-)?(?:tests?|unit|pytest|default)\Z")


def read(files: Files, found: Found) -> None:
    tool = table(files.toml("pyproject.toml"), "tool")
    for name, environment in table(tool, "hatch", "envs").items():
        if isinstance(environment, dict) and _TEST_NAME.match(name):
            _read_hatch(environment, files, found)
    if not found.commands:
        for script in ("test", "tests", "pytest"):
            for runner in (("pdm", "scripts"), ("poe", "tasks")):
                value = table(tool, *runner).get(script)
                entry = value if isinstance(value, dict) else {"cmd": value}
                for line in lines_of(entry.get("cmd")) + lines_of(entry.get("shell")):
                    for words in words_of(line):
                        read_command(words, "pyproject.toml", files, found)
    for path in (".python-version", "runtime.txt"):
        text = files.text(path).replace("python-", "")
        found.claim(versions_in(text)[:1], path)


def _read_hatch(environment: Mapping[str, Any], files: Files, found: Found) -> None:
    where = "pyproject.toml"
    lines = strings(environment.get("dependencies"))
    lines += strings(environment.get("extra-dependencies"))
    if lines:
        found.listed.setdefault("hatch", []).extend(lines)
    found.want(strings(environment.get("features")), where)
    found.want(strings(environment.get("dependency-groups")), where)
    matrix = environment.get("matrix")
    for row in matrix if isinstance(matrix, list) else []:
        if isinstance(row, dict):
            found.claim(versions_in(" ".join(strings(row.get("python")))), where)
    variables = {k: v for k, v in table(environment, "env-vars").items() if isinstance(v, str)}
    for script in table(environment, "scripts").values():
        for line in lines_of(script):
            line = re.sub(r"\{args:?([^{}]*)\}", r"\1", line)
            for words in words_of(line):
                read_command(words, where, files, found, variables=variables)
