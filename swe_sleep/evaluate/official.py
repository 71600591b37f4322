"""SWE-bench's own verdict: its tests run by its command, its parser for the log, its judgement.

The only module that imports `swebench` (5.x), late, as it is an extra. Since 5.0 a data set itself
says how an instance is run: `eval_script`, `log_parser`, `image`. What older data sets leave open
is said by `COMMANDS`, and by the parsers that the package has for repositories.
"""

from __future__ import annotations

import posixpath
import shlex
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from swe_sleep.errors import RepositoryError, SandboxError
from swe_sleep.evaluate import applying, unittests
from swe_sleep.evaluate.extras import need
from swe_sleep.evaluate.grading import TIMEOUT_S, hidden_files, hidden_tests
from swe_sleep.evaluate.naming import files_named, is_runnable
from swe_sleep.evaluate.tasks.task import Answer, Case
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.sandbox.protocol import Progress, Sandbox

PYTEST = "pytest -rA"
COMMANDS: Mapping[str, str] = {
    **unittests.COMMANDS,
    "astropy/astropy": "pytest -rA -vv -o console_output_style=classic --tb=no",
    "mwaskom/seaborn": "pytest --no-header -rA",
    "sympy/sympy": (
        "PYTHONWARNINGS=ignore::UserWarning,ignore::SyntaxWarning bin/test -C --verbose"
    ),
}
"""How a repository's tests are run; all others by `PYTEST`."""
PARSER = "parse_log_pytest"
"""Of a repository that the package does not know."""
CUTTING = frozenset(
    f"parse_log_{name}"
    for name in (
        *("pytest", "pytest_options", "matplotlib", "seaborn", "astroid", "flask", "marshmallow"),
        *("pvlib", "pyvista", "sqlfluff", "xarray", "pydicom", "requests", "pylint"),
    )
)
"""Parsers that end a test's name at its first blank."""
PYTHON_PARSERS = CUTTING | {
    f"parse_log_{name}" for name in ("pytest_v2", "astropy", "scikit", "sphinx", "django", "sympy")
}
"""Parsers for what Python's own runners print."""
START, END, EXIT = ">>>>> Start Test Output", ">>>>> End Test Output", ">>>>> Test Exit Code"
NOT_APPLIED, TIMED_OUT = ">>>>> Patch Apply Failed", ">>>>> Tests Timed Out"
MOST_BYTES = 500_000_000


@dataclass(frozen=True, slots=True)
class Official:
    """What the `swebench` package says of a log."""

    resolved: bool
    statuses: Mapping[str, str]
    """Every test that its parser found, in its words."""
    failing: tuple[str, ...] = ()
    """The named tests that it counts as failed."""
    problem: str = ""
    log: str = ""


def parser_of(case: Case) -> str:
    """The name of the parser for the logs of this case."""
    known = _package("log_parsers.python").MAP_REPO_TO_PARSER_PY.get(case.task.repo)
    return case.answer.official.get("log_parser") or (
        PARSER if known is None else str(known.__name__)
    )


def _package(name: str) -> ModuleType:
    """A module of its harness. Raises UsageError where the extra is not installed.

    The harness's own `__init__` is passed by: it imports Modal, data sets and pandas, which takes
    five seconds, and reads a file `.env` into our environment.
    """
    where = [f"{folder}/harness" for folder in need("swebench", extra="swebench").__path__]
    harness = "swebench.harness"
    if harness in sys.modules:
        return need(f"{harness}.{name}", extra="swebench")
    bare = ModuleType(harness)
    bare.__path__ = where
    sys.modules[harness] = bare
    try:
        return need(f"{harness}.{name}", extra="swebench")
    finally:  # whoever else wants it gets the whole of it
        del sys.modules[harness]


def statuses(case: Case, log: str) -> dict[str, str]:
    """What its parser finds in a log: test -> status, in its words."""
    with tempfile.TemporaryDirectory(prefix="swe-sleep-log-") as folder:
        place = Path(folder) / "test_output.txt"
        place.write_text(log, encoding="utf-8", errors="replace")
        found, _ = _package("grading").get_logs_eval(_spec(case, ()), str(place))
    return dict(found)


def judge(case: Case, patch: str, log: str, *, rest: Sequence[str] = ()) -> Official:
    """Its verdict on a patch, by the log of the tests with it. `rest` are further tests that have
    to pass."""
    spec = _spec(case, rest)
    prediction = {
        "instance_id": case.id,
        "model_name_or_path": "swe-sleep",
        "model_patch": patch if patch.strip() else None,
    }
    with tempfile.TemporaryDirectory(prefix="swe-sleep-log-") as folder:
        place = Path(folder) / "test_output.txt"
        place.write_text(log, encoding="utf-8", errors="replace")
        report: dict[str, Any] = _package("grading").get_eval_report(
            spec, prediction, str(place), include_tests_status=True
        )[case.id]
    tests = report.get("tests_status", {})
    failed = {name for kind in tests.values() for name in kind["failure"]}
    named = (*case.answer.fail_to_pass, *case.answer.pass_to_pass, *rest)
    failing = [name for name in named if as_logged(name, spec.log_parser) in failed]
    problem = "" if tests else str(report.get("infra_failure_reason") or "its log has no tests")
    return Official(bool(report["resolved"]), statuses(case, log), tuple(failing), problem, log)


def as_logged(name: str, parser: str) -> str:
    """A test's name as the parser reads it from a log: most end it at the first blank."""
    return name.split()[0] if parser in CUTTING and name.strip() else name


def _spec(case: Case, rest: Sequence[str]) -> Any:
    spec = need("swebench.types", extra="swebench").TestSpec
    answer, parser = case.answer, parser_of(case)
    kept = dict.fromkeys((*answer.pass_to_pass, *rest))
    return spec(
        instance_id=case.id,
        image=case.task.image,
        eval_script_list=[],
        repo=case.task.repo,
        version=case.task.version,
        FAIL_TO_PASS=[as_logged(name, parser) for name in answer.fail_to_pass],
        PASS_TO_PASS=[as_logged(name, parser) for name in kept],
        log_parser=parser,
        eval_type=answer.official.get("eval_type") or "pass_and_fail",
    )


def run(
    case: Case,
    snapshot: Snapshot,
    patch: str,
    sandbox: Sandbox,
    *,
    progress: Progress = lambda text: None,
    timeout_s: float = TIMEOUT_S,
    rest: Sequence[str] = (),
) -> str:
    """The log of the tests with a patch, as the harness would have it; the sandbox is left reset.

    The files of the hidden tests are run, of the named ones, and of the `rest`. Raises
    RepositoryError where the hidden tests do not fit the commit, and what the sandbox raises.
    """
    hidden = hidden_files(case.answer, snapshot)
    try:
        files = applying.applied(patch, snapshot, sandbox) if patch.strip() else {}
    except RepositoryError as error:
        return f"{NOT_APPLIED}:\n{error}\n"
    in_image = bool(case.task.image) and sandbox.environment.image == case.task.image
    own = case.answer.official.get("eval_script", "") if in_image else ""
    # A script of the publisher's puts the hidden tests in itself.
    judging = dict(_before(hidden, snapshot) if own else applying.with_modes(hidden, snapshot))
    further = _further(case.answer, rest)
    judging |= _before([path for path in further if path not in judging], snapshot)
    where = dict.fromkeys((*hidden_tests(case.answer, hidden), *further))
    script = own or made_script(case, list(where), in_image=in_image)
    sandbox.reset()
    try:
        applying.put(files, sandbox)
        applying.put(judging, sandbox)
        progress("running the tests by SWE-bench's command")
        return _log(script, sandbox, timeout_s)
    finally:
        sandbox.reset()


def _before(paths: Iterable[str], snapshot: Snapshot) -> applying.Files:
    """Files as they are on the base commit."""
    return {
        path: (snapshot.read(path), applying.mode(path, snapshot))
        if path in snapshot.files
        else None
        for path in paths
    }


def _further(answer: Answer, rest: Sequence[str]) -> tuple[str, ...]:
    """Files of named tests, where the names tell them."""
    names = (*answer.fail_to_pass, *answer.pass_to_pass, *rest)
    return files_named([name for name in names if is_runnable(name)], ())


def made_script(case: Case, places: Sequence[str], *, in_image: bool) -> str:
    """How the harness runs an instance whose data set does not say it itself."""
    repo = case.task.repo
    if repo in unittests.COMMANDS:
        places = [unittests.label(path) for path in places if path.endswith(".py")]
    begin = ["source /opt/miniconda3/bin/activate", "conda activate testbed"] if in_image else []
    return "\n".join(
        [
            "#!/bin/bash",
            *begin,
            "set -uxo pipefail",
            f": '{START}'",
            f"{COMMANDS.get(repo, PYTEST)} {shlex.join(places)}",
            "SWEBENCH_TEST_EXIT_CODE=$?",
            f": '{END}'",
            f'echo "{EXIT}: $SWEBENCH_TEST_EXIT_CODE"',
            "",
        ]
    )


def _log(script: str, sandbox: Sandbox, timeout_s: float) -> str:
    place = posixpath.join(sandbox.scratch, "eval.sh")
    output = posixpath.join(sandbox.scratch, "eval.log")
    sandbox.put({place: script.encode("utf-8", "surrogateescape")})
    try:
        # Into a file, as what a command prints is cut where it is long.
        done = sandbox.run(
            ["bash", "-c", 'exec bash "$1" > "$2" 2>&1', "eval", place, output],
            timeout_s=timeout_s,
        )
        try:
            log = sandbox.get(output, limit_bytes=MOST_BYTES).decode("utf-8", "replace")
        except FileNotFoundError as error:
            raise SandboxError(f"The tests could not be started: {done.stderr.strip()}") from error
    finally:
        sandbox.put({place: None, output: None})
    return f"{log}\n{TIMED_OUT}\n" if done.cut else log
