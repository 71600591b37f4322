"""The interpreter that runs us, as something another root file system can hold."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
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


def executable() -> str:
    """The path of the interpreter outside any virtual environment."""
    base: str = getattr(sys, "_base_executable", "") or sys.executable
    return base


@cache
def libraries(program: str) -> tuple[str, ...]:
    """The shared libraries a program is linked with, as absolute paths."""
    if shutil.which("ldd") is None:
        return ()
    done = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
    return tuple(re.findall(r"(?:=>\s*|^\s*)(/\S+)", done.stdout, re.MULTILINE))


@cache
def folders() -> tuple[str, ...]:
    """What must be readable for the interpreter to run, beyond the system's own folders."""
    wanted = [Path(sys.base_prefix), Path(sys.base_exec_prefix)]
    wanted += [Path(library).parent for library in libraries(executable())]
    link = Path(executable())
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
