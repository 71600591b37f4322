"""Lines of JSON at the end of a file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from swe_sleep.evaluate import lines

FULL = """
import resource, sys
from pathlib import Path
from swe_sleep.evaluate import lines
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    lines.append(Path(sys.argv[1]), {"text": "x" * 200})
except OSError as error:
    print(error.strerror)
"""


def test_lines_are_added(tmp_path: Path) -> None:
    for number in range(2):
        lines.append(tmp_path / "file", {"number": number})
    assert (tmp_path / "file").read_text() == '{"number":0}\n{"number":1}\n'


def test_what_a_killed_run_left_unfinished_spoils_no_line_but_its_own(tmp_path: Path) -> None:
    (tmp_path / "file").write_text('{"number":0}\n{"num')
    lines.append(tmp_path / "file", {"number": 2})
    assert (tmp_path / "file").read_text() == '{"number":0}\n{"num\n{"number":2}\n'


def test_a_line_that_went_in_by_half_is_an_error(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "file")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (tmp_path / "file").stat().st_size == 100
    assert done.stdout == "No space left on device\n"
