"""The watcher on real repositories and real events."""

from __future__ import annotations

import os
import platform
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swe_sleep.errors import RepositoryError
from swe_sleep.records import Change
from swe_sleep.repo import events
from swe_sleep.repo.repository import Repository
from swe_sleep.repo.watcher import watch

Git = Callable[..., str]
Make = Callable[..., Path]
Opened = Callable[[Path], Repository]
Watching = Callable[..., Any]

# watchdog's observer of whole trees, which Linux has here in tests alone, may follow a new folder
# twice. It says so, and as an error that would end its thread.
pytestmark = pytest.mark.filterwarnings("ignore:Callback with id:RuntimeWarning")


@pytest.fixture(params=["folders", "tree", "polling"])
def source(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Each way to hear of changes: the options for it."""
    if request.param == "polling":
        return {"poll_s": 0.05}
    if request.param == "tree":
        monkeypatch.setattr(platform, "system", lambda: "Elsewhere")
    elif platform.system() != "Linux":
        pytest.skip("inotify is Linux's")
    return {}


def test_an_edit_an_addition_and_a_deletion(
    make_repository: Make, watching: Watching, source: dict[str, float]
) -> None:
    root = make_repository({"a.py": "1\n", "d/b.py": "1\n", "d/e/c.py": "1\n"})
    watcher = watching(root, **source)
    (root / "a.py").write_text("2\n")
    assert watcher.change() == Change((), ("a.py",), (), "edit")
    (root / "d" / "e" / "new.py").write_text("2\n")
    assert watcher.change() == Change(("d/e/new.py",), (), (), "edit")
    (root / "d" / "b.py").unlink()
    assert watcher.change() == Change((), (), ("d/b.py",), "edit")
    (root / "x" / "y").mkdir(parents=True)
    (root / "x" / "y" / "f.py").write_text("1\n")
    assert watcher.change() == Change(("x/y/f.py",), (), (), "edit")
    (root / "x" / "y" / "f.py").write_text("2\n")
    assert watcher.change() == Change((), ("x/y/f.py",), (), "edit")
    (root / "x").rename(root / "z")
    assert watcher.change() == Change(("z/y/f.py",), (), ("x/y/f.py",), "edit")
    (root / "z" / "y" / "f.py").write_text("3\n")
    assert watcher.change() == Change((), ("z/y/f.py",), (), "edit")
    assert not watcher.said


def test_git_operations(
    make_repository: Make, watching: Watching, git: Git, source: dict[str, float]
) -> None:
    root = make_repository({f"f{n}.py": "1\n" for n in range(50)})
    git(root, "switch", "-qc", "side")
    for n in range(50):
        (root / f"f{n}.py").write_text("side\n")
    git(root, "commit", "-qam", "Side")
    watcher = watching(root, settle_s=0.4, **source)

    git(root, "switch", "-q", "main")
    change = watcher.change()
    assert (len(change.modified), change.cause) == (50, "checkout")

    (root / "f1.py").write_text("2\n")
    assert watcher.change() == Change((), ("f1.py",), (), "edit")
    git(root, "stash")
    assert watcher.change() == Change((), ("f1.py",), (), "edit")
    git(root, "stash", "pop")
    assert watcher.change() == Change((), ("f1.py",), (), "edit")

    # A commit changes no content, but HEAD.
    git(root, "commit", "-qam", "Two")
    change, snapshot = watcher.next()
    assert change == Change(cause="edit")
    assert snapshot.head == git(root, "rev-parse", "HEAD")

    (root / "f2.py").write_text("2\n")
    git(root, "commit", "-qam", "Three")
    head = git(root, "rev-parse", "HEAD")
    assert {c.cause for c in watcher.until(lambda snapshot: snapshot.head == head)} == {"edit"}

    git(root, "reset", "-q", "--hard", "HEAD~2")
    change = watcher.change()
    assert (sorted(change.modified), change.cause) == (["f1.py", "f2.py"], "checkout")

    git(root, "switch", "-qc", "same")
    change, snapshot = watcher.next()
    assert (change, snapshot.branch) == (Change(cause="checkout"), "same")

    git(root, "checkout", "-q", "--detach", "side")
    assert watcher.change().cause == "checkout"


def test_an_atomic_save_and_a_touch(
    make_repository: Make, watching: Watching, source: dict[str, float]
) -> None:
    root = make_repository({"a.py": "1\n", "b.py": "1\n"})
    watcher = watching(root, settle_s=0.4, **source)
    os.utime(root / "b.py")
    (root / "b.py").write_text("1\n")
    (root / ".a.py.swp").write_text("2\n")
    (root / ".a.py.swp").replace(root / "a.py")
    assert watcher.change() == Change((), ("a.py",), (), "edit")
    (root / "b.py").write_text("2\n")
    (root / "b.py").write_text("1\n")
    (root / "a.py").write_text("3\n")
    assert watcher.change() == Change((), ("a.py",), (), "edit")


def test_the_start_is_compared_with_what_was_known(
    make_repository: Make, watching: Watching, opened: Opened
) -> None:
    root = make_repository({"a.py": "1\n", "b.py": "1\n"})
    known = opened(root).snapshot()
    assert watching(root, first=False, previous=known).change() == Change(cause="start")
    (root / "a.py").write_text("2\n")
    (root / "b.py").unlink()
    (root / "c.py").touch()
    assert watching(root, first=False, previous=known).change() == Change(
        ("c.py",), ("a.py",), ("b.py",), "start"
    )
    assert watching(root, first=False).change().added == ("a.py", "c.py")


def test_ignored_files_and_folders_cost_nothing(make_repository: Make, watching: Watching) -> None:
    root = make_repository({"a.py": "1\n", ".gitignore": "node_modules/\n*.log\n"})
    looks = 0
    watcher = watching(root)
    inner = watcher.repository
    take = inner.snapshot

    def counted() -> Any:
        nonlocal looks
        looks += 1
        return take()

    inner.snapshot = counted
    for n in range(300):
        folder = root / "node_modules" / f"p{n}"
        folder.mkdir(parents=True)
        (folder / "index.js").write_text("1\n")
    (root / "noise.log").write_text("1\n")
    (root / "a.py").write_text("2\n")
    assert watcher.change() == Change((), ("a.py",), (), "edit")
    looked = looks
    for n in range(300):
        (root / "node_modules" / f"p{n}" / "index.js").write_text("2\n")
        (root / "noise.log").write_text(f"{n}\n")
    (root / "b.py").write_text("2\n")
    assert watcher.change() == Change(("b.py",), (), (), "edit")
    assert looks == looked + 1
    # No longer ignored: seen from then on.
    (root / ".gitignore").write_text("*.log\n")
    change = watcher.change()
    assert (len(change.added), change.modified) == (300, (".gitignore",))
    (root / "node_modules" / "p7" / "index.js").write_text("3\n")
    assert watcher.change() == Change((), ("node_modules/p7/index.js",), (), "edit")


def test_our_own_writes_are_no_change(
    make_repository: Make, watching: Watching, opened: Opened
) -> None:
    root = make_repository({"a.py": "1\n"})
    watcher = watching(root)
    state = opened(root).state_dir
    for n in range(50):
        (state / f"store-{n}").write_text("x")
    (root / "a.py").write_text("2\n")
    assert watcher.change() == Change((), ("a.py",), (), "edit")
    assert watcher.pairs.empty()


def test_it_waits_for_the_lock_of_the_index(
    make_repository: Make, watching: Watching, source: dict[str, float]
) -> None:
    root = make_repository({f"f{n}.py": "1\n" for n in range(20)})
    watcher = watching(root, settle_s=0.05, patience_s=60, **source)
    lock = root / ".git" / "index.lock"
    lock.touch()
    for n in range(20):
        (root / f"f{n}.py").write_text("2\n")
        time.sleep(0.02)  # a slow checkout: longer altogether than it takes to settle
    assert watcher.pairs.empty()
    lock.unlink()
    assert len(watcher.change().modified) == 20


def test_it_does_not_wait_for_ever(
    make_repository: Make, watching: Watching, source: dict[str, float]
) -> None:
    root = make_repository({"a.py": "1\n"})
    watcher = watching(root, patience_s=0.5, **source)
    (root / ".git" / "index.lock").touch()
    (root / ".git" / "MERGE_HEAD").touch()
    (root / "a.py").write_text("2\n")
    assert watcher.change().modified == ("a.py",)


def test_a_rebase_is_one_change(make_repository: Make, watching: Watching, git: Git) -> None:
    root = make_repository({"a.py": "1\n", "b.py": "1\n"})
    git(root, "switch", "-qc", "side")
    for n in range(5):
        (root / "a.py").write_text(f"{n}\n")
        git(root, "commit", "-qam", f"Side {n}")
    git(root, "switch", "-q", "main")
    (root / "b.py").write_text("2\n")
    git(root, "commit", "-qam", "Main")
    git(root, "switch", "-q", "side")
    watcher = watching(root, settle_s=0.3)
    git(root, "rebase", "-q", "main")
    assert watcher.change() == Change((), ("b.py",), (), "checkout")
    assert watcher.pairs.empty()


def test_a_storm_gives_few_changes_and_misses_none(
    make_repository: Make, watching: Watching, opened: Opened, source: dict[str, float]
) -> None:
    root = make_repository({f"d{n % 20}/f{n}.py": "1\n" for n in range(1000)})
    watcher = watching(root, settle_s=0.3, **source)
    for n in range(1000):
        (root / f"d{n % 20}" / f"f{n}.py").write_text("2\n")
    for n in range(1000):
        (root / f"e{n % 20}").mkdir(exist_ok=True)
        (root / f"e{n % 20}" / f"f{n}.py").write_text("3\n")
    final = opened(root).snapshot()
    changes = watcher.until(lambda snapshot: snapshot.id == final.id)
    assert len(changes) <= 6
    assert sum(len(c.paths) for c in changes) >= 2000
    assert set().union(*(c.paths for c in changes)) == {
        *(f"d{n % 20}/f{n}.py" for n in range(1000)),
        *(f"e{n % 20}/f{n}.py" for n in range(1000)),
    }


def test_under_load_nothing_is_missed_by_two_watchers_at_once(
    make_repository: Make, watching: Watching, git: Git, opened: Opened
) -> None:
    root = make_repository({f"d{n % 5}/f{n}.py": "0\n" for n in range(50)})
    before = opened(root).snapshot()
    watchers = [watching(root, settle_s=0.02), watching(root, settle_s=0.05)]

    def edit(worker: int) -> None:
        for n in range(worker, 200, 4):
            file = root / f"d{n % 5}" / f"f{n % 50}.py"
            if n % 7 == 0:
                file.unlink(missing_ok=True)
            elif n % 5 == 0:
                (root / f"new{n % 9}" / "deep").mkdir(parents=True, exist_ok=True)
                (root / f"new{n % 9}" / "deep" / f"{n}.py").write_text(f"{n}\n")
            else:
                file.write_text(f"{n}\n")

    threads = [threading.Thread(target=edit, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (root / "last").touch()
    final = opened(root).snapshot()
    for watcher in watchers:
        changes = watcher.until(lambda snapshot: snapshot.id == final.id)
        files = dict.fromkeys(before.files)
        for change in changes:
            for path in change.added:
                assert path not in files
                files[path] = None
            assert set(change.modified) <= files.keys()
            for path in change.deleted:
                del files[path]
        assert files.keys() == final.files.keys()
        told = {path for change in changes for path in change.paths}
        assert told >= set(final.change_from(before, "edit").paths)


def test_a_busy_consumer_gets_everything_afterwards(make_repository: Make, opened: Opened) -> None:
    root = make_repository({"a.py": "1\n"})
    stop = threading.Event()
    pairs = watch(opened(root), settle_s=0.05, stop=stop)
    next(pairs)
    for n in range(20):
        (root / f"n{n}.py").write_text("1\n")
    assert len(next(pairs)[0].added) == 20
    stop.set()
    assert list(pairs) == []


def test_lost_events_lead_to_a_full_look(
    make_repository: Make, watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "_LIMIT", 5)
    root = make_repository({"a.py": "1\n"})
    watcher = watching(root)
    for n in range(20):
        (root / f"n{n}.py").write_text("1\n")
    change = watcher.change()
    assert (len(change.added), change.cause) == (20, "overflow")
    (root / "d").mkdir()
    (root / "d" / "a.py").touch()
    assert watcher.change() == Change(("d/a.py",), (), (), "edit")


def test_the_kernel_losing_events_is_recovered_from(
    make_repository: Make, watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources: list[events.FolderEvents] = []
    follow = events.FolderEvents.follow

    def noted(self: events.FolderEvents, folders: Any) -> None:
        sources.append(self)
        follow(self, folders)

    monkeypatch.setattr(events.FolderEvents, "follow", noted)
    root = make_repository({"a.py": "1\n"})
    watcher = watching(root)
    monkeypatch.setattr(sources[0], "on_event", lambda event: None)
    (root / "new").mkdir()
    (root / "new" / "a.py").touch()
    monkeypatch.undo()
    sources[0].on_queue_overflow()
    assert watcher.change() == Change(("new/a.py",), (), (), "overflow")
    (root / "new" / "a.py").write_text("2\n")
    assert watcher.change() == Change((), ("new/a.py",), (), "edit")


@pytest.mark.parametrize("where", ["start", "later"])
def test_without_watches_left_it_polls_and_says_so(
    make_repository: Make, watching: Watching, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    root = make_repository({"a.py": "1\n"})
    calls = 0
    follow = events.FolderEvents.follow

    def limited(self: events.FolderEvents, folders: Any) -> None:
        nonlocal calls
        calls += 1
        if where == "start" or calls > 2:
            raise OSError(28, "inotify watch limit reached")
        follow(self, folders)

    monkeypatch.setattr(events.FolderEvents, "follow", limited)
    monkeypatch.setattr("swe_sleep.repo.watcher._POLL_S", 0.05)
    watcher = watching(root)
    (root / "d").mkdir()
    (root / "d" / "b.py").write_text("2\n")
    assert watcher.change().added == ("d/b.py",)
    (root / "a.py").write_text("2\n")
    assert watcher.change().modified == ("a.py",)
    assert watcher.said == ["Looking for changes every 0.05 s: inotify watch limit reached."]


def test_a_filesystem_without_events_is_polled(
    make_repository: Make, watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("swe_sleep.repo.watcher.silent_filesystem", lambda root: "nfs4")
    monkeypatch.setattr("swe_sleep.repo.watcher._POLL_S", 0.05)
    root = make_repository({"a.py": "1\n"})
    watcher = watching(root)
    (root / "a.py").write_text("2\n")
    assert watcher.change().modified == ("a.py",)
    assert "nfs4" in watcher.said[0]


def test_where_events_do_not_come_it_finds_out(
    make_repository: Make, watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events.FolderEvents, "on_event", lambda self, event: None)
    monkeypatch.setattr("swe_sleep.repo.watcher._POLL_S", 0.05)
    root = make_repository({"a.py": "1\n"})
    watcher = watching(root, settle_s=0.05, reconcile_s=0.1)
    for number in range(2, 5):
        (root / "a.py").write_text(f"{number}\n")
        assert watcher.change().modified == ("a.py",)
    assert watcher.said == ["Looking for changes every 0.05 s: no events come for changes here."]


def test_the_repository_is_deleted_while_it_is_watched(
    make_repository: Make, watching: Watching, source: dict[str, float]
) -> None:
    root = make_repository({"a.py": "1\n", "d/b.py": "1\n"})
    watcher = watching(root, **source)
    shutil.rmtree(root)
    with pytest.raises(RepositoryError, match="gone"):
        while True:
            watcher.next()


def test_files_of_submodules_and_of_worktrees(
    make_repository: Make, watching: Watching, git: Git
) -> None:
    library = make_repository({"lib.py": "1\n"}, name="library")
    root = make_repository({"a.py": "1\n"})
    git(root, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(library), "lib")
    git(root, "commit", "-qm", "Add it")
    git(root, "worktree", "add", "-q", "-b", "side", "../side")
    watcher, side = watching(root), watching(root.parent / "side")
    (root / "lib" / "lib.py").write_text("2\n")
    assert watcher.change().modified == ("lib/lib.py",)
    (root.parent / "side" / "a.py").write_text("2\n")
    assert side.change().modified == ("a.py",)
    git(root.parent / "side", "commit", "-qam", "Two")
    change, snapshot = side.next()
    assert not change
    assert snapshot.branch == "side"


def test_it_idles_for_nothing(make_repository: Make, opened: Opened) -> None:
    root = make_repository({f"f{n}.py": "1\n" for n in range(100)})
    stop = threading.Event()
    pairs = watch(opened(root), settle_s=0.05, stop=stop)
    next(pairs)
    threading.Timer(2, stop.set).start()
    before = time.process_time()
    assert list(pairs) == []
    assert time.process_time() - before < 0.1


def test_the_filesystem_is_named(tmp_path: Path) -> None:
    assert events.silent_filesystem(tmp_path) == ""
