"""What the commands on suites of tasks share: which tasks, and from where."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from swe_sleep.evaluate.tasks.task import Suite

Tasks = Annotated[
    str,
    typer.Option(
        "--tasks",
        metavar="SUITE",
        help="A folder of tasks, a file in SWE-bench's form (.jsonl, .json, .parquet), or a data "
        "set's OWNER/NAME on Hugging Face. Default: the tasks that come with swe-sleep.",
    ),
]
Split = Annotated[str, typer.Option("--split", help="Of a data set.")]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="NAME", help="Only this task or repository; repeatable."),
]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="Only so many, the first ones.")]
Repos = Annotated[
    Path | None,
    typer.Option("--repos", metavar="DIR", help="Clones or mirrors, as owner/name or owner__name."),
]
Fetch = Annotated[
    str,
    typer.Option(
        "--fetch",
        metavar="ADDRESS",
        help="Clone from there, once, what --repos lacks: has {repo} where owner/name goes.",
    ),
]
Pull = Annotated[
    bool, typer.Option("--pull", help="Let the engine fetch the images that tasks name.")
]
Jobs = Annotated[int, typer.Option("--jobs", "-j", min=1, help="Processes at work.")]


def load(
    tasks: str,
    split: str,
    only: Sequence[str] | None,
    limit: int | None,
    repos: Path | None,
    fetch: str,
    progress: Callable[[str], None] = lambda line: None,
) -> Suite:
    """The tasks that the options name. Raises UsageError."""
    from swe_sleep.evaluate.tasks import suite

    wanted = suite.Wanted(tasks, split, tuple(only or ()), limit, repos, fetch)
    return suite.load(wanted, suite.cache_folder(), progress=progress)
