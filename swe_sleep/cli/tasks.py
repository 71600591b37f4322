"""`swe-sleep tasks`: suites of tasks with known answers, and whether they are what they claim."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from swe_sleep.cli import mining, output
from swe_sleep.cli.sleep import BackendName
from swe_sleep.cli.suites import Fetch, Jobs, Limit, Only, Repos, Split, Tasks, load
from swe_sleep.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from swe_sleep.cli.display import Display
    from swe_sleep.evaluate.tasks.check import Checked
    from swe_sleep.evaluate.tasks.task import Case, Suite

SHOWN_TITLE = 60
"""Characters of an issue's first line in a list."""

app = typer.Typer(help="Tasks with known answers: see, prove and make them.", no_args_is_help=True)


@app.command("list")
def list_tasks(
    tasks: Tasks = "",
    only: Only = None,
    limit: Limit = None,
    split: Split = "test",
    repos: Repos = None,
    as_json: output.Json = False,
) -> None:
    """The tasks of a suite, a line each.

    Nothing is run, and no answer is shown. With --repos it is said which repositories are missing.

    \b
    swe-sleep tasks list
    swe-sleep tasks list --tasks lite.jsonl --repos ~/mirrors --only django
    """
    suite = load(tasks, split, only, limit, repos, "")
    if as_json:
        output.print_json([_plain(case) for case in suite.cases])
        return
    console = output.console()
    wide = max(len(case.id) for case in suite.cases)
    console.print(f"{'task':<{wide}}  {'level':<6}  {'tests':>5}  issue", style="bold")
    for case in suite.cases:
        tests = len(case.answer.fail_to_pass) or len(case.answer.files)
        level = case.task.difficulty or "-"
        console.print(f"{case.id:<{wide}}  {level:<6}  {tests:>5}  {_title(case)}")
    count = len({case.task.repo for case in suite.cases})
    repositories = "1 repository" if count == 1 else f"{count} repositories"
    console.print(f"{output.count(len(suite.cases), 'task')} of {repositories}", style="dim")
    if repos is not None:
        _tell_missing(console, suite)


@app.command()
def show(
    task: Annotated[str, typer.Argument(metavar="ID", help="The task's id.", show_default=False)],
    tasks: Tasks = "",
    split: Split = "test",
    repos: Repos = None,
    answer: Annotated[
        bool, typer.Option("--answer", help="Show the gold patch and the hidden tests too.")
    ] = False,
    as_json: output.Json = False,
) -> None:
    """One task: its issue as a solver is told it.

    \b
    swe-sleep tasks show quern-backslash
    swe-sleep tasks show django__django-11099 --tasks lite.jsonl --answer
    """
    case = _one(task, load(tasks, split, [task], None, repos, ""))
    if as_json:
        output.print_json(_plain(case) | (_answer(case) if answer else {}))
        return
    console = output.console()
    facts = {"repository": case.task.repo, "commit": case.task.base_commit, "day": case.task.day}
    facts |= {"level": case.task.difficulty, "tags": ", ".join(case.task.tags)}
    facts |= {"image": case.task.image, "older notes": case.task.older}
    for name, value in facts.items():
        if value:
            console.print(f"{name:<12}{output.one_line(value)}", style="dim")
    console.print(f"\n{case.task.text.strip()}\n")
    if answer:
        _show_answer(console, case)


@app.command()
def check(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Tasks, or repositories; all without any."),
    ] = None,
    tasks: Tasks = "",
    limit: Limit = None,
    split: Split = "test",
    repos: Repos = None,
    fetch: Fetch = "",
    jobs: Jobs = 1,
    backend: BackendName = None,
    as_json: output.Json = False,
) -> None:
    """Prove that tasks are what they claim to be.

    Their tests run in the sandbox. Of each task: the repository's own tests do what the author
    states; each hidden test that must fail does so without the fix, and not for want of an import;
    every hidden test passes with the gold patch, and what passed before still does; the gold patch
    touches no test; and neither the issue nor the files, their history or the sandbox give a hidden
    test away. Needs no key.

    \b
    swe-sleep tasks check --jobs 4
    swe-sleep tasks check quern clockbook-bare-minutes --backend docker
    swe-sleep tasks check --tasks mined.jsonl --repos ~/mirrors --json

    Exits with 1 where a task is not right, or could not be checked.
    """
    from swe_sleep.cli import wiring
    from swe_sleep.cli.display import Display
    from swe_sleep.evaluate.tasks.check import check_all

    display = Display(output.console(stderr=True))
    table: _Table | None = None
    found: list[Checked] = []
    try:
        suite = load(tasks, split, names, limit, repos, fetch, display.progress)
        if not as_json:
            table = _Table(output.console(), display, suite)
        with wiring.stopping() as stop:
            for checked in check_all(
                suite,
                backend=_backend(backend),
                jobs=jobs,
                progress=display.progress,
                stop=stop.is_set,
            ):
                found.append(checked)
                if table is not None:
                    table.row(checked)
    finally:
        display.quiet()
    order = {case.id: number for number, case in enumerate(suite.cases)}
    found.sort(key=lambda each: order[each.task])
    wrong = [each for each in found if each.problems]
    left = len(suite.cases) - len(found)
    if as_json:
        output.print_json({"tasks": found, "right": len(found) - len(wrong), "left": left})
    elif table is not None:
        table.end(len(found) - len(wrong), len(wrong), left)
    if stop.is_set():
        raise typer.Exit(130)
    if wrong or left:
        raise typer.Exit(1)


@app.command()
def export(
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="FILE.jsonl", help="Where the tasks go, whole or not at all."
        ),
    ],
    repositories: Annotated[
        Path | None,
        typer.Option(
            "--repositories", metavar="DIR", help="Copy the git directories there, for --repos."
        ),
    ] = None,
    run: Annotated[
        bool,
        typer.Option(
            "--run",
            help='Find out by running which tests "the rest" are, and write them out; without it '
            "only swe-sleep knows what is meant.",
        ),
    ] = False,
    tasks: Tasks = "",
    only: Only = None,
    limit: Limit = None,
    split: Split = "test",
    repos: Repos = None,
    fetch: Fetch = "",
    backend: BackendName = None,
    as_json: output.Json = False,
) -> None:
    """Write tasks in SWE-bench's form, answers included.

    What `list` and `eval` read back is the same task, with the same base commit.

    \b
    swe-sleep tasks export --out bundled.jsonl --repositories repos --run
    swe-sleep tasks list --tasks bundled.jsonl --repos repos
    """
    from swe_sleep.cli.display import Display
    from swe_sleep.evaluate.tasks.export import copy_repositories, write_instances
    from swe_sleep.sandbox.choose import choose

    if out.suffix != ".jsonl":
        raise UsageError(f"{out} should end in .jsonl, as it is read by its name.")
    display = Display(output.console(stderr=True))
    setting = _backend(backend)
    try:
        suite = load(tasks, split, only, limit, repos, fetch, display.progress)
        written = write_instances(
            suite,
            out,
            backend=(lambda options: choose(setting, options=options)) if run else None,
            progress=display.progress,
        )
        copied = {} if repositories is None else copy_repositories(suite, repositories)
    finally:
        display.quiet()
    if as_json:
        places = {repo: str(place) for repo, place in copied.items()}
        output.print_json({"tasks": written, "file": str(out), "repositories": places})
        return
    console = output.console()
    console.print(f"{output.count(written, 'task')} written to {output.shown(out)}")
    for repo, place in copied.items():
        console.print(f"  {repo}: {output.shown(place)}", style="dim")


app.command()(mining.mine)
app.command()(mining.features)

# what the commands share ------------------------------------------------------------------------


def _one(task: str, suite: Suite) -> Case:
    found = next((case for case in suite.cases if case.id == task), None)
    if found is None:
        names = ", ".join(case.id for case in suite.cases[:5])
        raise UsageError(f"{task} is no task's id.", f"There are {names}.")
    return found


def _backend(named: BackendName) -> Any:
    from swe_sleep import config

    return config.load(flags={"sandbox.backend": named}).sandbox.backend


def _title(case: Case) -> str:
    first = next((line for line in case.task.text.splitlines() if line.strip()), "")
    title = output.one_line(first.lstrip("# "))
    return title if len(title) <= SHOWN_TITLE else f"{title[: SHOWN_TITLE - 1]}…"


def _plain(case: Case) -> dict[str, object]:
    """What may be told of a task without its answer."""
    task, answer = case.task, case.answer
    return {
        "id": task.id,
        "repo": task.repo,
        "base_commit": task.base_commit,
        "title": _title(case),
        "text": task.text,
        "day": task.day,
        "score": task.score,
        "difficulty": task.difficulty,
        "tags": task.tags,
        "image": task.image,
        "older": task.older,
        "here": bool(task.sources),
        "fail_to_pass": len(answer.fail_to_pass),
        "pass_to_pass": "rest" if answer.rest else len(answer.pass_to_pass),
    }


def _answer(case: Case) -> dict[str, object]:
    answer = case.answer
    return {
        "patch": answer.patch,
        "test_patch": answer.test_patch,
        "test_files": answer.test_files,
        "files": answer.files,
        "tests": {
            "fail_to_pass": answer.fail_to_pass,
            "pass_to_pass": "rest" if answer.rest else answer.pass_to_pass,
        },
    }


def _show_answer(console: Console, case: Case) -> None:
    from swe_sleep.cli.display import show_diff

    answer = case.answer
    for title, text in (("gold patch", answer.patch), ("hidden tests", answer.test_patch)):
        if text:
            console.print(f"{title}:", style="bold")
            show_diff(console, text)
    for path, text in answer.test_files.items():
        console.print(f"hidden {path}:", style="bold")
        console.print(text.rstrip("\n"))
    for title, tests in (("fail", answer.fail_to_pass), ("pass", answer.pass_to_pass)):
        for test in tests:
            console.print(f"must {title} before: {test}", style="dim")
    if answer.rest:
        console.print("must pass before: every other test that does", style="dim")


def _tell_missing(console: Console, suite: Suite) -> None:
    from swe_sleep.evaluate.tasks.suite import missing

    for repo, ids in missing(suite).items():
        tasks = output.count(len(ids), "task")
        console.print(f"missing: {repo} is not below --repos; {tasks} of it", style="yellow")


class _Table:
    """Rows as the checks end, with what is wrong below each."""

    def __init__(self, console: Console, display: Display, suite: Suite) -> None:
        self._console, self._display = console, display
        self._wide = max(len(case.id) for case in suite.cases)
        heads = f"{'visible':>7}  {'fail':>5}  {'pass':>5}  {'time':>6}"
        console.print(f"{'task':<{self._wide}}  {heads}", style="bold")

    def row(self, checked: Checked) -> None:
        self._display.quiet()
        visible = "-" if checked.visible is None else checked.visible
        counts = f"{visible:>7}  {checked.fail_to_pass:>5}  {checked.pass_to_pass:>5}"
        end, style = ("wrong", "red") if checked.problems else ("right", "green")
        self._console.print(
            f"{checked.task:<{self._wide}}  {counts}  {checked.seconds:>4.1f} s  {end}", style=style
        )
        for problem in checked.problems:
            self._console.print(f"  {output.one_line(problem)}", style="red")
        if checked.detail:
            self._console.print(checked.detail, style="dim")

    def end(self, right: int, wrong: int, left: int) -> None:
        said = f"{output.count(right, 'task')} right"
        said += f", {wrong} wrong" if wrong else ""
        said += f", {left} not checked" if left else ""
        self._console.print(said, style="bold red" if wrong else "bold green")
