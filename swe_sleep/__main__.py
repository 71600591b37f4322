"""`python -m swe_sleep` and the `swe-sleep` entry point."""

from __future__ import annotations

import io
import sys


def main() -> None:
    from swe_sleep.cli.app import run

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal need not have every character
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
