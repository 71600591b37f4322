"""What every sandbox promises, whichever backend made it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from swe_sleep.errors import EngineLost, SandboxError
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox import owners
from swe_sleep.sandbox.protocol import Backend, Completed, Environment, Sandbox

Content = bytes | tuple[int, bytes]
PATIENT_S = 60.0
SHORT_S = 2.0
"""For a command that says something first, on a busy machine too."""


def python(sandbox: Sandbox, code: str) -> Completed:
    argv = [sandbox.environment.python, "-c", textwrap.dedent(code)]
    return sandbox.run(argv, timeout_s=PATIENT_S)


# commands ------------------------------------------------------------------------------------


def test_runs_the_tests(sandbox: Sandbox) -> None:
    done = sandbox.run([sandbox.environment.python, "-m", "pytest", "-q"], timeout_s=PATIENT_S)
    assert done.exit_code == 0, done
    assert "1 passed" in done.stdout
    version = sandbox.run(["coverage", "--version"], timeout_s=PATIENT_S)
    assert version.exit_code == 0, version


def test_gives_back_exit_code_and_both_outputs(sandbox: Sandbox) -> None:
    done = sandbox.run(
        ["sh", "-c", "cat; echo err >&2; exit 7"], timeout_s=PATIENT_S, stdin=b"in\n"
    )
    assert (done.exit_code, done.stdout, done.stderr, done.cut) == (7, "in\n", "err\n", "")


def test_a_signal_is_an_exit_code(sandbox: Sandbox) -> None:
    assert sandbox.run(["sh", "-c", "kill -9 $$"], timeout_s=PATIENT_S).exit_code == 137


def test_a_missing_program_is_127(sandbox: Sandbox) -> None:
    done = sandbox.run(["no-such-program"], timeout_s=PATIENT_S)
    assert done.exit_code == 127
    assert "no-such-program" in done.stderr


def test_folder_and_variables_can_be_given(sandbox: Sandbox) -> None:
    done = sandbox.run(
        ["sh", "-c", "pwd; echo $ONE"], timeout_s=PATIENT_S, env={"ONE": "1"}, cwd="shop"
    )
    assert done.stdout == f"{sandbox.workdir}/shop\n1\n"


def test_a_large_stdin_that_nobody_reads(sandbox: Sandbox) -> None:
    assert sandbox.run(["true"], timeout_s=PATIENT_S, stdin=b"x" * 5_000_000).exit_code == 0


def test_a_command_takes_milliseconds(sandbox: Sandbox) -> None:
    times = (sandbox.run(["true"], timeout_s=PATIENT_S).duration_s for _ in range(100))
    assert any(took_s < 0.25 for took_s in times), "whatever else the machine does"


def test_the_executable_bit_is_kept(sandbox: Sandbox) -> None:
    assert sandbox.run(["./run.sh"], timeout_s=PATIENT_S).stdout == "ran\n"
    sandbox.put({"run.sh": b"#!/bin/sh\necho again\n"})
    assert sandbox.run(["./run.sh"], timeout_s=PATIENT_S).stdout == "again\n"


# limits --------------------------------------------------------------------------------------


def test_the_time_limit_ends_a_hanging_command(sandbox: Sandbox) -> None:
    began = time.monotonic()
    done = sandbox.run(["sh", "-c", "echo before; sleep 600"], timeout_s=SHORT_S)
    assert (done.cut, done.stdout, done.exit_code) == ("timeout", "before\n", 124)
    assert time.monotonic() - began < PATIENT_S


def test_the_time_limit_ends_what_ignores_signals(sandbox: Sandbox) -> None:
    done = sandbox.run(["sh", "-c", "trap '' TERM INT HUP; sleep 600; sleep 600"], timeout_s=0.5)
    assert done.cut == "timeout"


def test_stop_cancels(sandbox: Sandbox) -> None:
    asked = time.monotonic() + 0.2
    done = sandbox.run(["sleep", "600"], timeout_s=600, stop=lambda: time.monotonic() > asked)
    assert (done.cut, done.exit_code) == ("cancelled", 130)


def test_a_background_child_does_not_hold_the_command_up(sandbox: Sandbox) -> None:
    done = sandbox.run(["sh", "-c", "sleep 600 & echo started"], timeout_s=PATIENT_S)
    assert (done.exit_code, done.stdout, done.cut) == (0, "started\n", "")
    assert done.duration_s < 30


def test_a_daemon_ends_with_its_command(sandbox: Sandbox) -> None:
    daemon = """
        import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                open("beat", "w").write("0")
                while True:
                    time.sleep(0.02)
                    open("beat", "a").write(".")
            os._exit(0)
        while not os.path.exists("beat"):
            time.sleep(0.01)
        """
    python(sandbox, daemon)
    first = sandbox.get("beat")
    sandbox.run(["sleep", "0.3"], timeout_s=PATIENT_S)
    assert sandbox.get("beat") == first


def test_a_flood_of_output_is_cut_in_the_middle(sandbox: Sandbox) -> None:
    flood = "import os\nos.write(1, b'first')\nfor _ in range(1000): os.write(1, b'x' * (1 << 20))"
    done = sandbox.run(
        [sandbox.environment.python, "-c", f"{flood}\nos.write(1, b'last')"], timeout_s=120
    )
    assert done.exit_code == 0
    assert done.truncated
    assert done.stdout.startswith("first")
    assert done.stdout.endswith("last")
    assert "bytes left out" in done.stdout
    assert len(done.stdout) < 110_000


def test_a_memory_hog_is_ended(sandbox: Sandbox) -> None:
    hog = "held = []\nfor n in range(400): held.append(b'x' * 10_000_000)\nprint('all')"
    done = sandbox.run([sandbox.environment.python, "-c", hog], timeout_s=PATIENT_S)
    assert "all" not in done.stdout
    assert done.exit_code != 0
    assert done.cut == "memory" or "MemoryError" in done.stderr
    assert sandbox.run(["echo", "alive"], timeout_s=PATIENT_S).stdout == "alive\n"


def test_processes_are_limited(sandbox: Sandbox, backend: Backend) -> None:
    if not backend.guarantees().limits_held:
        assert (
            "NO protection" in backend.guarantees().text or "Landlock" in backend.guarantees().text
        )
        return
    many = """
        import os, time
        made = 0
        for _ in range(400):
            try:
                if os.fork() == 0:
                    time.sleep(600)
            except OSError:
                break
            made += 1
        print(made)
        """
    done = python(sandbox, many)
    assert 0 < int(done.stdout) <= 80, done


def test_a_fork_bomb_leaves_a_working_sandbox(sandbox: Sandbox, backend: Backend) -> None:
    if not backend.guarantees().limits_held:
        assert not backend.guarantees().network_off
        return
    done = sandbox.run(["bash", "-c", "bomb() { bomb | bomb & }; bomb; sleep 600"], timeout_s=1.0)
    assert done.cut == "timeout"
    assert sandbox.run(["echo", "alive"], timeout_s=PATIENT_S).stdout == "alive\n"


def test_a_full_disk_is_an_error_inside(sandbox: Sandbox) -> None:
    done = sandbox.run(["dd", "if=/dev/zero", "of=big", "bs=1M", "count=400"], timeout_s=PATIENT_S)
    assert done.exit_code != 0
    assert sandbox.run(["rm", "-f", "big"], timeout_s=PATIENT_S).exit_code == 0
    sandbox.put({"small": b"fits"})
    assert sandbox.get("small") == b"fits"


def test_killing_everything_inside_does_not_end_the_sandbox(
    sandbox: Sandbox, backend: Backend
) -> None:
    if not backend.guarantees().network_off:  # no namespace: a signal to all would be for everyone
        return
    code = "import os, signal; os.kill(-1, signal.SIGKILL)"
    sandbox.run([sandbox.environment.python, "-c", code], timeout_s=PATIENT_S)
    assert sandbox.run(["echo", "alive"], timeout_s=PATIENT_S).stdout == "alive\n"


# the shell -----------------------------------------------------------------------------------


def test_the_shell_keeps_folder_and_variables(sandbox: Sandbox) -> None:
    shell = sandbox.shell()
    assert shell.run("cd shop; X=5", timeout_s=PATIENT_S).exit_code == 0
    done = shell.run('pwd; echo $X; echo "oops" >&2; false', timeout_s=PATIENT_S)
    assert (done.stdout, done.exit_code) == (f"{sandbox.workdir}/shop\n5\noops\n", 1)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("echo 'it''s'", "its\n"),
        ("cat <<END\nline\nEND", "line\n"),
        ("for i in 1 2; do\necho $i\ndone", "1\n2\n"),
        ("echo é", "é\n"),
        ("cat", ""),
    ],
)
def test_the_shell_takes_any_text(sandbox: Sandbox, command: str, expected: str) -> None:
    assert sandbox.shell().run(command, timeout_s=PATIENT_S).stdout == expected


def test_an_unfinished_quote_is_an_error_and_no_hang(sandbox: Sandbox) -> None:
    assert sandbox.shell().run("echo 'open", timeout_s=PATIENT_S).exit_code != 0
    assert sandbox.shell().run("echo next", timeout_s=PATIENT_S).stdout == "next\n"


def test_a_shell_command_that_hangs_is_ended_and_the_shell_replaced(sandbox: Sandbox) -> None:
    shell = sandbox.shell()
    shell.run("cd shop", timeout_s=PATIENT_S)
    done = shell.run("echo start; sleep 600", timeout_s=SHORT_S)
    assert (done.cut, done.stdout) == ("timeout", "start\n")
    assert shell.run("pwd", timeout_s=PATIENT_S).stdout == f"{sandbox.workdir}\n"


@pytest.mark.parametrize(
    ("command", "code"), [("exit 3", 3), ("kill -9 $$", 137), ("exec true", 0), ("exec sh", 0)]
)
def test_a_shell_that_ends_is_replaced(sandbox: Sandbox, command: str, code: int) -> None:
    shell = sandbox.shell()
    done = shell.run(command, timeout_s=PATIENT_S)
    assert (done.exit_code, done.shell_ended) == (code, True)
    done = shell.run("echo again", timeout_s=PATIENT_S)
    assert (done.stdout, done.shell_ended, done.shell_new) == ("again\n", False, False)


def test_a_shell_that_ended_in_between_is_told_of(sandbox: Sandbox) -> None:
    shell = sandbox.shell()
    assert not shell.run("(sleep 0.1; kill -9 $$) & echo $$ >job", timeout_s=PATIENT_S).shell_new
    gone = "while kill -0 $(cat job) 2>/dev/null; do sleep 0.02; done"
    sandbox.run(["sh", "-c", gone], timeout_s=PATIENT_S)
    assert shell.run("pwd", timeout_s=PATIENT_S).shell_new
    assert not shell.run("pwd", timeout_s=PATIENT_S).shell_new


def test_a_command_that_came_as_the_shell_ended_runs_in_a_new_one(sandbox: Sandbox) -> None:
    shell = sandbox.shell()
    shell.run("echo $$ $PPID >job", timeout_s=PATIENT_S)
    # The shell's keeper learns of its end only once the next command is there.
    stopped = "read shell keeper <job; kill -STOP $keeper; kill -9 $shell"
    sandbox.run(["sh", "-c", stopped], timeout_s=PATIENT_S)
    goes_on = "read shell keeper <job; sleep 0.5; kill -CONT $keeper"
    with ThreadPoolExecutor(1) as pool:
        pool.submit(sandbox.run, ["sh", "-c", goes_on], timeout_s=PATIENT_S)
        done = shell.run("echo again", timeout_s=PATIENT_S)
    assert (done.stdout, done.shell_new, done.shell_ended) == ("again\n", True, False)


def test_stop_cancels_a_shell_command(sandbox: Sandbox) -> None:
    shell = sandbox.shell()

    def on() -> bool:
        return "on" in sandbox.changes()

    done = shell.run("echo on; touch on; sleep 600", timeout_s=600, stop=on)
    assert (done.cut, done.stdout, done.shell_ended) == ("cancelled", "on\n", True)
    assert shell.run("echo again", timeout_s=PATIENT_S).stdout == "again\n"


def test_the_shells_background_lives_while_commands_run(sandbox: Sandbox) -> None:
    shell = sandbox.shell()
    shell.run("sleep 600 & echo $! >job", timeout_s=PATIENT_S)
    sandbox.run(["true"], timeout_s=PATIENT_S)
    assert shell.run("kill -0 $(cat job)", timeout_s=PATIENT_S).exit_code == 0


# files ---------------------------------------------------------------------------------------


def test_put_get_and_delete(sandbox: Sandbox) -> None:
    sandbox.put({"new/deep/a.txt": b"a\0b", "shop/cart.py": None, f"{sandbox.scratch}/n": b"1"})
    assert sandbox.get("new/deep/a.txt") == b"a\0b"
    assert sandbox.get(f"{sandbox.scratch}/n") == b"1"
    with pytest.raises(FileNotFoundError):
        sandbox.get("shop/cart.py")
    with pytest.raises(SandboxError, match="limit"):
        sandbox.get("new/deep/a.txt", limit_bytes=2)


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../x", "a/../../x", "", ".", "a//b", "/workspace"]
)
def test_put_stays_in_the_sandbox(sandbox: Sandbox, path: str) -> None:
    with pytest.raises(SandboxError):
        sandbox.put({path: b"x"})


WEIRD = [
    '"caf\\351.py"',
    '"two\\nlines"',
    "-rf",
    "with space",
    "ünï.py",
    "a'b",
    "$HOME",
    '"tab\\t"',
]


def test_weird_names(opened: Callable[..., Sandbox]) -> None:
    sandbox = opened(dict.fromkeys(WEIRD, b"1"))
    assert all(sandbox.get(name) == b"1" for name in WEIRD)
    sandbox.put(dict.fromkeys(WEIRD, b"2"))
    assert sandbox.changes() == dict.fromkeys(WEIRD, b"2")
    sandbox.put(dict.fromkeys(WEIRD))
    assert sandbox.changes() == dict.fromkeys(WEIRD)
    sandbox.reset()
    assert sandbox.changes() == {}
    assert sandbox.get(WEIRD[0]) == b"1"


def test_symlinks_are_never_followed_out(opened: Callable[..., Sandbox], outside: Path) -> None:
    folder, file = os.fsencode(outside.parent), os.fsencode(outside)
    sandbox = opened(
        {"dir": (0o120000, folder), "file": (0o120000, file), "in": (0o120000, b"x"), "x": b"X"}
    )
    for path in ("dir/diary.txt", "file"):
        with pytest.raises((SandboxError, FileNotFoundError)):
            sandbox.get(path)
    with pytest.raises(SandboxError):
        sandbox.put({"dir/diary.txt": b"owned"})
    with pytest.raises(SandboxError):
        sandbox.put({"dir/new.txt": None})
    sandbox.put({"file": b"a file now"})
    assert outside.read_text() == "private"
    assert list(outside.parent.iterdir()) == [outside]
    assert sandbox.get("in") == b"X"
    sandbox.run(["ln", "-sf", str(outside), "x"], timeout_s=PATIENT_S)
    assert sandbox.changes() == {"file": None, "x": None}
    sandbox.reset()
    assert sandbox.changes() == {}
    assert outside.read_text() == "private"


def test_changes_are_what_a_patch_would_hold(sandbox: Sandbox) -> None:
    assert sandbox.changes() == {}
    script = """
        echo '# more' >> shop/cart.py; rm run.sh; mkdir -p build docs __pycache__ .git
        touch shop/__init__.py; echo new > docs/new.md; echo x > trace.log; echo o > build/out
        echo p > __pycache__/m.pyc; echo g > .git/config; mkfifo pipe; ln -s /etc link
        """
    assert sandbox.shell().run(script, timeout_s=PATIENT_S).exit_code == 0
    assert sandbox.changes() == {
        "docs/new.md": b"new\n",
        "run.sh": None,
        "shop/cart.py": b"def total(prices):\n    return sum(prices)\n# more\n",
    }


def test_a_pipe_does_not_hold_get_up(sandbox: Sandbox) -> None:
    sandbox.run(["mkfifo", "pipe"], timeout_s=PATIENT_S)
    with pytest.raises(SandboxError):
        sandbox.get("pipe")


def test_reset_makes_the_copy_the_snapshot_again(sandbox: Sandbox) -> None:
    script = """
        rm -r shop; echo x > shop; mkdir -p deep/er; touch deep/er/f; chmod 000 deep/er
        mkdir run2; rm run.sh; mkdir run.sh; ln -s / root
        """
    sandbox.shell().run(script, timeout_s=PATIENT_S)
    sandbox.reset()
    assert sandbox.changes() == {}
    listing = sandbox.run(
        ["find", ".", "-type", "f", "-o", "-type", "l"], timeout_s=PATIENT_S
    ).stdout
    assert sorted(listing.split()) == sorted(
        ["./.gitignore", "./run.sh", "./shop/__init__.py", "./shop/cart.py", "./tests/test_cart.py"]
    )
    assert sandbox.run(["./run.sh"], timeout_s=PATIENT_S).stdout == "ran\n"


def test_moves_to_another_snapshot(
    sandbox: Sandbox, make_snapshot: Callable[[Mapping[str, Content]], Snapshot]
) -> None:
    files: dict[str, Content] = {
        "shop/__init__.py": b"",
        "shop/cart.py": b"def total(prices):\n    return max(prices)\n",
        "shop/tax.py": b"RATE = 0.2\n",
        "run.sh": (0o100755, b"#!/bin/sh\necho moved\n"),
        ".gitignore": b"*.log\n",
    }
    sandbox.shell().run("touch left; export KEPT=kept", timeout_s=PATIENT_S)
    assert sandbox.move_to(make_snapshot(files))
    assert sandbox.changes() == {}
    assert sandbox.shell().run("echo $KEPT", timeout_s=PATIENT_S).stdout == "kept\n"
    for _ in range(2):
        listing = sandbox.run(["find", ".", "-type", "f"], timeout_s=PATIENT_S).stdout
        assert sorted(listing.split()) == sorted(f"./{path}" for path in files)
        assert sandbox.run(["./run.sh"], timeout_s=PATIENT_S).stdout == "moved\n"
        assert sandbox.get("shop/cart.py") == files["shop/cart.py"]
        sandbox.put({"shop/cart.py": None, "shop/tax.py": b"", "run.sh": None, "more": b""})
        assert set(sandbox.changes()) == {"shop/cart.py", "shop/tax.py", "run.sh", "more"}
        sandbox.reset()  # gives back what it moved to, not what it was opened with


def test_compiled_code_of_an_earlier_snapshot_does_not_run(
    sandbox: Sandbox, make_snapshot: Callable[[Mapping[str, Content]], Snapshot]
) -> None:
    say = [sandbox.environment.python, "-c", "import shop.cart as c; print(c.X)"]
    for round_number in range(3):
        for value in (b"X = 1\n", b"X = 2\n"):
            assert sandbox.move_to(make_snapshot({"shop/cart.py": value}))
            for edit in (b"X = 3\n", b""):
                sandbox.put({"shop/cart.py": edit})
                sandbox.run(say, timeout_s=PATIENT_S)
                sandbox.reset()
                done = sandbox.run(say, timeout_s=PATIENT_S)
                assert done.stdout == value.decode()[4:], (round_number, done)


def test_what_it_can_not_move_to(
    sandbox: Sandbox, make_snapshot: Callable[[Mapping[str, Content]], Snapshot]
) -> None:
    assert not sandbox.move_to(make_snapshot({"link": (0o120000, b"shop")}))
    assert not sandbox.move_to(make_snapshot({f"f{n}": b"" for n in range(5000)}))


def test_no_stale_compiled_code_runs(sandbox: Sandbox) -> None:
    """Python compares size and whole seconds; edits of one second and one size must not mix."""
    say = [sandbox.environment.python, "-c", "import shop.cart as c; print(c.X)"]
    for round_number in range(3):
        for value in (b"X = 1\n", b"X = 2\n"):
            sandbox.put({"shop/cart.py": value})
            done = sandbox.run(say, timeout_s=PATIENT_S)
            assert done.stdout == value.decode()[4:], (round_number, done)


# what is kept out ----------------------------------------------------------------------------


def test_no_secret_enters(monkeypatch: pytest.MonkeyPatch, opened: Callable[..., Sandbox]) -> None:
    for name in ("ANTHROPIC_API_KEY", "AWS_SECRET_ACCESS_KEY", "PIP_INDEX_URL", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "s3cr3t-value")
    sandbox = opened()
    inside = sandbox.run(["env"], timeout_s=PATIENT_S).stdout
    inside += sandbox.shell().run("export; cat /proc/self/environ", timeout_s=PATIENT_S).stdout
    inside += (
        sandbox.shell().run("cat /proc/$PPID/environ /proc/1/environ", timeout_s=PATIENT_S).stdout
    )
    assert "s3cr3t-value" not in inside


def test_the_network_is_off(sandbox: Sandbox, backend: Backend) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        port = server.getsockname()[1]
        code = f"""
            import socket
            try:
                socket.create_connection(("127.0.0.1", {port}), timeout=5)
                print("connected")
            except OSError as error:
                print("refused", error)
            """
        done = python(sandbox, code)
    said = done.stdout
    if backend.guarantees().network_off or "no TCP" in backend.guarantees().text:
        assert said.startswith("refused"), done
    else:
        assert said.startswith(("connected", "refused")), done


def test_files_outside_are_held(sandbox: Sandbox, backend: Backend, outside: Path) -> None:
    code = f"""
        for mode in ("r", "a"):
            try:
                file = open({str(outside)!r}, mode)
                print(mode, "opened")
            except OSError:
                print(mode, "refused")
        """
    done = python(sandbox, code)
    promised = backend.guarantees()
    said = done.stdout
    if promised.files_held:
        assert "a refused" in said, done
    if promised.home_hidden:
        assert "r refused" in said, done
    assert outside.read_text() == "private"


def test_the_home_is_hidden(sandbox: Sandbox, backend: Backend) -> None:
    home = Path.home()
    names = [p.name for p in home.iterdir()] if home.is_dir() else []
    done = sandbox.run(["ls", "-A", str(home)], timeout_s=PATIENT_S)
    if backend.guarantees().home_hidden:
        # of a home that holds the interpreter, the way to it is there and nothing else
        allowed = Path(sys.base_prefix).parts + Path(sandbox.environment.python).parts
        assert set(done.stdout.split()) & set(names) <= set(allowed), done
    assert (
        sandbox.run(["sh", "-c", "touch ~/mine && echo $HOME"], timeout_s=PATIENT_S).exit_code == 0
    )


def test_nobody_is_root_with_privileges(sandbox: Sandbox) -> None:
    status = sandbox.run(["cat", "/proc/self/status"], timeout_s=PATIENT_S).stdout
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    assert fields["CapEff"].strip("\t0") == ""
    assert fields["NoNewPrivs"].strip() == "1"


# ends and neighbours -------------------------------------------------------------------------


def test_two_sandboxes_do_not_meet(opened: Callable[..., Sandbox]) -> None:
    one, two = opened(), opened()
    one.put({"only": b"one"})
    with pytest.raises(FileNotFoundError):
        two.get("only")
    outputs: dict[int, str] = {}

    def work(number: int, box: Sandbox) -> None:
        outputs[number] = box.run(["sh", "-c", f"sleep 0.1; echo {number}"], timeout_s=30).stdout

    boxes = (one, two, one, two)
    threads = [threading.Thread(target=work, args=(n, b)) for n, b in enumerate(boxes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outputs == {n: f"{n}\n" for n in range(4)}
    one.close()
    assert two.run(["echo", "still"], timeout_s=PATIENT_S).stdout == "still\n"


def test_a_closed_sandbox_says_so(sandbox: Sandbox) -> None:
    sandbox.close()
    sandbox.close()
    with pytest.raises(EngineLost):
        sandbox.run(["true"], timeout_s=PATIENT_S)


def test_a_killed_owner_leaves_nothing(
    backend: Backend, environment: Environment, opened: Callable[..., Sandbox], tmp_path: Path
) -> None:
    level = getattr(backend, "level", "docker")
    made = "DockerBackend()" if level == "docker" else f"LocalBackend(level={level!r})"
    owner = tmp_path / "owner.py"
    owner.write_text(
        textwrap.dedent(f"""
        import sys, time
        from swe_sleep.repo.snapshot import Snapshot
        from swe_sleep.sandbox.docker import DockerBackend
        from swe_sleep.sandbox.local import LocalBackend
        from swe_sleep.sandbox.protocol import Environment
        environment = {environment!r}
        box = {made}.open(Snapshot({{}}, None, None, None), environment)
        box.shell().run("sleep 4242{os.getpid()} & :", timeout_s=30)
        print(box.workdir, getattr(box, "container", ""), flush=True)
        time.sleep(600)
        """)
    )
    process = subprocess.Popen([sys.executable, owner], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    workdir = process.stdout.readline().split()[0]
    process.kill()
    process.wait()
    process.stdout.close()
    opened()  # opening reaps
    until = time.monotonic() + 60
    while time.monotonic() < until:
        listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
        if f"sleep 4242{os.getpid()}" not in listing.stdout:
            break
        time.sleep(0.05)
    assert f"sleep 4242{os.getpid()}" not in listing.stdout
    assert workdir == "/workspace" or not Path(workdir).exists()
    owners.reap()
