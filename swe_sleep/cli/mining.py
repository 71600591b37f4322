"""`swe-sleep tasks mine` and `tasks features`: tasks out of a repository's own history."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from swe_sleep.cli import output
from swe_sleep.cli.sleep import BackendName
from swe_sleep.cli.suites import Jobs, Repos

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from swe_sleep.evaluate.tasks.changes import Window

SHOWN = 20

Source = Annotated[
    str,
    typer.Argument(
        metavar="REPO",
        help="A repository, a mirror, or OWNER/NAME below --repos.",
        show_default=False,
    ),
]
Out = Annotated[
    Path,
    typer.Option("--out", metavar="FILE.jsonl", help="Where the tasks go, in SWE-bench's form."),
]
Name = Annotated[
    str, typer.Option("--name", metavar="OWNER/NAME", help="What the tasks are to call it.")
]
Most = Annotated[int | None, typer.Option("--most", min=1, help="Tasks, the newest ones.")]
Commits = Annotated[
    int | None, typer.Option("--commits", min=1, help="Changes of the main line to look at.")
]
Since = Annotated[str, typer.Option("--since", metavar="DAY", help="None before 2024-05-31.")]
Until = Annotated[str, typer.Option("--until", metavar="DAY", help="None after 2024-05-31.")]
MostLines = Annotated[int, typer.Option("--max-lines", min=1, help="Lines of code it changes.")]


def mine(
    repo: Source,
    out: Out,
    repos: Repos = None,
    name: Name = "",
    most: Most = None,
    commits: Commits = 1000,
    since: Since = "",
    until: Until = "",
    max_files: Annotated[
        int, typer.Option("--max-files", min=1, help="Files of code that a fix changes.")
    ] = 4,
    max_lines: MostLines = 100,
    statements: Annotated[
        Path | None,
        typer.Option(
            "--statements",
            metavar="FILE",
            help="Texts of issues instead of messages, as JSON: by commit or by number.",
        ),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Try again what had no environment.")
    ] = False,
    jobs: Jobs = 1,
    backend: BackendName = None,
    as_json: output.Json = False,
) -> None:
    """Make tasks of a repository's own fixes.

    A change that says it mends something and brings tests becomes a task if, with packages no
    younger than itself, some of its tests fail without it and pass with it, twice over. The
    statement is the change's message without what gives the change away. Merges count as the whole
    of what they brought.

    FILE has the oldest first, and keeps the tasks of other repositories that it has. What was tried
    stands beside it, in FILE.tried: the same command goes on where it was, and repeats nothing.

    \b
    swe-sleep tasks mine . --out tasks.jsonl --most 20
    swe-sleep tasks mine pallets/click --repos ~/mirrors --out tasks.jsonl -j 4

    Exits with 1 where no task was found, or a change could not be judged.
    """
    from swe_sleep.cli import wiring
    from swe_sleep.cli.display import Display
    from swe_sleep.evaluate.tasks import mine as mining
    from swe_sleep.evaluate.tasks.kept import read_statements
    from swe_sleep.evaluate.tasks.places import source_of

    source, called = source_of(repo, repos, name)
    wanted = mining.Wanted(
        _window(commits, since, until), most, max_files, max_lines, backend or "auto", again
    )
    display = Display(output.console(stderr=True))
    try:
        with wiring.stopping() as stop:
            mined = mining.mine(
                source,
                called,
                _checked(out),
                wanted,
                statements=read_statements(statements) if statements else None,
                jobs=jobs,
                progress=display.progress,
                stop=stop.is_set,
            )
    finally:
        display.quiet()
    if as_json:
        output.print_json(
            {
                "repo": called,
                "file": str(out),
                "tasks": _told(mined.tasks),
                "looked_at": mined.looked_at,
                "left_out": dict(mined.left_out.most_common()),
                "failures": mined.failures,
                "flaky_tests": mined.flaky,
                "tried": mined.tried,
                "remembered": mined.remembered,
                "stopped": mined.stopped,
                "seconds": round(mined.seconds, 1),
            }
        )
    else:
        _show(called, out, mined.tasks, mined.looked_at, mined.left_out)
        console = output.console()
        if mined.flaky:
            flaky = output.count(mined.flaky, "test")
            console.print(f"left out of the tasks: {flaky} that came out differently twice")
        for line in mined.failures[:SHOWN]:
            console.print(f"could not be judged: {output.one_line(line)}", style="red")
        console.print(
            f"{mined.tried} tried in {mined.seconds:.0f} s, {mined.remembered} known from before",
            style="dim",
        )
        if mined.stopped:
            console.print("stopped; the same command goes on from there", style="yellow")
    _end(mined.stopped, bool(mined.tasks) and not mined.failures)


def features(
    repo: Source,
    out: Out,
    repos: Repos = None,
    name: Name = "",
    most: Most = None,
    commits: Commits = 3000,
    since: Since = "",
    until: Until = "",
    min_files: Annotated[
        int, typer.Option("--min-files", min=1, help="Files of code that it modifies, at least.")
    ] = 3,
    max_files: Annotated[
        int, typer.Option("--max-files", min=1, help="Files of code that it touches, at most.")
    ] = 15,
    max_lines: MostLines = 1500,
    as_json: output.Json = False,
) -> None:
    """Make tasks of a repository's own features, judged by the files that they modify.

    A change of a pull request's size that adds something becomes a task, as in SWE-Features (Lin et
    al., 2504.13171): the score is the F1 of the modified files of code; new files, tests and
    documents do not count. Every task names older changes that are about the same. Nothing of the
    repository is run.

    \b
    swe-sleep tasks features . --out features.jsonl --most 20

    Exits with 1 where no task was found.
    """
    from swe_sleep.cli import wiring
    from swe_sleep.cli.display import Display
    from swe_sleep.evaluate.tasks import features as choosing
    from swe_sleep.evaluate.tasks.places import source_of

    source, called = source_of(repo, repos, name)
    window = _window(commits, since, until)
    wanted = choosing.Wanted(window, most, min_files, max_files, max_lines)
    display = Display(output.console(stderr=True))
    try:
        with wiring.stopping() as stop:
            chosen = choosing.choose(
                source,
                called,
                _checked(out),
                wanted,
                progress=display.progress,
                stop=stop.is_set,
            )
    finally:
        display.quiet()
    if as_json:
        output.print_json(
            {
                "repo": called,
                "file": str(out),
                "tasks": _told(chosen.tasks),
                "looked_at": chosen.looked_at,
                "left_out": dict(chosen.left_out.most_common()),
                "stopped": chosen.stopped,
                "seconds": round(chosen.seconds, 1),
            }
        )
    elif chosen.stopped:
        output.console().print("stopped; nothing was written", style="yellow")
    else:
        _show(called, out, chosen.tasks, chosen.looked_at, chosen.left_out)
    _end(chosen.stopped, bool(chosen.tasks))


def _window(commits: int | None, since: str, until: str) -> Window:
    from swe_sleep.evaluate.tasks.changes import Window

    return Window(commits, since, until)


def _checked(out: Path) -> Path:
    from swe_sleep.errors import UsageError

    if out.suffix != ".jsonl":
        raise UsageError(f"{out} is no name for JSON lines.", "Let it end in .jsonl.")
    return out


def _told(tasks: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    names = ("instance_id", "created_at", "base_commit", "fix_commit", "statement_from", "files")
    found = [{name: task[name] for name in names if name in task} for task in tasks]
    for row, task in zip(found, tasks, strict=True):
        row["title"] = _title(task)
        row["fail_to_pass"] = len(task["FAIL_TO_PASS"])
        row["pass_to_pass"] = len(task["PASS_TO_PASS"])
    return found


def _title(task: dict[str, Any]) -> str:
    text: str = task["problem_statement"]
    return output.one_line(text.strip().partition("\n")[0])


def _show(
    repo: str, out: Path, tasks: Sequence[dict[str, Any]], looked_at: int, left_out: Counter[str]
) -> None:
    console = output.console()
    for task in tasks:
        day = task["created_at"][:10]
        judged = f"{len(task['FAIL_TO_PASS'])} fail, {len(task['PASS_TO_PASS'])} pass"
        if "files" in task:
            judged = output.count(len(task["files"]), "file")
        console.print(f"{day}  {task['instance_id']}  {_title(task)[:80]}  ({judged})")
    console.print(
        f"{repo}: {output.count(len(tasks), 'task')} of {output.count(looked_at, 'change')}, "
        f"in {output.shown(out)}",
        style="bold",
    )
    for reason, number in left_out.most_common():
        console.print(f"{number:>7}  {reason}")


def _end(stopped: bool, good: bool) -> None:
    if stopped:
        raise typer.Exit(130)
    if not good:
        raise typer.Exit(1)
