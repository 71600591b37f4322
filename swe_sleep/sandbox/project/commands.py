"""Command lines as tools' settings and workflows have them: what they install, and how they start
pytest. Only their words are read; nothing of a shell is understood but what joins commands."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

from swe_sleep.sandbox.project.found import Command, Files, Found, inside, normal
from swe_sleep.sandbox.project.lines import OWN, REQUIREMENT, requirement_lines

DRIVERS = frozenset(
    "pip wheel tox nox build twine coveralls codecov poetry uv hatch pdm pipenv flit virtualenv "  # noqa: SIM905
    "pre-commit tox-gh-actions tox-gh tox-uv nox-uv tox-wheel poetry-core prek".split()
)
"""What only starts the tests, or serves something else."""
_JOINS = ("&&", "||", ";", "|", "&")
_PYTEST = ("pytest", "py.test")
_OWN_VARIABLES = re.compile(
    r"(?:PATH|HOME|TMPDIR|TEMP|TMP|PYTHON(?:PATH|HASHSEED|DONTWRITEBYTECODE|WARNINGS|HOME|STARTUP"
    r"|UNBUFFERED|BREAKPOINT|TRACEMALLOC|OPTIMIZE)|VIRTUAL_ENV|PYTEST_ADDOPTS|CI|USER|LOGNAME"
    r"|(?:COVERAGE|COV|PIP|UV|LD|TOX|NOX|GIT|GITHUB|RUNNER|CODECOV|COVERALLS|SWE_SLEEP)_\w*)\Z"
)
"""Variables that are ours to set, or serve what does not run here."""
_TAKES_NAME = {"--group": "-", "--extra": "-", "--with": "-", "--extras": "-", "-E": "-", "-G": "-"}
_TAKES_VALUE = frozenset(
    "-k -m -n -c -o -p -W -r --cov-report --cov-config --cov-fail-under --junitxml --junit-xml "  # noqa: SIM905
    "--durations --maxfail --timeout --tb --ignore --ignore-glob --deselect --import-mode "
    "--doctest-glob --basetemp --rootdir --numprocesses --dist --log-level --log-cli-level "
    "--html --color --confcutdir --override-ini --reruns --capture --show-capture".split()
)
_KEPT = ("--ignore", "--ignore-glob", "--deselect", "--import-mode", "-o", "--override-ini")


def words_of(line: str) -> list[list[str]]:
    """The commands of a line, each as its words."""
    try:
        lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|")
        lexer.whitespace_split = True
        words = list(lexer)
    except ValueError:
        words = line.split()
    commands: list[list[str]] = [[]]
    for word in words:
        if word in _JOINS:
            commands.append([])
        else:
            commands[-1].append(word)
    return [command for command in commands if command]


def read_command(
    words: Sequence[str],
    where: str,
    files: Files,
    found: Found,
    *,
    folder: str = "",
    variables: Mapping[str, str] | None = None,
    marker: str = "",
) -> bool:
    """Take in one command; whether it starts the tests."""
    words = list(words)
    given = dict(variables or {})
    while words and (match := re.fullmatch(r"(\w+)=(.*)", words[0])):
        given[match[1]] = match[2]
        words.pop(0)
    _read_install(words, where, files, found, folder, marker)
    for index, word in enumerate(words):
        program = word.rpartition("/")[2]
        if program in _PYTEST and words[index - 1 : index] not in (["install"], ["add"]):
            before = words[:index]
            if any(w in ("install", "add", "--with", "inject", "-m mypy") for w in before):
                return False
            arguments = _expanded(words[index + 1 :])
            kept = plain_variables(given)
            found.commands.append(Command(where, tuple(arguments), folder, kept))
            return True
        if program == "unittest" and words[index - 1 : index] == ["-m"]:
            arguments = [w for w in words[index + 1 :] if not w.startswith("-")][:2]
            paths = [w for w in arguments if w != "discover"]
            found.commands.append(Command(where, tuple(paths), folder, plain_variables(given)))
            return True
        path = word.replace(".", "/")
        own_runner = path.endswith(("/test", "/tests")) and files.has_folder(path)
        if own_runner and words[index - 1 : index] == ["-m"]:
            found.commands.append(Command(where, (path,), "", plain_variables(given)))
            return True
    return False


def plain_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """Those that a test may need: with plain values, and not ours to set. `{root}` stands for the
    repository's folder."""
    kept = {}
    for name, value in variables.items():
        value = re.sub(r"\{(?:toxinidir|tox_root)\}", "{root}", value.strip())
        rest = value.replace("{root}", "")
        named = re.fullmatch(r"[A-Za-z_]\w*", name) and not _OWN_VARIABLES.match(name)
        if named and not re.search(r"[{}$\n\0]", rest):
            kept[name] = value
    return kept


def options_of(command: Command, files: Files) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The folders that the command names for pytest, and the options that choose tests."""
    folders: list[str] = []
    options: list[str] = []
    words = iter(command.arguments)
    for word in words:
        option, sign, value = word.partition("=")
        if word.startswith("-"):
            if not sign and option in _TAKES_VALUE:
                value = next(words, "")
            elif not sign and re.fullmatch(r"-[pkmoW]\S+", word):
                option, value = word[:2], word[2:]
            options += _kept_option(option, value, command.folder)
            continue
        rooted = word.startswith("{root}/")
        path = inside(word.removeprefix("{root}/"), "" if rooted else command.folder)
        if path and path != "." and files.has_folder(path):
            folders.append(path)
    if not folders and command.folder and files.has_folder(command.folder):
        folders = [command.folder]
    return tuple(dict.fromkeys(folders)), tuple(options)


def _kept_option(option: str, value: str, folder: str) -> list[str]:
    if not value or re.search(r"[{}$\n\0]", value):
        return []
    if option in ("-k", "-m"):  # what leaves tests out; a choice of a few would not be the suite
        return [option, value] if value.startswith("not ") else []
    if option == "-p":
        return [option, value] if value.startswith("no:") else []
    if option in ("--ignore", "--ignore-glob", "--deselect"):
        path = inside(value, folder)
        return [f"{option}={path}"] if path else []
    return [f"{option}={value}"] if option == "--import-mode" else []


def _expanded(words: Sequence[str]) -> list[str]:
    """tox's `{posargs:default}` as its default, `{toxinidir}/x` as a path; other braces go."""
    text = "\0".join(words)
    text = re.sub(r"\{posargs:?([^{}]*(?:\{(?:toxinidir|tox_root)\}[^{}]*)*)\}", r"\1", text)
    text = re.sub(r"\{\[[^\]]*\][^}]*\}", "", text)
    text = re.sub(r"\{(?:toxinidir|tox_root)\}[/\\]?", "{root}/", text)
    expanded: list[str] = []
    for word in text.split("\0"):
        if " " in word.strip() and word.strip().startswith(("-", "{")):
            expanded += word.split()
        else:
            expanded.append(word.strip())
    return [w for w in expanded if w and "$" not in w and not re.search(r"\{(?!root\})", w)]


# what is installed ----------------------------------------------------------------------------


def _read_install(
    words: Sequence[str], where: str, files: Files, found: Found, folder: str, marker: str
) -> None:
    program = next((w.rpartition("/")[2] for w in words if not w.startswith("-")), "")
    if "install" in words and any(w.rpartition("/")[2] in ("pip", "pip3") for w in words):
        after = words[list(words).index("install") + 1 :]
        read_requirements(after, where, files, found, folder=folder, marker=marker)
    elif program in ("uv", "poetry", "pdm", "hatch", "pipenv"):
        found.want(_names(words), where)


def _names(words: Sequence[str]) -> Iterator[str]:
    """The groups and extras that an installer's own command names."""
    left = iter(words)
    for word in left:
        option, sign, value = word.partition("=")
        if option in _TAKES_NAME or re.fullmatch(r"-d?G", option):
            value = value if sign else next(left, "")
            yield from re.split(r"[,\s]+", value)


def read_requirements(
    words: Sequence[str],
    where: str,
    files: Files,
    found: Found,
    *,
    folder: str = "",
    marker: str = "",
) -> None:
    """Take in what would stand behind `pip install`."""
    left = iter(words)
    for word in left:
        option, sign, value = word.partition("=")
        if word.startswith("-r") or option == "--requirement":
            value = value if sign else word[2:] if word.startswith("-r") and word[2:] else ""
            path = inside(value or next(left, ""), folder)
            if path and path in files:
                _list(found, where, requirement_lines(files, path), marker)
        elif word.startswith("-c") or option in ("--constraint", "-f", "-i", "--index-url"):
            if not sign and word in ("-c", "--constraint", "-f", "-i", "--index-url"):
                next(left, "")
        elif option == "--group":
            found.want([value or next(left, "")], where)
        elif word in ("-e", "--editable"):
            continue
        elif not word.startswith("-"):
            _one(word, where, found, marker)


def _one(word: str, where: str, found: Found, marker: str) -> None:
    word = re.sub(r"\{(?:toxinidir|tox_root)\}[/\\]?|\{root\}/?", "./", word.strip())
    own = OWN.match(word)
    if own:
        found.want([e.strip() for e in (own["extras"] or "").split(",") if e.strip()], where)
    elif "$" not in word and "{" not in word and ".whl" not in word:
        match = REQUIREMENT.match(word)
        if match and normal(match["name"]) not in DRIVERS and "/" not in word:
            _list(found, where, [word], marker)


def _list(found: Found, where: str, lines: Sequence[str], marker: str) -> None:
    """Requirements that hold under a marker such as `python_version == '3.12'`."""
    if marker:
        lines = [f"{line.partition(';')[0].strip()} ; {marker}" for line in lines]
    found.listed.setdefault(where, []).extend(lines)


def relative(folder: str) -> str:
    """tox's `changedir` as a path of the repository; "" for one that is none."""
    folder = re.sub(r"\{(?:toxinidir|tox_root)\}/?", "", folder.strip())
    path = inside(folder) if folder and "{" not in folder else None
    return "" if path in (None, ".") else posixpath.normpath(path or "")
