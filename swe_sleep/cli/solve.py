"""`swe-sleep solve`: a patch, made and tested in a sandbox."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from swe_sleep.cli import issues, output
from swe_sleep.cli.sleep import BackendName
from swe_sleep.errors import RepositoryError, SweSleepError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from swe_sleep.cli.wiring import Bench
    from swe_sleep.locate.locator import Ranking
    from swe_sleep.records import Patch
    from swe_sleep.repo.repository import Repository
    from swe_sleep.solve.solve import Solved

PLACES = 5
"""The likeliest files, for an issue that no test shows."""


ProviderName = Literal["anthropic", "bedrock", "vertex", "foundry"]
StrategyName = Literal["single", "first-finish", "best-of"]


def solve(
    issue: issues.Words = None,
    file: issues.File = None,
    test: Annotated[
        list[str] | None,
        typer.Option("--test", "-t", help="Make this failing test pass; may be given again."),
    ] = None,
    notes: Annotated[bool, typer.Option(help="Use what sleep found out.")] = True,
    solver: Annotated[
        Literal["auto", "search", "agent"],
        typer.Option(
            help="search is built in and needs no model; agent is Claude; auto is the search, then "
            "Claude, where it can be asked, if no patch is proven."
        ),
    ] = "auto",
    apply: Annotated[
        bool, typer.Option("--apply", help="Put the patch into the files of the work tree.")
    ] = False,
    branch: Annotated[
        str | None,
        typer.Option("--branch", help="Commit the patch on a new branch; the files stay."),
    ] = None,
    commit: Annotated[
        bool, typer.Option("--commit", help="Commit the patch on the branch you are on.")
    ] = False,
    with_test: Annotated[
        bool,
        typer.Option(
            "--with-test",
            help="With one of these three: put the test written from the issue there too.",
        ),
    ] = False,
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=1, help="Seconds for the built-in search.")
    ] = None,
    budget_usd: Annotated[
        float | None,
        typer.Option(
            "--budget-usd", min=0, help="US dollars that Claude may cost, all runs together."
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", help="Another model than the settings' one.")
    ] = None,
    base_url: Annotated[
        str | None,
        typer.Option("--base-url", help="Ask this server instead; it must have the Messages API."),
    ] = None,
    provider: Annotated[
        ProviderName | None,
        typer.Option(
            "--provider",
            help="Where Claude is asked: Anthropic, or a cloud platform with a login of its own.",
        ),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            "--resume",
            metavar="ID|last",
            help="Go on with a run of Claude's that was broken off or reached a limit.",
        ),
    ] = None,
    strategy: Annotated[
        StrategyName | None,
        typer.Option(
            help="Ask Claude once; several times at once and take the first proven patch; or let "
            "tests choose the best of several."
        ),
    ] = None,
    candidates: Annotated[
        int | None,
        typer.Option(
            "--candidates", min=2, max=16, help="How many runs the last two strategies make."
        ),
    ] = None,
    backend: BackendName = None,
    as_json: output.Json = False,
) -> None:
    """Make a patch for an issue and test it.

    Your files stay as they are unless you give --apply, --branch or --commit, and changes of your
    own are never overwritten. Where no test shows the issue, one is written from its text if it
    gives an example; the text's code runs in the sandbox alone. Exits with 1 where no patch passed
    every check, and then says where the issue is likely to be.

    \b
    swe-sleep solve "Milk is taken off the shelf one day too early"
    swe-sleep solve --test tests/test_expiry.py::test_last_day --apply
    swe-sleep solve --file issue.md --branch fix-milk
    swe-sleep solve --resume last --budget-usd 5
    """
    from swe_sleep.cli import locate, report, wiring
    from swe_sleep.cli.display import Display

    if sum((apply, commit, branch is not None)) > 1:
        raise UsageError("give one of --apply, --branch and --commit.")
    text = issues.text_of(issue, file)
    if resume is not None and (text.strip() or test):
        raise UsageError("a run that is taken up again has its own issue; give none.")
    if resume is not None and solver == "search":
        raise UsageError("only a run of Claude's can be taken up again.")
    if resume is None and not text.strip() and not test:
        raise UsageError("no issue: give its text, --file, or --test.")
    resumed = None if resume is None else wiring.kept_run(resume, model)
    display = Display(output.console(stderr=as_json))
    flags = {
        "sandbox.backend": backend,
        "model.name": model,
        "model.base_url": base_url,
        "model.provider": provider,
        "solve.strategy": strategy,
        "solve.candidates": candidates,
        "model.budget_usd": budget_usd,
        "solve.search_s": seconds,
    }
    try:
        with (
            wiring.stopping() as stop,
            wiring.bench(flags, display.progress, notes=notes) as bench,
        ):
            ids = tuple(wiring.inside(bench.repository, each) for each in test or ())
            if branch is not None or commit:
                _check(bench.repository, branch)
            closed = bench.repository.dirty_paths() if commit else ()
            solved = wiring.solve(
                bench, text, ids, solver, display.progress, stop, resumed, closed=closed
            )
            landed, problem = "", None
            if solved.solved and (apply or commit or branch):
                try:
                    landed = _land(bench, solved, branch, commit, with_test)
                except RepositoryError as error:  # the patch is shown all the same
                    problem = error
            places = None if solved.solved or solved.failing else _places(bench, solved)
    finally:
        display.quiet()
    if as_json:
        output.print_json(report.plain(solved) | {"landed": landed, "places": places})
    else:
        report.show(display.console, solved)
        if places is not None and places.files:
            display.console.print("The issue is likely to be about:")
            locate.show(display.console, places)
        if landed:
            display.console.print(landed)
        elif solved.solved and problem is None:
            display.console.print(
                "Nothing was changed; --apply puts it into your files.", style="dim"
            )
    if problem is not None:
        raise problem
    if stop.is_set():
        raise typer.Exit(130)
    if not solved.solved:
        raise typer.Exit(1)


def _check(repository: Repository, branch: str | None) -> None:
    """Whether a commit can be made at all, before anything long begins. Raises UsageError."""
    from swe_sleep.repo.landing import new_branch, ready_to_commit

    if repository.head()[0] is None:
        raise UsageError("there is no commit yet to put a patch on.", "Use --apply.")
    try:
        ready_to_commit(repository, here=branch is None)
    except RepositoryError as error:
        raise UsageError(str(error)) from error
    if branch is None:
        return
    try:
        new_branch(repository, branch)
    except RepositoryError as error:
        raise UsageError(str(error)) from error


def _land(bench: Bench, solved: Solved, branch: str | None, commit: bool, with_test: bool) -> str:
    """Put the patch where it is wanted, and say where. Raises RepositoryError."""
    repository = bench.repository
    patch = solved.patch
    assert patch is not None
    if with_test and solved.reproduction is not None:
        patch = with_files(patch, solved.reproduction.files)
    try:
        done = repository.land(patch, branch=branch, commit=commit, message=_message(solved))
    except RepositoryError as error:
        if branch and set(patch.paths) & set(repository.dirty_paths()):
            raise RepositoryError(
                f"the patch is for your uncommitted changes, so it cannot go on {branch}.",
                "Commit them first, or put it on top of them with --apply.",
            ) from error
        raise
    where = f"on the new branch {branch}" if branch else "in the work tree"
    at = f", commit {done.commit[:10]}" if done.commit else ""
    return f"{', '.join(done.paths)} changed {where}{at}"


def with_files(patch: Patch, files: Mapping[str, bytes | None]) -> Patch:
    """The patch with these files added, as one."""
    from swe_sleep.repo.diff import diff

    new = diff(dict.fromkeys(files), files)
    paths = (*patch.paths, *files)
    return dataclasses.replace(patch, diff=f"{patch.diff.rstrip(chr(10))}\n{new}", paths=paths)


def _places(bench: Bench, solved: Solved) -> Ranking | None:
    """What `locate` says of an issue that no test shows; None where it has no words, or there is
    nothing that could be ranked."""
    if not solved.issue.text.strip():
        return None
    try:
        ranking = bench.ranking(solved.issue.text)
    except SweSleepError:
        return None
    return dataclasses.replace(ranking, files=ranking.files[:PLACES]) if ranking.files else None


def _message(solved: Solved) -> str:
    title = solved.issue.title or "Mend a failing test"
    summary = solved.patch.summary if solved.patch else ""
    tests = "\n".join(f"Now passes: {result.test_id}" for result in solved.failing[:5])
    return "\n\n".join(filter(None, (title[:70], summary, tests))) + "\n"
