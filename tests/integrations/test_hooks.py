"""The hooks in repositories, run by git."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from swe_sleep.errors import RepositoryError, UsageError
from swe_sleep.integrations import hooks, queue
from swe_sleep.integrations.hooks import HOOKS
from swe_sleep.repo.repository import Repository

if TYPE_CHECKING:
    from tests.integrations.conftest import FakePython

Git = Callable[..., str]
Eventually = Callable[[Callable[[], object]], None]
Picture = Callable[[Path], dict[str, object]]
WriteHook = Callable[..., Path]

_RECORDING = '#!/bin/sh\n{ echo "${0##*/} $*"; [ -t 0 ] || cat; } >>"$RECORD"\n'


def _states(status: hooks.Status) -> dict[str, str]:
    return {hook.name: hook.state for hook in status.hooks}


def _all(state: str) -> dict[str, str]:
    return dict.fromkeys(HOOKS, state)


def _commit(git: Git, root: Path, text: str) -> None:
    (root / "a.py").write_text(text)
    git(root, "commit", "-q", "-a", "-m", text)


def _state(repository: Repository) -> Path:
    return repository.common_dir / "swe-sleep"


def test_every_hook_queues_and_one_pass_is_started(
    repository: Repository, fake_python: FakePython, git: Git, eventually: Eventually
) -> None:
    root = repository.root
    done = hooks.install(repository, python=fake_python.path)
    assert done.installed
    assert _states(done) == _all("installed")
    git(root, "checkout", "-q", "-b", "side")
    for number in range(4):
        (root / f"side{number}.py").write_text("")
        git(root, "add", "-A")
        git(root, "commit", "-q", "-m", f"side {number}")
    git(root, "checkout", "-q", "main")
    _commit(git, root, "a = 2\n")
    git(root, "merge", "-q", "--no-edit", "side")
    git(root, "checkout", "-q", "-b", "again", "HEAD^")
    _commit(git, root, "a = 3\n")
    _commit(git, root, "a = 4\n")
    git(root, "rebase", "-q", "main")
    events = queue.pending(_state(repository))
    assert {each.hook for each in events} == set(HOOKS)
    assert {each.root for each in events} == {root}
    eventually(lambda: fake_python.starts)
    found = hooks.status(repository)
    assert found.running is not None
    assert found.queued == len(events)
    fake_python.release()
    eventually(lambda: fake_python.ends)
    assert len(fake_python.starts) == 1


def test_the_pass_is_started_apart_and_politely(
    repository: Repository, fake_python: FakePython, git: Git, eventually: Eventually
) -> None:
    hooks.install(repository, python=fake_python.path)
    _commit(git, repository.root, "a = 2\n")
    eventually(lambda: "arguments" in fake_python.log.read_text())
    start = fake_python.starts[0]
    assert f"arguments=-P -m swe_sleep -C {repository.root} sleep --queued" in start
    assert f"cwd={_state(repository)} " in start
    assert int(start.partition("nice=")[2].split()[0]) >= 19
    pid = int(start.split()[1])
    assert queue.running(_state(repository)) == pid
    if shutil.which("setsid"):
        assert os.getsid(pid) != os.getsid(0)
    fake_python.release()
    eventually(lambda: fake_python.ends)
    environment = {
        line.split()[1].partition("=")[0]
        for line in fake_python.log.read_text().splitlines()
        if line.startswith("env ")
    }
    assert environment <= {"GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"}


def test_a_storm_of_commits_starts_one_pass(
    repository: Repository, fake_python: FakePython, git: Git, eventually: Eventually
) -> None:
    hooks.install(repository, python=fake_python.path)
    script = _state(repository) / hooks.SCRIPT
    # All at once, which git would not do, and a hundred in a row, which it does.
    many = [
        subprocess.Popen(["sh", str(script), "post-commit"], cwd=repository.root) for _ in range(20)
    ]
    assert [each.wait() for each in many] == [0] * 20
    loop = 'for i in $(seq 100); do git commit -q --allow-empty -m "$i" || exit 1; done'
    subprocess.run(["sh", "-c", loop], cwd=repository.root, check=True)
    eventually(lambda: fake_python.starts)
    assert len(queue.pending(_state(repository))) == 120
    fake_python.release()
    eventually(lambda: fake_python.ends)
    assert len(fake_python.starts) == 1


def test_real_passes_take_every_event_one_at_a_time(
    repository: Repository, tmp_path: Path, git: Git, eventually: Eventually, write_hook: WriteHook
) -> None:
    log, program = tmp_path / "log", tmp_path / "program.py"
    program.write_text(
        "import os, pathlib\n"
        "from swe_sleep.integrations import queue\n"
        f"log = pathlib.Path({str(log)!r})\n"
        "with queue.taking(pathlib.Path.cwd()) as batches:\n"
        "    for batch in batches:\n"
        "        lock = os.open(f'{log}.lock', os.O_CREAT | os.O_EXCL)\n"
        "        with log.open('a') as file:\n"
        "            file.write('event\\n' * len(batch))\n"
        "        os.close(lock)\n"
        "        os.unlink(f'{log}.lock')\n"
    )
    python = write_hook(tmp_path, "python", f"#!/bin/sh\nexec {sys.executable} {program}\n")
    hooks.install(repository, python=python)
    log.touch()
    for number in range(30):
        git(repository.root, "commit", "-q", "--allow-empty", "-m", str(number))
    eventually(lambda: len(log.read_text().splitlines()) == 30)
    eventually(lambda: queue.running(_state(repository)) is None)
    assert (_state(repository) / hooks.LOG).read_text() == ""


def test_a_watcher_keeps_passes_from_starting_in_its_own_work_tree(
    repository: Repository, fake_python: FakePython, git: Git, eventually: Eventually
) -> None:
    root, state = repository.root, repository.state_dir
    hooks.install(repository, python=fake_python.path)
    with queue.watching(state, root):
        assert hooks.status(repository).watcher == os.getpid()
        _commit(git, root, "a = 2\n")
        assert [each.hook for each in queue.take(state)] == ["post-commit"]
        other = root.parent / "other tree"
        git(root, "worktree", "add", "-q", "-b", "other", str(other))
        eventually(lambda: fake_python.starts)
    assert [each.root for each in queue.pending(state)] == [other]
    assert f"-C {other} " in fake_python.starts[0]
    assert len(fake_python.starts) == 1


def test_worktrees_share_the_hooks(
    repository: Repository, fake_python: FakePython, git: Git, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    git(repository.root, "worktree", "add", "-q", str(other))
    with Repository.open(other) as opened:
        assert hooks.install(opened, python=fake_python.path).installed
    assert hooks.status(repository).installed
    _commit(git, other, "a = 2\n")
    assert [each.root for each in queue.pending(_state(repository))] == [other]


@pytest.mark.parametrize("stale", ["", "rubbish", "2147483647 1\n", "{pid} 1\n"])
def test_a_stale_marker_does_not_keep_a_pass_from_starting(
    repository: Repository,
    fake_python: FakePython,
    git: Git,
    eventually: Eventually,
    stale: str,
) -> None:
    if "{pid}" in stale and not Path("/proc/self/stat").exists():
        stale = ""
    hooks.install(repository, python=fake_python.path)
    marker = _state(repository) / queue.PASS_PID
    marker.write_text(stale.format(pid=os.getpid()))
    (_state(repository) / queue.WATCH_PID).write_text(stale.format(pid=os.getpid()))
    _commit(git, repository.root, "a = 2\n")
    eventually(lambda: fake_python.starts)
    assert marker.read_text().split()[0] == fake_python.starts[0].split()[1]


def test_a_work_tree_that_moved_still_queues(
    repository: Repository, fake_python: FakePython, git: Git, tmp_path: Path
) -> None:
    hooks.install(repository, python=fake_python.path)
    moved = tmp_path / "moved elsewhere"
    shutil.move(repository.root, moved)
    _commit(git, moved, "a = 2\n")
    assert [each.root for each in queue.pending(moved / ".git" / "swe-sleep")] == [moved]


def _fault_interpreter(state: Path, fake: FakePython) -> None:
    fake.path.unlink()


def _fault_uninstalled(state: Path, fake: FakePython) -> None:
    shutil.rmtree(state)


def _fault_disk_full(state: Path, fake: FakePython) -> None:
    (state / queue.QUEUE).symlink_to("/dev/full")


def _fault_unwritable(state: Path, fake: FakePython) -> None:
    (state / queue.QUEUE).mkdir()


def _fault_marker(state: Path, fake: FakePython) -> None:
    (state / queue.PASS_PID).mkdir()
    (state / queue.WATCH_PID).mkdir()


def _fault_log(state: Path, fake: FakePython) -> None:
    (state / hooks.LOG).mkdir()


def _fault_interpreter_broken(state: Path, fake: FakePython) -> None:
    fake.path.write_bytes(b"\x7fELF\0")


def _fault_read_only(state: Path, fake: FakePython) -> None:
    state.chmod(0o500)  # as root this stops nothing, and nothing may go wrong either


@pytest.mark.parametrize(
    "fault",
    [
        _fault_interpreter,
        _fault_interpreter_broken,
        _fault_uninstalled,
        _fault_disk_full,
        _fault_unwritable,
        _fault_marker,
        _fault_log,
        _fault_read_only,
    ],
)
def test_git_never_notices(
    repository: Repository,
    fake_python: FakePython,
    fault: Callable[[Path, FakePython], None],
) -> None:
    hooks.install(repository, python=fake_python.path)
    fault(_state(repository), fake_python)
    for command in (["commit", "-q", "--allow-empty", "-m", "x"], ["checkout", "-q", "-b", "b"]):
        done = subprocess.run(
            ["git", *command],
            cwd=repository.root,
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    if _state(repository).exists():
        _state(repository).chmod(0o700)


def test_existing_hooks_get_the_same_as_without_us(
    repository: Repository,
    fake_python: FakePython,
    git: Git,
    tmp_path: Path,
    write_hook: WriteHook,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = repository.common_dir / "hooks"
    write_hook(tmp_path, "linked", _RECORDING)
    for hook in HOOKS[:2]:
        write_hook(folder, hook, _RECORDING)
    (folder / HOOKS[2]).unlink(missing_ok=True)
    (folder / HOOKS[2]).symlink_to("../../../linked")
    program = _RECORDING.replace("#!/bin/sh", "#!/usr/bin/env -S nice sh")
    write_hook(folder, HOOKS[3], program)  # not known as a shell: moved and called

    def play(record: Path) -> list[str]:
        monkeypatch.setenv("RECORD", str(record))
        root = repository.root
        git(root, "checkout", "-q", "-B", "side", "main")
        (root / "b.py").write_text("")
        git(root, "add", "-A")
        git(root, "commit", "-q", "-m", "b")
        git(root, "commit", "-q", "--amend", "-m", "c")
        git(root, "checkout", "-q", "-B", "third", "main")
        git(root, "merge", "-q", "--no-ff", "--no-edit", "side")
        git(root, "checkout", "-q", "main")
        return record.read_text().splitlines()

    # The ids are the same in both plays if the times are.
    for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
        monkeypatch.setenv(name, "1700000000 +0000")
    git(repository.root, "commit", "-q", "--amend", "--no-edit", "--no-verify")
    expected = play(tmp_path / "without")
    assert hooks.install(repository, python=fake_python.path).installed
    assert (folder / "before-swe-sleep" / HOOKS[3]).exists()
    assert play(tmp_path / "with") == expected
    assert {line.split()[0] for line in expected} > set(HOOKS)  # and what came on stdin
    assert {each.hook for each in queue.pending(_state(repository))} == set(HOOKS)


def test_the_status_of_an_existing_post_checkout_is_still_gits(
    repository: Repository, fake_python: FakePython, write_hook: WriteHook
) -> None:
    write_hook(repository.common_dir / "hooks", "post-checkout", "#!/bin/sh\nexit 7\n")

    def status(branch: str) -> int:
        command = ["git", "checkout", "-q", "-b", branch]
        return subprocess.run(command, cwd=repository.root, check=False).returncode

    expected = status("before")
    assert expected != 0
    hooks.install(repository, python=fake_python.path)
    assert status("after") == expected
    assert len(queue.pending(_state(repository))) == 1


def _as_git_makes_it(folder: Path) -> None:
    pass


def _no_folder(folder: Path) -> None:
    shutil.rmtree(folder)


def _a_mixture(folder: Path) -> None:
    for name, content, mode in (
        ("post-commit", b"#!/bin/sh\nexec true", 0o750),
        ("post-merge", b"\x7fELF\0\1", 0o555),
        ("post-rewrite", b"#!/bin/sh\n# switched off\n", 0o644),
        ("post-commit.old", b"#!/bin/sh\n", 0o755),
    ):
        (folder / name).write_bytes(content)
        (folder / name).chmod(mode)
    (folder / "post-checkout").symlink_to("nowhere")


@pytest.mark.parametrize("start", [_as_git_makes_it, _no_folder, _a_mixture])
def test_uninstall_leaves_the_git_folder_as_it_was(
    repository: Repository, picture: Picture, start: Callable[[Path], None]
) -> None:
    start(repository.common_dir / "hooks")
    before = picture(repository.git_dir)
    assert hooks.install(repository).installed
    installed = picture(repository.git_dir)
    assert hooks.install(repository).installed
    assert picture(repository.git_dir) == installed
    for _ in range(2):
        done = hooks.uninstall(repository)
        assert _states(done) == _all("absent")
        assert done.script == "absent"
        assert picture(repository.git_dir) == before


def test_a_hooks_path_in_the_work_tree_that_is_missing(
    repository: Repository, fake_python: FakePython, git: Git, picture: Picture
) -> None:
    root = repository.root
    git(root, "config", "core.hooksPath", ".tool/_")
    before = picture(root)
    done = hooks.install(repository, python=fake_python.path)
    assert done.installed
    assert done.folder == root / ".tool" / "_"
    git(root, "commit", "-q", "--allow-empty", "-m", "x")
    assert len(queue.take(_state(repository))) == 1
    git(root, "reset", "-q", "--soft", "HEAD^")
    hooks.uninstall(repository)
    assert not (root / ".tool").exists()
    assert {name for name in before if "hooks" in name} == {
        name for name in picture(root) if "hooks" in name
    }


def test_tracked_hooks_get_a_line_or_are_refused_but_never_moved(
    repository: Repository, fake_python: FakePython, git: Git, write_hook: WriteHook
) -> None:
    root = repository.root
    write_hook(root / ".hooks", "post-commit", "#!/bin/sh\nexit 0\n")
    write_hook(root / ".hooks", "post-merge", "#!/usr/bin/perl\n")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "Share hooks")
    git(root, "config", "core.hooksPath", ".hooks")
    done = hooks.install(repository, python=fake_python.path)
    assert _states(done) == {**_all("installed"), "post-merge": "absent"}
    details = {hook.name: hook.detail for hook in done.hooks}
    assert "git tracks" in details["post-commit"]
    assert "add the line yourself" in details["post-merge"]
    assert git(root, "diff", "--name-only") == ".hooks/post-commit"
    assert str(root) not in (root / ".hooks" / "post-commit").read_text()
    git(root, "commit", "-q", "--allow-empty", "-m", "x")
    assert len(queue.pending(_state(repository))) == 1
    # A clone by somebody who does not use swe-sleep, with the line committed.
    git(root, "commit", "-q", "-a", "-m", "The line")
    clone = root.parent / "clone"
    git(root.parent, "clone", "-q", str(root), str(clone))
    command = ["git", "-c", "core.hooksPath=.hooks", "commit", "--allow-empty", "-q", "-m", "x"]
    said = subprocess.run(command, cwd=clone, capture_output=True, check=True)
    assert said.stdout + said.stderr == b""
    assert not (clone / ".git" / "swe-sleep").exists()


@pytest.mark.parametrize("by", ["setting", "link"])
def test_a_folder_outside_needs_consent(
    repository: Repository,
    fake_python: FakePython,
    git: Git,
    tmp_path: Path,
    picture: Picture,
    write_hook: WriteHook,
    by: str,
) -> None:
    shared = tmp_path / "shared hooks"
    write_hook(shared, "post-commit", "#!/bin/sh\n:\n")
    if by == "setting":
        git(repository.root, "config", "core.hooksPath", str(shared))
    else:
        shutil.rmtree(repository.common_dir / "hooks")
        (repository.common_dir / "hooks").symlink_to(shared)
    before = picture(shared)
    with pytest.raises(
        UsageError, match=r"outside this repository(.|\n)*--outside(.|\n)*rev-parse"
    ):
        hooks.install(repository, python=fake_python.path)
    assert picture(shared) == before
    # By hand, with the line that was shown.
    file = shared / "post-commit"
    file.write_text(f"#!/bin/sh\n{hooks.snippet()}\n:\n")
    git(repository.root, "commit", "-q", "--allow-empty", "-m", "x")
    assert [each.hook for each in queue.take(_state(repository))] == ["post-commit"]
    file.write_text("#!/bin/sh\n:\n")

    assert hooks.install(repository, python=fake_python.path, outside=True).installed
    git(repository.root, "commit", "-q", "--allow-empty", "-m", "x")
    assert len(queue.take(_state(repository))) == 1
    kept = hooks.uninstall(repository)
    assert all("--outside" in hook.detail for hook in kept.hooks)
    assert picture(shared) != before
    assert _states(hooks.uninstall(repository, outside=True)) == _all("absent")
    assert picture(shared) == before


def test_hooks_that_are_switched_off_stay_so(repository: Repository, git: Git) -> None:
    git(repository.root, "config", "core.hooksPath", os.devnull)
    with pytest.raises(UsageError, match="outside this repository"):
        hooks.install(repository)
    assert _states(hooks.status(repository)) == _all("absent")


def test_another_tool_that_keeps_our_hook_and_calls_it(
    repository: Repository,
    fake_python: FakePython,
    git: Git,
    tmp_path: Path,
    write_hook: WriteHook,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As the pre-commit framework does it: it renames what it finds, calls that, and can be
    removed again."""
    record = tmp_path / "record"
    monkeypatch.setenv("RECORD", str(record))
    folder = repository.common_dir / "hooks"
    mine = _RECORDING.replace("#!/bin/sh", "#!/usr/bin/env -S nice sh")
    write_hook(folder, "post-commit", mine)
    hooks.install(repository, python=fake_python.path)
    (folder / "post-commit").rename(folder / "post-commit.legacy")
    theirs = '#!/bin/sh\n"$0.legacy" "$@"; exec >/dev/null\n'
    write_hook(folder, "post-commit", theirs)
    assert _states(hooks.status(repository)) == {**_all("installed"), "post-commit": "displaced"}
    git(repository.root, "commit", "-q", "--allow-empty", "-m", "x")
    assert len(record.read_text().splitlines()) == 1
    assert len(queue.take(_state(repository))) == 1

    assert hooks.install(repository, python=fake_python.path).installed
    git(repository.root, "commit", "-q", "--allow-empty", "-m", "x")
    assert len(record.read_text().splitlines()) == 2
    assert len(queue.take(_state(repository))) == 1, "twice is once too often"
    assert (folder / "post-commit.legacy").read_text() == mine

    hooks.uninstall(repository)
    assert (folder / "post-commit").read_text() == theirs
    assert (folder / "post-commit.legacy").read_text() == mine


def test_another_tool_that_overwrites_ours_is_seen_and_mended(
    repository: Repository, write_hook: WriteHook
) -> None:
    folder = repository.common_dir / "hooks"
    write_hook(folder, "post-merge", "#!/bin/sh\necho first\n")
    hooks.install(repository)
    write_hook(folder, "post-merge", "#!/bin/sh\necho second\n")
    (folder / "post-commit").unlink()
    expected = {**_all("installed"), "post-merge": "displaced", "post-commit": "displaced"}
    assert _states(hooks.status(repository)) == expected
    assert hooks.install(repository).installed
    hooks.uninstall(repository)
    assert (folder / "post-merge").read_text() == "#!/bin/sh\necho second\n"


def test_a_hooks_path_that_is_set_later_is_followed(
    repository: Repository, fake_python: FakePython, git: Git, picture: Picture
) -> None:
    root, folder = repository.root, repository.common_dir / "hooks"
    before = picture(folder)
    hooks.install(repository, python=fake_python.path)
    git(root, "config", "core.hooksPath", ".husky/_")
    found = hooks.status(repository)
    assert _states(found) == _all("displaced")
    assert "does not look any more" in found.hooks[0].detail
    assert hooks.install(repository, python=fake_python.path).installed
    assert picture(folder) == before
    git(root, "config", "--unset", "core.hooksPath")
    assert _states(hooks.status(repository)) == _all("displaced")
    hooks.uninstall(repository)
    assert picture(folder) == before
    assert not (root / ".husky").exists()


def test_status_says_what_is_wrong_with_the_script(
    repository: Repository, fake_python: FakePython
) -> None:
    assert hooks.status(repository).script == "absent"
    assert not _state(repository).exists(), "status writes nothing"
    hooks.install(repository, python=fake_python.path)
    assert hooks.status(repository).script == "installed"
    script = _state(repository) / hooks.SCRIPT
    script.write_text(script.read_text() + "# older\n")
    assert hooks.status(repository).script == "outdated"
    hooks.install(repository, python=fake_python.path)
    assert hooks.status(repository).script == "installed"
    fake_python.path.rename(fake_python.path.with_name("gone"))
    found = hooks.status(repository)
    assert found.script == "interpreter gone"
    assert not found.installed


def test_a_place_that_cannot_be_written_is_one_clear_line(repository: Repository) -> None:
    folder = repository.common_dir / "hooks"
    shutil.rmtree(folder)
    folder.write_text("not a folder\n")
    with pytest.raises(RepositoryError, match="hooks cannot be written"):
        hooks.install(repository)
    assert folder.read_text() == "not a folder\n"
    hooks.uninstall(repository)
    folder.unlink()
    assert hooks.install(repository).installed


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox", "ksh", "mksh", "zsh", "yash"])
def test_the_script_in_this_machines_shells(
    repository: Repository, fake_python: FakePython, eventually: Eventually, shell: str
) -> None:
    """With /bin/sh at least, whatever it is here."""
    hooks.install(repository, python=fake_python.path)
    found = shutil.which(shell)
    command = ["/bin/sh"] if found is None else [found, *(["sh"] if shell == "busybox" else [])]
    script = str(_state(repository) / hooks.SCRIPT)
    for _ in range(2):
        done = subprocess.run(
            [*command, script, "post-commit"],
            cwd=repository.root,
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    eventually(lambda: fake_python.starts)
    assert len(queue.pending(_state(repository))) == 2
    assert len(fake_python.starts) == 1
