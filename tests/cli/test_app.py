"""The program as a whole: help, version, exit codes, and what nobody should ever see."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swe_sleep import __version__
from swe_sleep.cli import app, output

COMMANDS = {
    "demo": "swe-sleep demo",
    "init": ".git/swe-sleep",
    "watch": "swe-sleep watch",
    "sleep": "git folder",
    "status": "Reads only",
    "stop": "What was finished is kept",
    "notes": "Every note says whether it is fresh",
    "notes show": "swe-sleep notes show src",
    "notes search": "swe-sleep notes search",
    "notes bugs": "swe-sleep notes bugs",
    "notes export": "swe-sleep notes export",
    "locate": "swe-sleep locate --file issue.md",
    "solve": "Your files stay as they are unless",
    "tasks": "Tasks with known answers",
    "tasks list": "swe-sleep tasks list --tasks lite.jsonl",
    "tasks show": "swe-sleep tasks show quern-backslash",
    "tasks check": "swe-sleep tasks check --jobs 4",
    "tasks mine": "swe-sleep tasks mine . --out tasks.jsonl",
    "tasks features": "swe-sleep tasks features",
    "tasks export": "swe-sleep tasks export --out bundled.jsonl",
    "eval": "tasks whose answers are known",
    "eval locate": "swe-sleep eval locate --instances issues.jsonl",
    "eval grade": "swe-sleep eval grade --gold",
    "hook": "queue a pass",
    "hook install": "they add a line to a queue",
    "hook uninstall": "Every file is as it was before",
    "hook status": "what waits in the queue",
    "doctor": "Changes nothing",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches(cli: Any, tmp_path: Path, command: str) -> None:
    for flag in ("--help", "-h"):
        ran = cli(tmp_path, *command.split(), flag)
        assert (ran.code, ran.err) == (0, "")
        assert COMMANDS[command] in " ".join(ran.out.split())
        assert ran.out.startswith(f"Usage: swe-sleep {command} ")
    assert not [line for line in ran.out.splitlines() if len(line) > 80]


def test_every_command_is_in_the_list_above() -> None:
    assert {name.split()[0] for name in COMMANDS} == set(app.COMMANDS)


def test_the_commands_are_listed_each_on_one_whole_line(cli: Any, tmp_path: Path) -> None:
    ran = cli(tmp_path, "--help")
    listed = re.findall(r"^  (\w+)  +(.+)$", ran.out.partition("Commands:")[2], re.M)
    assert [name for name, _ in listed] == list(app.COMMANDS)
    assert all(text.endswith(".") and not text.endswith("...") for _, text in listed), listed


def test_without_a_command_the_help_is_shown(cli: Any, tmp_path: Path) -> None:
    for words in ((), ("notes",), ("hook",)):
        ran = cli(tmp_path, *words)
        assert (ran.code, ran.out) == (2, "")
        assert "Commands:" in ran.err


def test_version(cli: Any, process: Any, tmp_path: Path) -> None:
    assert cli(tmp_path, "--version").out == f"swe-sleep {__version__}\n"
    ran = process(["--version"], tmp_path)
    assert (ran.code, ran.out, ran.err) == (0, f"swe-sleep {__version__}\n", "")


def test_the_entry_point(tmp_path: Path) -> None:
    script = Path(sys.executable).with_name("swe-sleep")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"swe-sleep {__version__}\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nots"], "No such command 'nots'. Did you mean 'notes'? See `swe-sleep --help`."),
        (["notes", "shwo", "x"], "Did you mean 'show'? See `swe-sleep notes --help`."),
        (["sleep", "--jsno"], "--json"),
        (["sleep", "--budget-s", "soon"], "'--budget-s'"),
        (["sleep", "--budget-s", "0"], "See `swe-sleep sleep --help`."),
        (["notes", "show"], "Missing argument"),
        (["solve", "--backend", "vm", "x"], "'auto', 'docker', 'local'"),
        (["solve", "--solver", "luck", "x"], "'search'"),
        (["solve", "--file"], "--file"),
        (["status", "here"], "here"),
        (["-C", "/nowhere/at/all", "status"], "cannot go to /nowhere/at/all: No such file"),
    ],
)
def test_bad_usage_is_one_line(
    cli: Any, tmp_path: Path, refused: Callable[..., None], words: list[str], says: str
) -> None:
    refused(cli(tmp_path, *words), says)


def test_another_directory(cli: Any, slept: Path, tmp_path: Path) -> None:
    there = os.path.relpath(slept, tmp_path)
    assert cli(tmp_path, "-C", there, "notes", "show", "shop/basket.py").code == 0
    assert cli(tmp_path, "--directory", f"{there}/shop", "notes", "show", "basket.py").code == 0


def test_completion_for_the_shell_that_asks(
    tmp_path: Path, clean_environment: Callable[..., dict[str, str]]
) -> None:
    line = f"{sys.executable} -m swe_sleep --show-completion; exit $?"
    done = subprocess.run(
        ["bash", "-c", line], env=clean_environment(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "_SWE_SLEEP_COMPLETE=complete_bash" in done.stdout


def test_completion_offers_commands_and_values(
    process: Any, tmp_path: Path, clean_environment: Callable[..., dict[str, str]]
) -> None:
    def complete(line: str) -> list[str]:
        words = line.split(" ")
        env = clean_environment(
            _SWE_SLEEP_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=str(len(words) - 1)
        )
        done = process([], tmp_path, env)
        assert (done.code, done.err) == (0, "")
        return list(done.out.split())

    assert complete("swe-sleep s") == ["sleep", "stop", "status", "solve"]
    assert complete("swe-sleep notes e") == ["export"]
    assert "--backend" in complete("swe-sleep solve --b")
    assert complete("swe-sleep solve --backend d") == ["docker"]


# -- imports -------------------------------------------------------------------------------------

HEAVY = {
    "anthropic",
    "click",
    "coverage",
    "docker",
    "filelock",
    "git",
    "jinja2",
    "msgspec",
    "numpy",
    "pydantic",
    "pydantic_settings",
    "pytest",
    "rich",
    "rustworkx",
    "sqlite3",
    "tree_sitter",
    "watchdog",
}


def imported(*arguments: str) -> set[str]:
    """What a command line imports. (`-X importtime` leaves out what `importlib` imports.)"""
    program = (
        "import atexit, runpy, sys\n"
        "before = set(sys.modules)\n"
        "atexit.register(lambda: print(*set(sys.modules) - before, file=sys.stderr))\n"
        "runpy.run_module('swe_sleep', run_name='__main__', alter_sys=True)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


def test_version_imports_nothing_that_it_does_not_need() -> None:
    modules = imported("--version")
    assert "swe_sleep.cli.app" in modules
    assert not {name.partition(".")[0] for name in modules} & HEAVY
    ours = {name for name in modules if name.startswith("swe_sleep")}
    assert ours == {
        "swe_sleep",
        "swe_sleep.cli",
        "swe_sleep.cli.app",
        "swe_sleep.cli.groups",
        "swe_sleep.cli.output",
        "swe_sleep.errors",
    }


def test_help_imports_the_commands_but_nothing_heavy() -> None:
    modules = imported("--help")
    assert "swe_sleep.cli.solve" in modules
    assert not {name.partition(".")[0] for name in modules} & (HEAVY - {"msgspec"})


@pytest.mark.parametrize(
    ("words", "late"),
    [
        ("status", True),
        ("notes bugs", True),
        ("notes show shop/basket.py", True),
        ("locate basket", False),
    ],
)
def test_only_what_needs_arrays_imports_them(shop: Path, words: str, late: bool) -> None:
    modules = imported("-C", str(shop), *words.split())
    assert "swe_sleep.cli.known" in modules
    assert ("numpy" in modules) != late


# -- when something is wrong ---------------------------------------------------------------------


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[BaseException], None]:
    """`broken(error)`: from now on `status` raises it. Logs go to `tmp_path/logs`."""
    (tmp_path / "logs").mkdir()
    really = tempfile.mkstemp
    monkeypatch.setattr(tempfile, "mkstemp", lambda **a: really(dir=tmp_path / "logs", **a))

    def set_off(error: BaseException) -> None:
        def fail(**arguments: object) -> None:
            raise error

        monkeypatch.setattr("swe_sleep.cli.known.reading", fail)

    return set_off


def test_a_bug_of_ours_is_one_line_and_a_log(
    cli: Any, tmp_path: Path, broken: Any, refused: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_SECRET", "squeamish ossifrage")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "hushhush-1234")
    broken(ZeroDivisionError("with\nlines and \x1b[31mcolour and hushhush-1234"))
    ran = cli(tmp_path, "status", "--json")
    refused(ran, "a bug of ours: ZeroDivisionError: with lines and \\x1b[31mcolour", code=3)
    (log,) = (tmp_path / "logs").iterdir()
    assert str(log) in ran.err
    text = log.read_text()
    assert "ZeroDivisionError" in text
    assert "Traceback" in text
    assert "arguments: ['status', '--json']" in text
    assert __version__ in text
    for secret in ("squeamish", "hushhush-1234", os.environ["PATH"]):
        assert secret not in text
        assert secret not in ran.err
    assert log.stat().st_mode & 0o077 == 0


def test_a_bug_where_no_log_can_be_written(
    cli: Any, tmp_path: Path, broken: Any, refused: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(ValueError("oh"))
    (tmp_path / "logs").rmdir()
    refused(cli(tmp_path, "status"), "ValueError: oh. No log could be written", code=3)


def test_an_interrupt_is_one_line(cli: Any, tmp_path: Path, broken: Any, refused: Any) -> None:
    broken(KeyboardInterrupt())
    refused(cli(tmp_path, "status"), "interrupted; what was finished is kept.", code=130)


def test_the_reader_of_the_output_has_gone(
    slept: Path, clean_environment: Callable[..., dict[str, str]]
) -> None:
    for words in ("notes export", "notes export --stale", "status --json", "status", "--help"):
        reader, writer = os.pipe()
        os.close(reader)
        try:
            done = subprocess.run(
                [sys.executable, "-m", "swe_sleep", *words.split()],
                cwd=slept,
                env=clean_environment(),
                stdout=writer,
                stderr=subprocess.PIPE,
                check=False,
            )
        finally:
            os.close(writer)
        assert (done.returncode, done.stderr) == (141, b""), words


def test_the_first_line_alone(slept: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m swe_sleep notes export | head -n 1",
        shell=True,
        cwd=slept,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("# ")
    assert done.stderr == ""


# -- terminals -----------------------------------------------------------------------------------


def test_nothing_from_a_repository_acts_on_the_terminal(
    cli: Any, make_repository: Callable[..., Path]
) -> None:
    root = make_repository(
        {
            "evil.py": 'def f(x="\x1b]0;owned\x07\u202e", y="[bold]"):\n    pass\n',
            b"caf\xe9.py".decode("utf-8", "surrogateescape"): "x = 1\n",
        }
    )
    ran = cli(root, "notes", "show", "evil.py")
    assert ran.code == 0
    assert "\x1b" not in ran.out
    assert "\u202e" not in ran.out
    assert "\\x1b]0;owned\\x07\\u202e" in ran.out
    ran = cli(root, "notes", "show", '"caf\\351.py"')
    assert ran.out.startswith('"caf\\351.py" — outline')
    assert cli(root, "notes", "show", "caf\udce9.py").out == ran.out


def test_visible_text() -> None:
    plain = "Grüße, 日本語\u3000\u00a0é — naïve\tand\nlines 👩\u200d🚀"
    assert output.visible(plain) == plain
    assert output.visible("\x00\r\x9b\u2028\ue000\udce9") == ("\\x00\\r\\x9b\\u2028\\ue000\\udce9")
    assert output.one_line(" a\n  b\t\r\n") == "a b"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_output_that_the_terminal_cannot_show(
    slept: Path, clean_environment: Callable[..., dict[str, str]], encoding: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "swe_sleep", "notes", "show", "shop/basket.py"],
        cwd=slept,
        env=clean_environment(PYTHONIOENCODING=encoding),
        capture_output=True,
        check=True,
    )
    assert b"shop/basket.py" in done.stdout
    assert done.stderr == b""


def on_a_terminal(words: list[str], cwd: Path, env: dict[str, str], columns: int = 80) -> str:
    """What a command writes to a real terminal of this width."""
    import fcntl
    import pty
    import struct
    import termios

    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "swe_sleep", *words],
        cwd=cwd,
        env=env,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    said = b""
    while True:
        try:
            part = os.read(controller, 65536)
        except OSError:  # how Linux says that the other end was closed
            break
        if not part:
            break
        said += part
    os.close(controller)
    assert process.wait(60) == 0
    return said.decode()


def test_colours_only_where_they_are_wanted(
    slept: Path, clean_environment: Callable[..., dict[str, str]]
) -> None:
    status = ["status"]
    assert "\x1b[2m" in on_a_terminal(status, slept, clean_environment(TERM="xterm-256color"))
    assert "\x1b" not in on_a_terminal(status, slept, clean_environment(TERM="dumb"))
    env = clean_environment(TERM="xterm-256color", NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", on_a_terminal(["doctor"], slept, env))


def test_a_spinner_on_a_terminal_and_none_on_a_dumb_one(
    slept: Path, clean_environment: Callable[..., dict[str, str]]
) -> None:
    (slept / "shop/new.py").write_text("def one():\n    return 1\n")
    words = ["sleep", "--budget-s", "20"]
    live = on_a_terminal(words, slept, clean_environment(TERM="xterm"), columns=24)
    assert "\x1b[?25l" in live  # the cursor hides while something turns
    assert live.rstrip().endswith((".", "\x1b[0m", "\x1b[?25h", "m"))
    assert live.count("\x1b[?25h") == live.count("\x1b[?25l")
    # What turns stays on one line of a narrow terminal.
    for line in re.findall(r"\x1b\[2K(?:\x1b\[\S*?m)?([⠀-⣿] [^\r\n\x1b]*)", live):
        assert len(line) <= 24
    (slept / "shop/new.py").write_text("def two():\n    return 2\n")
    plain = on_a_terminal(words, slept, clean_environment(TERM="dumb"), columns=24)
    assert "\x1b" not in plain
    assert "… outline" in plain


# -- hooks: that the commands are wired in; tests/integrations has what they do -------------------


def test_hooks(cli: Any, shop: Path) -> None:
    assert cli(shop, "hook", "install").code == 0
    assert "installed" in cli(shop / "tests", "hook", "status").out
    ran = cli(shop.parent, "-C", str(shop), "hook", "uninstall", "--json")
    assert json.loads(ran.out)["script"] == "absent"
