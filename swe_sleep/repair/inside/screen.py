"""Judges many candidates in one session of pytest, some hundred a second.

    screen.py FOLDER < JOB

The tests are collected once. Each candidate gets a fork, several at a time, in which its code is
exchanged for the live functions' (`exchange.py`); there the failing tests run, and if they pass,
those that the edit can reach. A `passed` is still to be tried in a fresh process: this sorts out.

The job is that of `runner.py`, with `failing` (the first so many of `ids` must pass), and `forks`
at a time. Batches come as file names on the pipe `jobs`; each is answered on the pipe `answers`
when its results are written. A batch is a JSON object:

    candidates       a list of [edits, group], edits as in `exchange.py`
    groups           lists of indexes of `ids`: the tests that an edit can reach
    most_passed      stop after so many
    values           whether to look at the values first
    timeout_s        of the batch; test_timeout_s of a failing test, in processor time
    results          the file that gets a line a candidate, in order: the verdict, how many of the
                     failing tests passed, and the index of the test that it breaks, or -1

The verdicts: passed, failed (a failing test still fails), broke (one that passed fails now),
idle (by the values seen in the failing tests it would change nothing there; see `values.py`), same
(it means what stands there), unknown (not to be judged here).
"""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import select
import signal
import sys
import time
from typing import Any

import pytest
from _pytest import tmpdir

HERE = os.path.dirname(os.path.abspath(__file__))
# `tmp_path` looks there for what the reports, which are left out here, would have filled in.
RESULTS: Any = getattr(tmpdir, "tmppath_result_key", None)
WALL = 5  # on a busy machine a test may have to wait for its processor time
SLACK_S = 1.0  # of processor time, for a test that is quick
GENEROUS_S = 20.0  # for a test whose time is not known yet
TRACING = 20  # times as long may a test take that is traced
UNKNOWN = ("unknown", 0, -1)


def sibling(name: str) -> Any:
    private = "_swe_sleep_" + name
    if private not in sys.modules:
        spec: Any = importlib.util.spec_from_file_location(private, f"{HERE}/{name}.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[private] = module
        spec.loader.exec_module(module)
    return sys.modules[private]


class Fork:
    """A child that runs tests and tells through a pipe, a line each, how it went: the seconds, `F`
    for one that does not pass, which ends it, or `?` where the candidate could not be put in."""

    def __init__(
        self,
        screen: Screen,
        steps: list[Any],
        tests: list[int],
        limits: list[float],
        last_words: Any = None,
    ) -> None:
        self.tests = tests
        self.told = b""
        self.ended = False
        self.until = time.monotonic() + WALL * sum(limits) + 1.0
        reading, writing = os.pipe()
        self.pipe = reading
        self.pid = os.fork()
        if not self.pid:
            try:
                os.close(reading)
                os.setsid()
                signal.signal(signal.SIGPROF, signal.SIG_DFL)
                try:
                    for step in steps:
                        step()
                except BaseException:
                    os.write(writing, b"?\n")
                    os._exit(1)
                if last_words is None:
                    screen.run(tests, limits, writing)
                else:
                    for test, limit in zip(tests, limits):  # one that fails ends only itself
                        screen.run([test], [limit], writing)
                    sys.settrace(None)
                    os.write(writing, last_words() + b"\n")
            finally:
                os._exit(0)
        os.close(writing)

    def read(self) -> bool:
        """Take in what there is; whether it has ended."""
        more = os.read(self.pipe, 4096)
        self.told += more
        self.ended = not more
        return self.ended

    def wait(self) -> None:
        """Read to the end, or to its time limit."""
        while time.monotonic() < self.until:
            left = max(0.0, self.until - time.monotonic())
            if select.select([self.pipe], [], [], left)[0] and self.read():
                break
        self.end()

    def end(self) -> None:
        os.close(self.pipe)
        for kill in (os.killpg, os.kill):  # what the tests left running goes too
            try:
                kill(self.pid, signal.SIGKILL)
            except OSError:
                pass
        os.waitpid(self.pid, 0)

    @property
    def times(self) -> list[float]:
        """Of the tests that passed."""
        return [float(line) for line in self.told.split() if line not in (b"F", b"?")]


class Trial:
    """A candidate on its way through one or two forks."""

    def __init__(self, index: int, steps: list[Any], group: list[int]) -> None:
        self.index, self.steps, self.group = index, steps, group
        self.reached = 0


class Screen:
    """Takes the place of pytest's loop over the tests."""

    def __init__(self, job: dict[str, Any], folder: str) -> None:
        self.job, self.folder = job, folder
        self.items: list[Any] = []
        self.took: dict[int, float] = {}
        """Processor seconds of a test that passes as things are."""
        self.out: set[int] = set()
        """Tests that do not pass in this kind of session as things are."""
        self.kills: dict[int, int] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: Any) -> bool:
        places = {item.nodeid: item for item in session.items}
        ids = self.job["ids"]
        failing = self.job["failing"]
        if session.testsfailed and not all(name in places for name in ids[:failing]):
            return True  # not all could be collected: nothing is judged
        self.items = [places.get(name) for name in ids]
        self.out = {i for i, item in enumerate(self.items) if item is None}
        if self.out & set(range(failing)):
            return True
        self.exchange = sibling("exchange").Exchange(self.job["root"])
        factory = getattr(session.config, "_tmp_path_factory", None)
        if factory is not None:
            factory.getbasetemp()  # one folder for all forks, not one each
        gc.collect()
        if hasattr(gc, "freeze"):
            gc.freeze()
        now = self._first(Trial(0, [], []), GENEROUS_S)
        now.wait()
        os.write(
            2,
            repr(
                (now.told, now.ended, self.out, ids, failing, time.monotonic(), now.until)
            ).encode(),
        )
        if len(now.times) < len(now.tests):  # else they do not fail in this kind of session
            self.serve()
        return True

    # -- the batches -----------------------------------------------------------------------------

    def serve(self) -> None:
        for name in ("jobs", "answers"):
            os.mkfifo(os.path.join(self.folder, name), 0o600)
        # Opened for both, so that neither side ever waits for the other to open it.
        jobs = os.open(os.path.join(self.folder, "jobs"), os.O_RDWR)
        answers = os.open(os.path.join(self.folder, "answers"), os.O_RDWR)
        with open(os.path.join(self.folder, "pid.new"), "w", encoding="ascii") as out:
            out.write(str(os.getpid()))
        os.rename(os.path.join(self.folder, "pid.new"), os.path.join(self.folder, "pid"))
        with os.fdopen(jobs, "r", encoding="utf-8") as lines:
            for line in lines:
                with open(line.strip(), encoding="utf-8") as file:
                    batch = json.load(file)
                results = self.judge(batch)
                with open(batch["results"] + ".new", "w", encoding="utf-8") as out:
                    out.writelines(json.dumps(result) + "\n" for result in results)
                os.rename(batch["results"] + ".new", batch["results"])
                os.write(answers, b"done\n")

    def judge(self, batch: dict[str, Any]) -> list[tuple[str, int, int]]:
        """Verdicts for a first part of the candidates, at best all."""
        until = time.monotonic() + batch["timeout_s"]
        candidates = batch["candidates"]
        results: dict[int, tuple[str, int, int]] = {}
        changes = [self.exchange.change([tuple(e) for e in edits]) for edits, _ in candidates]
        idle = self._idle(changes, batch["test_timeout_s"]) if batch["values"] else set()
        running: dict[int, tuple[Fork, Trial]] = {}
        waiting: list[Trial] = []  # past the failing tests
        following = passed = 0
        while True:
            over = passed >= batch["most_passed"] or time.monotonic() > until
            while len(running) < self.job["forks"] and not over:
                if waiting:
                    trial = waiting.pop(0)
                    fork = self._second(trial)
                elif following < len(candidates):
                    change, group = changes[following], candidates[following][1]
                    trial = Trial(following, [], batch["groups"][group] if group >= 0 else [])
                    following += 1
                    if change is None or not change.steps or trial.index in idle:
                        word = (
                            "idle" if trial.index in idle else "unknown" if not change else "same"
                        )
                        results[trial.index] = (word, 0, -1)
                        continue
                    trial.steps = change.steps
                    fork = self._first(trial, batch["test_timeout_s"])
                else:
                    break
                if fork is None:
                    results[trial.index] = ("passed", trial.reached, -1)
                    passed += 1
                    over = passed >= batch["most_passed"]
                else:
                    running[fork.pipe] = fork, trial
            if not running:
                break
            for fork, trial in self._ended(running, until):
                del running[fork.pipe]
                fork.end()
                if not fork.ended and time.monotonic() > until:
                    continue  # it had no fair chance
                result = self._verdict(fork, trial)
                if result is None:
                    waiting.append(trial)
                else:
                    results[trial.index] = result
                    passed += result[0] == "passed"
        done = []
        for index in range(following):
            if index not in results:
                break
            done.append(results[index])
        return done

    def _idle(self, changes: list[Any], limit_s: float) -> set[int]:
        """Those that change nothing in the failing tests, by the values there."""
        values = sibling("values")
        probes: dict[int, Any] = {}
        by_file: dict[str, list[Any]] = {}
        for index, change in enumerate(changes):
            if change is not None and len(change.trees) == 1:
                name, old, new = change.trees[0]
                probe = values.probe_of(old, new)
                if probe is not None:
                    probes[index] = probe
                    by_file.setdefault(name, []).append(probe)
        if not probes:
            return set()

        def told() -> bytes:
            return "".join(".x"[probe.ruled_out] for probe in probes.values()).encode()

        tests = list(range(self.job["failing"]))
        limits = [TRACING * limit_s] * len(tests)
        fork = Fork(self, [values.Watch(by_file).start], tests, limits, told)
        fork.wait()
        last = fork.told.split()[-1:]
        if not last or len(last[0]) != len(probes):
            return set()  # it did not come to its end
        return {index for index, mark in zip(probes, last[0]) if mark == ord("x")}

    def _first(self, trial: Trial, limit_s: float) -> Fork:
        tests = list(range(self.job["failing"]))
        return Fork(self, trial.steps, tests, [limit_s] * len(tests))

    def _second(self, trial: Trial) -> Fork | None:
        """The tests that the edit can reach, most telling first; None where there are none."""
        self._measure(trial.group)
        tests = [t for t in trial.group if t not in self.out]
        tests.sort(key=lambda t: (-self.kills.get(t, 0), self.took[t]))
        if not tests:
            return None
        return Fork(self, trial.steps, tests, [SLACK_S + 5 * self.took[t] for t in tests])

    def _measure(self, group: list[int]) -> None:
        """Run tests as things are, once: how long they take, and which do not pass here."""
        todo = [t for t in group if t not in self.out and t not in self.took]
        while todo:
            fork = Fork(self, [], todo, [GENEROUS_S] * len(todo))
            fork.wait()
            self.took.update(zip(todo, fork.times))
            passed = len(fork.times)
            self.out.update(todo[passed : passed + 1])  # it failed, or the fork died in it
            todo = todo[passed + 1 :]

    def _ended(self, running: dict[int, Any], until: float) -> list[tuple[Fork, Trial]]:
        """Wait for forks to end; those that are over their time, or late for all, are ended."""
        soonest = min(until + 2.0, *(fork.until for fork, _ in running.values()))
        wait = max(0.0, soonest - time.monotonic())
        ready, _, _ = select.select(list(running), [], [], wait)
        over = [running[pipe] for pipe in ready if running[pipe][0].read()]
        if not ready:
            now = time.monotonic()
            over = [pair for pair in running.values() if pair[0].until <= now or until < now]
        return over

    def _verdict(self, fork: Fork, trial: Trial) -> tuple[str, int, int] | None:
        """None: the tests that the edit can reach are next."""
        if fork.told[:1] == b"?":
            return UNKNOWN
        passed = len(fork.times)
        if fork.tests and fork.tests[0] < self.job["failing"] and not trial.reached:
            if passed < len(fork.tests):
                return ("failed", passed, -1)
            trial.reached = passed
            return None
        if passed < len(fork.tests):
            killer = fork.tests[passed]
            self.kills[killer] = self.kills.get(killer, 0) + 1
            return ("broke", trial.reached, killer)
        return ("passed", trial.reached, -1)

    # -- in the fork -----------------------------------------------------------------------------

    def run(self, tests: list[int], limits: list[float], out: int) -> None:
        """Run tests through pytest's hooks, but without the reports, which take most of the time
        of a test that fails; the first exception, a skip included, ends it. Each has so much
        processor time, not wall time, so that a busy machine condemns nothing."""
        items = [self.items[test] for test in tests]
        for item, following, limit in zip(items, [*items[1:], None], limits):
            signal.setitimer(signal.ITIMER_PROF, limit)
            began = time.process_time()
            if not getattr(item, "_request", True):
                item._initrequest()
            if RESULTS is not None:
                item.stash[RESULTS] = {}
            try:
                item.ihook.pytest_runtest_setup(item=item)
                item.ihook.pytest_runtest_call(item=item)
                item.ihook.pytest_runtest_teardown(item=item, nextitem=following)
            except BaseException:
                os.write(out, b"F\n")
                return
            os.write(out, b"%.4f\n" % (time.process_time() - began))


def main() -> None:
    folder, job = sys.argv[1], json.load(sys.stdin)
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") != HERE]
    os.chdir(job["root"])
    sys.path[:] = [p for p in job["path"] if p not in sys.path] + sys.path
    sys.argv = ["pytest"]
    sys.dont_write_bytecode = True
    sibling("bytecode").install(job["root"], os.path.join(job["scratch"], "code"))
    probe, events = sibling("probe"), sibling("events")
    log = probe.Log(os.devnull, events.append)
    job["ignore"], job["exact"] = [], False
    job["files"] = list(dict.fromkeys(name.split("::", 1)[0] for name in job["ids"]))
    plugins = [probe.Probe(job, log, events.cut, None), Screen(job, folder)]
    pytest.main(
        probe.arguments(job["root"], os.path.join(folder, "cache"), job["options"]), plugins
    )
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
