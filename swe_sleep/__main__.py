"""`python -m swe_sleep` and the `swe-sleep` entry point."""

from __future__ import annotations

import sys


def main() -> None:
    from swe_sleep.cli.app import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
