"""The installers of the host: uv where it is, else pip. They fetch wheels and unpack them; nothing
is built, so nothing that was fetched is executed.

The person's index, proxy and certificates are in the environment and in the installers' own
settings, and reach them from there; no sandbox sees them.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Protocol

from swe_sleep.errors import EnvironmentFailed

INSTALL_S = 900.0
_SAME = (
    ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"),
    ("PIP_EXTRA_INDEX_URL", "UV_INDEX"),
    ("PIP_FIND_LINKS", "UV_FIND_LINKS"),
)
"""What the two installers call by different names."""
_ASKED = re.compile(r"(?:UV|PIP)_(?:\w*INDEX\w*|FIND_LINKS|PRE|PRERELEASE|RESOLUTION)\Z")

_WITHOUT_WHEELS = (
    r"([A-Za-z0-9][\w.-]*?)(?:[=<>!~][^ ]*)? ha(?:s|ve) no (?:usable )?wheels",
    r"[Bb]uilding (?:source )?(?:distributions )?(?:for )?`?([\w.-]+)`? is disabled",
    r"No matching distribution found for ([\w.-]+)",
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be installed."""

    requirements: Sequence[str]
    constraints: Sequence[str] = ()
    links: Sequence[Path] = ()
    """Folders with wheels of our own making."""
    until: str = ""
    """Nothing that was published after this day, such as "2025-06-30"."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where it goes: the virtual environment of `python`, or a folder for an interpreter that is
    not here, of this version and platform."""

    python: Path | None = None
    folder: Path | None = None
    version: str = ""
    platform: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why an installer did not do it."""

    why: str
    without_wheels: tuple[str, ...] = ()
    """Packages that are there as source alone, by what it says."""
    unreachable: bool = False
    """The index did not answer: another time it may."""


class Installer(Protocol):
    name: str

    def make(self, python: str, folder: Path) -> None:
        """A new virtual environment. Raises EnvironmentFailed."""
        ...

    def install(self, wanted: Wanted, target: Target, *, dry: bool = False) -> Refused | None:
        """None, or why it can't be had. `dry`: only look whether it can."""
        ...

    def places(self) -> tuple[str, ...]:
        """The indexes and folders that it looks in, the person's own first."""
        ...


def find(preferred: str = "") -> Installer:
    """The installer of this machine. Raises EnvironmentFailed where there is none."""
    makers: list[Callable[[], Installer]] = [Uv, Pip]
    if preferred == "pip":
        makers.reverse()
    for maker in makers:
        try:
            return maker()
        except (ImportError, FileNotFoundError):
            continue
    raise EnvironmentFailed(
        "There is neither uv nor pip to make an environment with.", "Install uv."
    )


def index_key() -> str:
    """Which packages the person's settings would find, as a hash: it may hold a password."""
    asked = sorted((k, v) for k, v in os.environ.items() if _ASKED.match(k))
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:12] if asked else ""


@dataclass(frozen=True, slots=True)
class _Run:
    """A program that is run with the person's own settings."""

    program: Sequence[str]
    added: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str) -> tuple[int, str]:
        """The exit code and what it said on stderr, both parts together where it uses both."""
        env = {**os.environ, **self.added}
        for name in ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "UV_PYTHON", "PIP_TARGET"):
            env.pop(name, None)
        try:
            done = subprocess.run(
                [*self.program, *arguments],
                cwd=tempfile.gettempdir(),
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=INSTALL_S,
                umask=0o022,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise EnvironmentFailed("the installer took too long") from None
        except OSError as error:
            raise EnvironmentFailed(f"the installer can't be run: {error}") from error
        return done.returncode, done.stdout


class Uv:
    name = "uv"

    def __init__(self) -> None:
        added = {"UV_NO_PROGRESS": "1", "UV_PYTHON_DOWNLOADS": "never", "NO_COLOR": "1"}
        if "UV_SYSTEM_CERTS" not in os.environ:  # a proxy's own authority is known to the system
            added["UV_SYSTEM_CERTS"] = "true"
        for ours, theirs in _SAME:
            if ours in os.environ and theirs not in os.environ:
                added[theirs] = os.environ[ours]
        self._run = _Run([_uv()], added)

    def make(self, python: str, folder: Path) -> None:
        options = ["--quiet", "--relocatable", "--no-project", "--no-config"]
        code, said = self._run("venv", *options, "--python", python, str(folder))
        if code:
            raise EnvironmentFailed(_reason(said))

    def install(self, wanted: Wanted, target: Target, *, dry: bool = False) -> Refused | None:
        arguments = ["pip", "install", "--no-build"]
        if target.python is not None:
            arguments += ["--python", str(target.python)]
        else:
            arguments += ["--target", str(target.folder), "--python-version", target.version]
            arguments += ["--python-platform", target.platform]
        if wanted.until:
            arguments += ["--exclude-newer", wanted.until]
        if _without_index():  # uv has no variable for it
            arguments += ["--no-index"]
        arguments += ["--dry-run"] if dry else []
        return _install(self._run, arguments, wanted)

    def places(self) -> tuple[str, ...]:
        said = self._run("pip", "compile", "--emit-index-url", "--emit-find-links", os.devnull)[1]
        return _ordered(re.findall(r"^--(find-links|extra-index-url|index-url) (\S+)", said, re.M))


def _uv() -> str:
    try:
        import uv

        return str(uv.find_uv_bin())
    except ImportError:
        path = shutil.which("uv")
        if path is None:
            raise
        return path


class Pip:
    name = "pip"

    def __init__(self) -> None:
        """Raises FileNotFoundError where there is no pip."""
        program, self._version = _pip()
        self._run = _Run(program, {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"})

    def make(self, python: str, folder: Path) -> None:
        code, said = _Run([python])("-I", "-m", "venv", "--without-pip", "--symlinks", str(folder))
        if code:
            raise EnvironmentFailed(_reason(said))

    def install(self, wanted: Wanted, target: Target, *, dry: bool = False) -> Refused | None:
        arguments = ["install", "--only-binary", ":all:", "--no-compile", "--progress-bar", "off"]
        if target.python is not None:
            arguments = ["--python", str(target.python), *arguments, "--no-warn-script-location"]
        else:
            arguments += ["--target", str(target.folder), "--python-version", target.version]
            for platform in _platforms(target.platform):
                arguments += ["--platform", platform]
        if wanted.until and self._version >= (26,):
            arguments += ["--uploaded-prior-to", wanted.until]
        arguments += ["--dry-run"] if dry else []
        refused = _install(self._run, arguments, wanted)
        if refused is None and not dry and target.python is not None:
            _make_movable(target.python.parent)
        return refused

    @cache  # noqa: B019  # one is made for one environment
    def places(self) -> tuple[str, ...]:
        said = self._run("config", "list")[1]
        pairs = re.findall(r"\.(find-links|extra-index-url|index-url)='([^']*)'", said)
        found = [(option, place) for option, value in pairs for place in value.split()]
        if not any(option == "index-url" for option, _ in found):
            shown = self._run("help", "install")[1]  # it says there which is its own
            default = re.search(r"--index-url.*?\(default\s+(\S+?)\)", shown, re.S)
            found += [("index-url", default[1])] if default else []
        return _ordered(found)


def _named_folders() -> list[str]:
    said = os.environ.get("UV_FIND_LINKS", "").split(",")
    return list(filter(None, [*said, *os.environ.get("PIP_FIND_LINKS", "").split()]))


def _without_index() -> bool:
    return os.environ.get("PIP_NO_INDEX", "").lower() in ("1", "true", "yes", "on")


def _ordered(found: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Folders before indexes, and additional indexes before the usual one."""
    order: tuple[str, ...] = ("find-links", "extra-index-url", "index-url")
    order = order[:1] if _without_index() else order
    return tuple(place for wanted in order for option, place in found if option == wanted)


def _pip() -> tuple[list[str], tuple[int, ...]]:
    """How pip is started, and its version: beside us, or what Python itself carries."""
    if importlib.util.find_spec("pip") is not None:
        version = importlib.metadata.version("pip")
        return [sys.executable, "-m", "pip"], tuple(map(int, re.findall(r"\d+", version)[:2]))
    spec = importlib.util.find_spec("ensurepip")
    folder = Path(spec.origin).parent if spec and spec.origin else Path()
    for wheel in sorted(folder.glob("_bundled/pip-*.whl"), reverse=True):
        numbers = re.findall(r"\d+", wheel.name)[:2]
        return [sys.executable, f"{wheel}/pip"], tuple(map(int, numbers))
    raise FileNotFoundError("pip")


def _platforms(name: str) -> list[str]:
    """uv's name for a platform as the tags of wheels: the older ones fit as well."""
    machine, _, kind = name.partition("-")
    if kind.startswith("manylinux"):
        tags = [f"manylinux_2_{minor}_{machine}" for minor in range(28, 4, -1)]
        return [*tags, f"manylinux2014_{machine}", f"linux_{machine}"]
    return [f"musllinux_1_{minor}_{machine}" for minor in (2, 1)]


def _make_movable(binaries: Path) -> None:
    """Let scripts look for the interpreter beside them: the environment is moved in the end."""
    for script in binaries.iterdir():
        if script.is_symlink() or not script.is_file():
            continue
        content = script.read_bytes()
        first, _, rest = content.partition(b"\n")
        if first.startswith(b"#!") and str(binaries).encode() in first:
            start = b"#!/bin/sh\n'''exec' \"$(dirname -- \"$0\")\"/python \"$0\" \"$@\"\n' '''\n"
            script.write_bytes(start + rest)


def _install(run: _Run, arguments: Sequence[str], wanted: Wanted) -> Refused | None:
    with tempfile.TemporaryDirectory(prefix="swe-sleep-") as folder:
        files = []
        for option, lines in (("-r", wanted.requirements), ("-c", wanted.constraints)):
            if lines:
                path = Path(folder) / f"lines{option}.txt"
                path.write_text("\n".join(lines) + "\n", encoding="utf-8")
                files += [option, str(path)]
        # an option would replace the folders that the person's variable names
        given = (option for each in _named_folders() for option in ("--find-links", each))
        files += given if wanted.links else ()
        for links in wanted.links:
            files += ["--find-links", str(links)]
        try:
            code, said = run(*arguments, *files)
        except EnvironmentFailed as error:
            return Refused(str(error))
    return refusal(said) if code else None


def refusal(said: str) -> Refused:
    """What an installer's words mean."""
    flat = re.sub(r"[\s×╰─▶│├]+", " ", said)
    named = [name for pattern in _WITHOUT_WHEELS for name in re.findall(pattern, flat)]
    away = re.search(
        r"dns error|[Nn]ame resolution|error sending request|[Cc]onnection (?:refused|reset|timed)"
        r"|Network is unreachable|network was disabled|Max retries|timed out",
        flat,
    )
    return Refused(_reason(said), tuple(dict.fromkeys(named)), away is not None)


def _reason(said: str) -> str:
    """The line of an installer's output that says most."""
    lines = [line.strip(" ×╰─▶│├\t") for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if "Because" in line]
    telling += [line for line in lines if re.search("failed|error", line, re.IGNORECASE)]
    return " ".join((telling or lines or ["the installer failed"])[0].split())[:300]
