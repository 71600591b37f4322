"""tox: tox.ini, the same in setup.cfg, and both forms in pyproject.toml."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator, Mapping
from typing import Any

from swe_sleep.sandbox.project.commands import (
    read_command,
    read_requirements,
    relative,
    words_of,
)
from swe_sleep.sandbox.project.found import Files, Found, lines_of, read_ini, strings, table

_TEST_ENVIRONMENT = re.compile(r"(?:tests?|unit(?:tests?)?|pytest|py3?|default)\Z")
_PYTHON_FACTOR = re.compile(r"(?:py)?3\.?(\d{1,2})\Z")
_FACTORS = re.compile(r"([!\w.{},-]+(?:\s*,\s*[!\w.{}-]+)*):(?:\s+|\Z)(.*)\Z", re.DOTALL)


def read(files: Files, found: Found) -> None:
    for name, parser, prefix in _parsers(files):
        if parser.sections():
            _read_ini(name, parser, prefix, files, found)
    native = files.toml("tox.toml")
    where = "tox.toml" if native else "pyproject.toml"
    _read_native(native or table(files.toml("pyproject.toml"), "tool", "tox"), where, files, found)


def _parsers(files: Files) -> Iterator[tuple[str, configparser.RawConfigParser, str]]:
    yield "tox.ini", files.ini("tox.ini"), "tox"
    cfg = files.ini("setup.cfg")
    if cfg.has_section("tox:tox"):
        yield "setup.cfg", cfg, "tox:tox"
    text = table(files.toml("pyproject.toml"), "tool", "tox").get("legacy_tox_ini")
    if isinstance(text, str):
        yield "pyproject.toml", read_ini(text), "tox"


def _read_ini(
    where: str, parser: configparser.RawConfigParser, head: str, files: Files, found: Found
) -> None:
    names = _get(parser, head, "env_list") or _get(parser, head, "envlist")
    found.claim(versions_of(names.replace("\n", ",")), where)
    found.claim(_sections_claim(parser), where)
    # The base comes first; where it does not run the tests, an environment that is named so.
    sections = ["testenv", *(s for s in parser.sections() if _is_test_section(s))]
    for section in sections:
        if parser.has_section(section) and _read_section(where, parser, section, files, found):
            return


def _is_test_section(section: str) -> bool:
    names = expanded(section.partition(":")[2]).split(",")
    return section.startswith("testenv:") and any(map(_is_test_name, names))


def _is_test_name(name: str) -> bool:
    parts = [part for part in name.split("-") if part]
    known = (_TEST_ENVIRONMENT.match(part) or _PYTHON_FACTOR.match(part) for part in parts)
    return bool(parts) and all(known)


def _sections_claim(parser: configparser.RawConfigParser) -> list[str]:
    return [
        version
        for section in parser.sections()
        if section.startswith("testenv:")
        for version in versions_of(section.partition(":")[2])
    ]


def _read_section(
    where: str,
    parser: configparser.RawConfigParser,
    section: str,
    files: Files,
    found: Found,
) -> bool:
    """Take in one environment, if it runs the tests."""

    def value(*keys: str) -> str:
        said = (_get(parser, section, key) or _get(parser, "testenv", key) for key in keys)
        return next((each for each in said if each), "")

    folder = relative(value("change_dir", "changedir"))
    variables = {
        name.strip(): text.strip()
        for line, _ in conditioned(value("set_env", "setenv"))
        for name, sign, text in [line.partition("=")]
        if sign
    }
    mine = Found()
    runs = False
    for line, _ in conditioned(value("commands").replace("\\\n", " ")):
        for words in words_of(re.sub(r"^-\s*", "", line)):
            started = read_command(words, where, files, mine, folder=folder, variables=variables)
            runs = runs or started
    if not runs:
        return False
    for line, marker in conditioned(value("deps")):
        plain = line.partition(" #")[0].strip()
        option = plain.startswith("-")
        words = plain.split() if option else [plain]
        read_requirements(words, where, files, mine, marker=marker)
    for key in ("extras", "dependency_groups"):
        for line, _ in conditioned(value(key)):
            mine.want(re.split(r"[,\s]+", line), where)
    _take(mine, found)
    return True


def _take(mine: Found, found: Found) -> None:
    found.commands += mine.commands
    found.want(mine.wanted, next(iter(mine.wanted.values()), ""))
    for where, lines in mine.listed.items():
        found.listed.setdefault(where, []).extend(lines)


def _get(parser: configparser.RawConfigParser, section: str, key: str, depth: int = 0) -> str:
    """A value with tox's references to other sections in it."""
    text = parser.get(section, key, fallback="") or ""

    def other(match: re.Match[str]) -> str:
        name = match[1] or section
        return _get(parser, name, match[2], depth + 1) if depth < 5 else ""

    return re.sub(r"\{\[([^\]]*)\]([^}:]+)(?::[^}]*)?\}", other, text)


def conditioned(text: str) -> Iterator[tuple[str, str]]:
    """The lines that hold for a run of the tests, each with the marker that its factors are."""
    for line in text.splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        match = _FACTORS.match(line)
        if match is None or match[1].lower() in ("http", "https", "file"):
            yield line, ""
            continue
        marker = _marker(match[1])
        if marker is not None and match[2].strip():
            yield match[2].strip(), marker


def _marker(condition: str) -> str | None:
    """What factors such as `py38,py39-test` ask of the interpreter; None where they are not those
    of a usual run of the tests."""
    versions: list[str] = []
    for alternative in re.split(r"\s*,\s*", expanded(condition)):
        parts = [p for p in alternative.split("-") if p]
        python = [p for p in parts if _PYTHON_FACTOR.match(p)]
        rest = [p for p in parts if p not in python]
        if not all(_TEST_ENVIRONMENT.match(p) or p.startswith("!") for p in rest):
            continue
        if not python:
            return ""
        versions += versions_of(",".join(python))
    return " or ".join(f"python_version == '{v}'" for v in versions) if versions else None


def expanded(text: str) -> str:
    """`py3{8,9}-x` as `py38-x,py39-x`; `3.1{0-2}` counts."""
    for _ in range(50):
        match = re.search(r"([^\s,{}]*)\{([^{}]*)\}([^\s,{}]*(?:\{[^{}]*\}[^\s,{}]*)*)", text)
        if match is None:
            break
        options: list[str] = []
        for option in match[2].split(","):
            span = re.fullmatch(r"(\d{1,2})-(\d{1,2})", option.strip())
            options += (
                [str(n) for n in range(int(span[1]), int(span[2]) + 1)]
                if span
                else [option.strip()]
            )
        made = ",".join(f"{match[1]}{option}{match[3]}" for option in options)
        text = text[: match.start()] + made + text[match.end() :]
        if len(text) > 10_000:
            break
    return text


def versions_of(names: str) -> list[str]:
    """The Python versions in names of environments: `py312`, `py3.12-test`, `3.12`."""
    found = []
    for name in re.split(r"[,\s]+", expanded(names)):
        for part in name.split("-"):
            if match := _PYTHON_FACTOR.match(part):
                found.append(f"3.{int(match[1])}")
    return found


# the form in TOML -----------------------------------------------------------------------------


def _read_native(tox: Mapping[str, Any], where: str, files: Files, found: Found) -> None:
    found.claim(versions_of(",".join(strings(tox.get("env_list")))), where)
    base = table(tox, "env_run_base")
    found.claim(versions_of(",".join(table(tox, "env"))), where)
    named = [env for name, env in table(tox, "env").items() if _is_test_section(f"testenv:{name}")]
    for environment in (base, *(env for env in named if isinstance(env, dict))):
        if _read_environment({**base, **environment}, where, files, found):
            return


def _read_environment(
    environment: Mapping[str, Any], where: str, files: Files, found: Found
) -> bool:
    mine = Found()
    given = {k: str(v) for k, v in table(environment, "set_env").items() if not isinstance(v, dict)}
    folder = relative(str(environment.get("change_dir", "")))
    runs = False
    commands = environment.get("commands")
    for command in commands if isinstance(commands, list) else []:
        words = list(_native_words(command)) if isinstance(command, list) else []
        started = read_command(words, where, files, mine, folder=folder, variables=given)
        runs = runs or started
    if not runs:
        return False
    for line in lines_of(environment.get("deps")):
        words = line.split() if line.startswith("-") else [line]
        read_requirements(words, where, files, mine)
    for key in ("extras", "dependency_groups"):
        mine.want(strings(environment.get(key)), where)
    _take(mine, found)
    return True


def _native_words(command: list[Any]) -> Iterator[str]:
    for word in command:
        if isinstance(word, str):
            yield word
        elif isinstance(word, dict):
            yield from strings(word.get("default"))
