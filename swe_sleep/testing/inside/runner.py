"""Runs a repository's tests inside a sandbox: starts pytest in a child, watches it, ends it when a
test ignores its time limit, and runs the rest in a new child.

    runner.py run < JOB                    one run
    runner.py serve FOLDER ROOT SCRATCH    many: pytest and what else is not the repository's
                                           stays imported

Each child is a fork of this process, which itself imports nothing of the repository: a run always
sees the files as they are now. A job is a JSON object:

    root, scratch        the repository's copy; a folder for caches
    path                 folders to put first on sys.path
    paths, options       where tests are if pytest's settings do not say; more arguments for pytest
    folder               where `events.jsonl`, `lines.jsonl` and `log` of this run go
    ids                  what to run, in this order; null for everything
    strict               run nothing if one of the ids is unknown
    collect_only, coverage, fail_fast
    timeout_s            of the run; test_timeout_s of a test; import_timeout_s of a test file
    grace_s              what a test gets to tear down before it is killed
    most_restarts
"""

from __future__ import annotations

import errno
import gc
import importlib
import importlib.util
import json
import os
import shutil
import signal
import sys
import time
from typing import Any

HERE = os.path.dirname(os.path.abspath(__file__))
NO_SPACE = os.strerror(errno.ENOSPC)
LARGE = 1 << 20
PR_SET_CHILD_SUBREAPER = 36
END_S = 5.0  # for threads and exit functions, once the tests are over


def sibling(name: str) -> Any:
    """The module beside this one, under a name that no repository has."""
    private = "_swe_sleep_" + name
    if private not in sys.modules:
        spec: Any = importlib.util.spec_from_file_location(private, f"{HERE}/{name}.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[private] = module
        spec.loader.exec_module(module)
    return sys.modules[private]


# the child ---------------------------------------------------------------------------------


def child(job: dict[str, Any]) -> int:
    """One session of pytest, in this process."""
    root, before = job["root"], set(sys.modules)
    os.chdir(root)
    path = [root, *job["path"]]
    sys.path[:] = path + [p for p in sys.path if p not in path]
    os.environ["PYTHONPATH"] = os.pathsep.join(  # for what the tests start
        job["path"] + os.environ.get("PYTHONPATH", "").split(os.pathsep)
    ).strip(os.pathsep)
    sys.argv = ["pytest"]
    sys.dont_write_bytecode = True
    sibling("bytecode").install(root, os.path.join(job["scratch"], "code"))
    events = sibling("events")
    try:
        import pytest
    except ImportError as error:
        events.append(job["events"], {"e": "fatal", "text": f"pytest can not be imported: {error}"})
        return 71
    probe = sibling("probe")
    log = probe.Log(job["events"], events.append)
    lines = None
    if job["coverage"]:
        try:
            lines = sibling("lines").Lines(root, [job["scratch"]], job["lines"])
        except ImportError:
            log.write(e="problem", text="coverage is not installed in the project's environment")
    cache = os.path.join(job["folder"], "cache")
    plugin = probe.Probe(job, log, events.cut, lines)
    code = int(pytest.main(probe.arguments(root, cache, job.get("options", [])), plugins=[plugin]))
    log.write(e="exit", code=code)
    if job.get("modules"):
        with open(job["modules"], "w", encoding="utf-8") as out:
            json.dump(outside_modules(root, before), out)
    return code


def outside_modules(root: str, before: set[str]) -> list[str]:
    """Modules imported since, in order, that are neither the repository's nor rewritten by
    pytest."""
    found = []
    for name, module in list(sys.modules.items()):
        if name in before:
            continue
        file = getattr(module, "__file__", None)
        loader = type(getattr(module, "__loader__", None)).__name__
        if not file or name.startswith(("_swe_sleep_", "__")) or loader == "AssertionRewritingHook":
            continue
        if not os.path.realpath(file).startswith(root + os.sep):
            found.append(name)
    return found


def spawn(job: dict[str, Any]) -> int:
    """Fork a child that runs the job; its process id."""
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        os.setsid()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        try:
            with open("/proc/self/oom_score_adj", "w") as file:
                file.write("1000")  # the tests are to go before the one that watches them
        except OSError:
            pass
        nothing = os.open(os.devnull, os.O_RDONLY)
        log = os.open(os.path.join(job["folder"], "log"), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        for target, source in ((0, nothing), (1, log), (2, log)):
            os.dup2(source, target)
        os.closerange(3, 64)
        code = child(job)
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        import traceback

        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)  # threads and exit functions of the tests do not hold us up


# the one that watches ----------------------------------------------------------------------


class Watch:
    """What one run has shown so far, over all its children."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.job = job
        self.offset = 0
        self.order: list[str] | None = None
        self.done: set[str] = set()
        self.bad = 0
        self.fatal = False
        self.crashes = 0
        self.began = time.time()
        self.deadline = time.monotonic() + job["timeout_s"]
        self.forget()

    def forget(self) -> None:
        """Before a new child."""
        self.running = self.collecting = self.last_words = ""
        self.since = time.monotonic()
        self.ended = self.full = False

    def read(self) -> bool:
        """Take in the new whole lines; whether there were any."""
        try:
            with open(self.job["events"], "rb") as file:
                file.seek(self.offset)
                data = file.read()
        except FileNotFoundError:
            return False
        data = data[: data.rfind(b"\n") + 1]
        self.offset += len(data)
        for line in data.splitlines():
            self.take(json.loads(line))
        return bool(data)

    def take(self, event: dict[str, Any]) -> None:
        kind = event["e"]
        self.since = time.monotonic()
        if kind == "collecting":
            self.collecting = event["id"]
        elif kind == "collected" and self.order is None:
            self.order = event["ids"]
        elif kind == "start":
            self.running = event["id"]
        elif kind in ("result", "file"):
            self.bad += event["outcome"] in ("failed", "error", "timeout")
            self.full = self.full or NO_SPACE in event.get("message", "")
            if kind == "result":
                self.done.add(event["id"])
                self.running = ""
        elif kind == "interrupted":
            self.last_words = event["text"]
        elif kind == "fatal":
            self.fatal = True
        elif kind == "end":
            self.ended = True

    def overdue(self) -> str:
        """ "" or what must be ended now: the run, a test, or a file's import."""
        waited, grace = time.monotonic() - self.since, 2 * self.job["grace_s"]
        if time.monotonic() > self.deadline:
            return "run"
        if self.full:
            return "disk"
        if self.ended:
            return "end" if waited > END_S else ""
        if self.running:
            return "test" if waited > self.job["test_timeout_s"] + grace else ""
        if self.collecting:
            return "file" if waited > self.job["import_timeout_s"] + grace else ""
        return ""

    def rest(self) -> list[str]:
        if self.job["collect_only"]:
            return []
        return [name for name in self.order or () if name not in self.done]

    def write(self, **event: Any) -> None:
        try:
            sibling("events").append(self.job["events"], event)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            make_room(self.job, self.began)
            sibling("events").append(self.job["events"], event)
        self.read()


def make_room(job: dict[str, Any], since: float) -> None:
    """A test filled the disk, and has ended: remove what tests wrote outside of the repository's
    copy, and what is large and new in it."""
    temporary = os.path.realpath(os.environ["TMPDIR"])  # `tempfile` would look for one with room
    for name in os.listdir(temporary):
        path = os.path.join(temporary, name)
        if not (os.path.realpath(job["folder"]) + os.sep).startswith(path + os.sep):
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path, ignore_errors=True)
            else:
                remove(path)
    os.makedirs(os.path.expanduser("~"), exist_ok=True)
    for folder, _, names in os.walk(job["root"]):
        for name in names:
            path = os.path.join(folder, name)
            try:
                stat = os.lstat(path)
            except OSError:
                continue
            if stat.st_size >= LARGE and stat.st_mtime >= since:
                remove(path)


def remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass


def follow(pid: int, watch: Watch) -> tuple[int, str]:
    """Watch a child to its end: its wait status, and what it was killed for."""
    pause = 0.001
    killed = ""
    try:
        while True:
            ended, status = os.waitpid(pid, os.WNOHANG)
            pause = 0.001 if watch.read() else min(0.02, pause * 1.3)
            if ended:
                return status, killed
            killed = watch.overdue()
            if killed:
                os.kill(pid, signal.SIGKILL)
                status = os.waitpid(pid, 0)[1]
                watch.read()
                return status, killed
            time.sleep(pause)
    finally:
        try:
            os.killpg(pid, signal.SIGKILL)  # what the tests left running
        except OSError:
            pass
        end_the_rest()


def adopt() -> None:
    """Become the parent of whatever loses its own below this process, where the system can."""
    try:
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        pass


def end_the_rest() -> None:
    """End what left the tests' session: all of it is below this process."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return
    found: set[int] = set()
    while below(os.getpid()) - found:  # first stopped, as some fork faster than they die
        for pid in below(os.getpid()) - found:
            found.add(pid)
            send(pid, signal.SIGSTOP)
    for pid in found:
        send(pid, signal.SIGKILL)
    try:
        while True:
            os.waitpid(-1, 0)
    except ChildProcessError:
        pass


def send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except OSError:
        pass


def below(pid: int) -> set[int]:
    """All processes that descend from one."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    parent = int(file.read().rpartition(b") ")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(name))
    found: set[int] = set()
    pending = [pid]
    while pending:
        mine = children.get(pending.pop(), [])
        found.update(mine)
        pending += mine
    return found


def supervise(job: dict[str, Any]) -> None:
    """Run the job to its end; the last event is `done`, with a problem where it is not whole."""
    job["root"] = os.path.realpath(job["root"])
    os.makedirs(job["folder"], exist_ok=True)
    job["events"] = os.path.join(job["folder"], "events.jsonl")
    job["lines"] = os.path.join(job["folder"], "lines.jsonl")
    job["ignore"], job["exact"] = [], False
    watch = Watch(job)
    if job["ids"] is not None and not select_files(job, watch):
        return
    problem: str | None = None
    while problem is None:
        watch.forget()
        status, killed = follow(spawn(job), watch)
        problem = step(job, watch, status, killed)
    if watch.fatal:
        return
    watch.write(e="done", problem=problem)
    shutil.rmtree(os.path.join(job["folder"], "cache"), ignore_errors=True)


def step(job: dict[str, Any], watch: Watch, status: int, killed: str) -> str | None:
    """After a child ended: None to run the rest in a new one, else the run's problem or ""."""
    if killed == "run":
        left = f"; {len(watch.rest())} tests did not finish" if watch.order else ""
        return f"the tests were stopped at the time limit of {job['timeout_s']:g} s{left}"
    crash = description(status, killed)
    file, test = watch.collecting, watch.running
    if watch.full:
        make_room(job, watch.began)
    if killed == "disk":
        pass  # what was running by then runs again
    elif test:
        outcome = "timeout" if killed == "test" else "error"
        limit = f"ran longer than {job['test_timeout_s']:g} s and could not be interrupted"
        died = watch.last_words or f"the test's process {crash}"
        message = limit if outcome == "timeout" else died
        watch.write(
            e="result", id=test, outcome=outcome, message=message, duration_s=watch_age(watch)
        )
    elif file and not watch.ended:
        outcome = "timeout" if killed == "file" else "error"
        limit = f"importing it took longer than {job['import_timeout_s']:g} s"
        message = limit if outcome == "timeout" else f"importing it: the process {crash}"
        watch.write(e="file", id=file, outcome=outcome, message=message, frames=[])
        job["ignore"].append(file)
        job["files"] = [name for name in job.get("files", ()) if name != file]
    elif watch.ended:
        rest = watch.rest()
        if (rest or watch.last_words) and not (watch.bad and job["fail_fast"]):
            why = f" ({watch.last_words})" if watch.last_words else ""
            count = f"; {len(rest)} tests did not run" if rest else ""
            return f"pytest stopped by itself{why}{count}"
        return ""
    elif not watch.order:
        return f"pytest {crash} before any test ran"
    rest = watch.rest()
    if (watch.order is not None and not rest) or (job["fail_fast"] and watch.bad):
        return ""
    watch.crashes += 1
    if watch.crashes > job["most_restarts"]:
        return f"given up after {watch.crashes} crashes; {len(rest)} tests did not run"
    if watch.order is not None:
        job["ids"], job["exact"], job["strict"] = rest, True, False
        job["files"] = list(dict.fromkeys(name.split("::", 1)[0] for name in rest))
    return None


def watch_age(watch: Watch) -> float:
    return round(time.monotonic() - watch.since, 3)


def description(status: int, killed: str) -> str:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        name = signal.Signals(number).name if number in set(signal.Signals) else str(number)
        memory = ", most likely for memory" if number == signal.SIGKILL and not killed else ""
        return f"was ended by {name}{memory}"
    return f"ended with exit code {os.WEXITSTATUS(status)}"


def select_files(job: dict[str, Any], watch: Watch) -> bool:
    """Which files pytest has to read for the ids; False where one is unknown and that matters."""
    names = list(dict.fromkeys(name.split("::", 1)[0] for name in job["ids"]))
    missing = [n for n in names if not os.path.exists(os.path.join(job["root"], n))]
    job["files"] = [name for name in names if name not in missing]
    if missing:
        ids = [name for name in job["ids"] if name.split("::", 1)[0] in missing]
        watch.write(e="unknown", ids=ids, known=test_files(job["root"]))
    if (missing and job["strict"]) or not job["files"]:
        watch.write(e="done", problem="")
        return False
    return True


def test_files(root: str) -> list[str]:
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith((".", "__"))]
        for name in files:
            if name.endswith(".py") and "test" in name:
                found.append(os.path.relpath(os.path.join(folder, name), root).replace(os.sep, "/"))
    return found


# many runs ---------------------------------------------------------------------------------


TRIED: set[str] = set()


class Refuse:
    """An import hook that keeps the repository's own modules out of the server."""

    def __init__(self, root: str) -> None:
        self.root = root + os.sep

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if any(os.path.realpath(str(p)).startswith(self.root) for p in path or ()):
            raise ImportError(name)
        for finder in [f for f in sys.meta_path if f is not self and hasattr(f, "find_spec")]:
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                # The origin of a built-in module is a word, not a file in the current folder.
                places = spec.submodule_search_locations
                if spec.has_location and spec.origin:
                    places = [spec.origin]
                if any(os.path.realpath(p).startswith(self.root) for p in places or ()):
                    raise ImportError(name)
                return spec
        return None


def preload(names: list[str], root: str) -> None:
    """Import what the tests imported that is not the repository's; what fails is left to them."""
    hook: Any = Refuse(root)
    sys.meta_path.insert(0, hook)
    try:
        for name in names:
            if name not in sys.modules and name not in TRIED:
                TRIED.add(name)
                try:
                    importlib.import_module(name)
                except BaseException:
                    continue
    finally:
        sys.meta_path.remove(hook)
    gc.collect()
    if hasattr(gc, "freeze"):
        gc.freeze()


def serve(folder: str, root: str, scratch: str) -> None:
    """Take job files named on one pipe, and answer on another when each is done."""
    root = os.path.realpath(root)
    for name in ("jobs", "answers"):
        os.mkfifo(os.path.join(folder, name), 0o600)
    # Opened for both, so that neither side ever waits for the other to open it.
    jobs = os.open(os.path.join(folder, "jobs"), os.O_RDWR)
    answers = os.open(os.path.join(folder, "answers"), os.O_RDWR)
    modules = os.path.join(scratch, "modules")
    preload(["pytest", "coverage", "traceback"], root)
    preload(read_names(modules), root)
    with open(os.path.join(folder, "pid.new"), "w", encoding="ascii") as out:
        out.write(str(os.getpid()))
    os.rename(os.path.join(folder, "pid.new"), os.path.join(folder, "pid"))
    with os.fdopen(jobs, "r", encoding="utf-8") as lines:
        for line in lines:
            with open(line.strip(), encoding="utf-8") as file:
                job = json.load(file)
            job["modules"] = modules
            supervise(job)
            os.write(answers, b"done\n")
            preload(read_names(modules), root)


def read_names(path: str) -> list[str]:
    """What the last run left; nothing where its tests ended before they could say."""
    try:
        with open(path, encoding="utf-8") as file:
            names = json.load(file)
    except (OSError, ValueError):
        return []
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def main(argv: list[str]) -> None:
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") != HERE]
    adopt()
    if argv[0] == "serve":
        serve(argv[1], argv[2], argv[3])
        return
    job = json.load(sys.stdin)
    supervise(job)
    try:
        with open(os.path.join(job["folder"], "log"), encoding="utf-8", errors="replace") as log:
            text = log.read()
    except OSError:
        text = ""
    print(sibling("events").cut(text, 20_000))


if __name__ == "__main__":
    main(sys.argv[1:])
