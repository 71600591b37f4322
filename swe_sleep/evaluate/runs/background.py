"""The older changes that a task names, as a model is shown them, in every arm alike.

The paper's comparison on changes of this size has them in the prompt too (Lin et al. 2025, section
6): what sleep makes of the repository is to be worth more than these texts alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from swe_sleep.evaluate.features import older
from swe_sleep.evaluate.tasks.task import Related
from swe_sleep.repo.repository import Repository

MOST_CHARS = 1500
"""Of what is said of one change."""
MOST_FILES = 20


def background(repository: Repository, related: Sequence[Related]) -> str:
    """Their titles, messages and files; of those alone that HEAD stands on."""
    return "\n\n".join(_told(repository, each) for each in older(repository, related))


def _told(repository: Repository, change: Related) -> str:
    git, commit = repository.git, change.commit
    message = git.run("show", "-s", "--format=%b", commit).decode("utf-8", "replace").strip()
    # Of a merge, what it brought to the line that it was merged into.
    listed = git.run("diff-tree", "-r", "-m", "--first-parent", "--root", "--name-only", commit)
    files = listed.decode("utf-8", "replace").splitlines()[1:]  # the first line is its name
    more = f" and {len(files) - MOST_FILES} more" if len(files) > MOST_FILES else ""
    parts = (change.title, message[:MOST_CHARS], f"Files: {', '.join(files[:MOST_FILES])}{more}")
    return f"{commit[:10]} " + "\n".join(filter(None, parts))
