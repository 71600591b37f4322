"""An interpreter of this machine, as something another root file system can hold."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SYSTEM_FOLDERS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
"""Where a Linux system keeps its programs; without secrets."""

SYSTEM_FILES = (
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/ssl/certs",
    "/etc/ca-certificates",
    "/etc/pki/tls/certs",
)
"""What programs look for in /etc; without secrets."""

PATIENCE_S = 20.0
_ASK = """
import json, sys, sysconfig
print(json.dumps([
    getattr(sys, "_base_executable", "") or sys.executable,
    "%d.%d.%d" % sys.version_info[:3],
    sys.implementation.name,
    sys.version_info[3] == "final" and not (sysconfig.get_config_var("Py_GIL_DISABLED") or 0),
    sys.base_prefix, sys.base_exec_prefix, sysconfig.get_path("stdlib"), sys.version,
]))
"""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """An interpreter outside any virtual environment."""

    path: str
    version: str
    """Such as "3.12.1"."""
    usual: bool
    """CPython, released, with the lock that extensions count on."""
    prefixes: tuple[str, ...]
    stdlib: str
    build: str
    """All that it says of how it was built."""

    @property
    def minor(self) -> str:
        return ".".join(self.version.split(".")[:2])

    @property
    def is_own(self) -> bool:
        return self.path == executable()

    @property
    def runs_our_packages(self) -> bool:
        """Whether packages that are installed beside us work for it too."""
        return self.minor == own().minor and self.usual


def executable() -> str:
    """The path of the interpreter that runs us, outside any virtual environment."""
    base: str = getattr(sys, "_base_executable", "") or sys.executable
    return base


def own() -> Interpreter:
    found = examine(executable())
    assert found is not None
    return found


@cache
def examine(path: str) -> Interpreter | None:
    """What an interpreter says of itself; None where it does not run. A version manager's shim and
    an interpreter in a virtual environment lead to the one behind them."""
    try:
        done = subprocess.run(
            [path, "-I", "-S", "-c", _ASK],
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        base, version, name, plain, prefix, exec_prefix, stdlib, build = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    prefixes = tuple(dict.fromkeys((prefix, exec_prefix)))
    return Interpreter(base, version, name == "cpython" and plain, prefixes, stdlib, build)


@cache
def libraries(program: str) -> tuple[str, ...]:
    """The shared libraries a program is linked with, as absolute paths."""
    if shutil.which("ldd") is None:
        return ()
    done = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
    return tuple(re.findall(r"(?:=>\s*|^\s*)(/\S+)", done.stdout, re.MULTILINE))


@cache
def folders(path: str = "") -> tuple[str, ...]:
    """What must be readable for an interpreter (empty: ours) to run, beyond the system's own
    folders."""
    which = examine(path) if path and path != executable() else None
    program = which.path if which else executable()
    prefixes = which.prefixes if which else (sys.base_prefix, sys.base_exec_prefix)
    wanted = [Path(prefix) for prefix in prefixes]
    wanted += [Path(library).parent for library in libraries(program)]
    link = Path(program)
    while True:  # a chain of symlinks, such as a version manager's
        wanted.append(link.parent)
        if not link.is_symlink():
            break
        link = link.parent / link.readlink()
    found: list[str] = []
    for folder in sorted({str(path.resolve()) for path in wanted} | {str(wanted[0])}):
        if not any(_inside(folder, above) for above in (*SYSTEM_FOLDERS, *found)):
            found.append(folder)
    return tuple(found)


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + "/")
