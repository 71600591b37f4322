"""A small program that holds itself with Landlock and then becomes another one.

Like the programs in `inside/` it is handed to an interpreter as text. Its first argument is JSON:
`read` (folders that may be read and executed), `write` (folders that may also be changed); the rest
is the command. Linux keeps the restriction for every child, and nothing can take it off again.
See https://docs.kernel.org/userspace-api/landlock.html for the numbers.
"""

from __future__ import annotations

import ctypes
import json
import os
import stat
import struct
import sys

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
PATH_BENEATH = 1
PR_SET_NO_NEW_PRIVS = 38
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
TRUNCATE, IOCTL_DEV = 1 << 14, 1 << 15
FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV


def call(number: int, *arguments: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    result: int = libc.syscall(number, *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def version() -> int:
    """The kernel's Landlock version, 0 where there is none."""
    if not sys.platform.startswith("linux"):
        return 0
    try:
        return call(CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    except (OSError, AttributeError):
        return 0


def rights(abi: int) -> int:
    """Every right on files that this version can take away."""
    handled = (1 << 13) - 1
    for since, right in ((2, 1 << 13), (3, TRUNCATE), (5, IOCTL_DEV)):
        if abi >= since:
            handled |= right
    return handled


def hold(read: list[str], write: list[str]) -> None:
    """Give up every access to files but these, TCP (since version 4), and signals to and abstract
    sockets of processes outside (since version 6)."""
    abi = version()
    files = rights(abi)
    attributes = struct.pack("=QQQ", files, 3 if abi >= 4 else 0, 3 if abi >= 6 else 0)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    ruleset = call(CREATE_RULESET, attributes, ctypes.c_size_t(size), 0)
    reading = EXECUTE | READ_FILE | READ_DIR
    for paths, access in ((read, reading), (write, files)):
        for path in paths:
            try:
                fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                continue
            allowed = (
                access & files
                if stat.S_ISDIR(os.fstat(fd).st_mode)
                else access & files & FILE_RIGHTS
            )
            rule = struct.pack("=Qi", allowed, fd)
            call(ADD_RULE, ruleset, PATH_BENEATH, rule, 0)
            os.close(fd)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    call(RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def main() -> None:
    options: dict[str, list[str]] = json.loads(sys.argv[1])
    hold(options["read"], options["write"])
    os.execv(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
