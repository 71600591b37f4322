"""Measure the leads from who uses what a change touched, on real edits.

    python -m benchmarks.uses OWNER/NAME... --repos DIR [--most N] [--kept DIR]

For each kind: leads on bugs put back, on ordinary commits taken whole, and on fixes; with how many
edits of each group there were. A lead on a bug put back counts as right where its symbol is one
that the edit touches.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from functools import lru_cache
from pathlib import Path

from benchmarks.edits import Edit, Git, edits, is_source
from swe_sleep.anticipate.leads import uses
from swe_sleep.anticipate.leads.lead import Lead
from swe_sleep.evaluate.mirrors import Mirrors
from swe_sleep.index.compare import compare
from swe_sleep.index.graph import Graph
from swe_sleep.index.outline import Outline, outline

MOST_FILES = 600


@lru_cache(maxsize=4000)
def _outline(content: bytes) -> Outline:
    return outline(content, "python")


def leads(git: Git, edit: Edit) -> list[Lead]:
    """The leads of one edit in its repository."""
    changed = [path for path in edit.before if is_source(path) and edit.before[path]]
    outlines = {}
    for path in changed:
        content = edit.after[path]
        after = _outline(content) if content else None
        outlines[path] = (_outline(edit.before[path] or b""), after)
    if not any(uses.may_break(compare(old, new)) for old, new in outlines.values()):
        return []
    listed = git("ls-tree", "-r", "--name-only", edit.base).splitlines()
    now: dict[str, bytes] = {}
    for path in listed[: MOST_FILES * 3]:
        if path.endswith((".py", *uses.TEXTS)):
            now[path] = git.content(edit.base, path) or b""
    now.update({path: content for path, content in edit.after.items() if content is not None})
    for gone in [path for path, content in edit.after.items() if content is None]:
        now.pop(gone, None)
    python = [path for path in now if path.endswith(".py")][:MOST_FILES]
    graph = Graph({path: _outline(now[path]) for path in python}, now.__getitem__)
    found: list[Lead] = []
    for path, (old, new) in outlines.items():
        these = uses.find(graph, path, old, new, now.__getitem__, now)
        found += uses.choose(these, lambda kind: True, whole=new is None)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("repositories", nargs="+", metavar="OWNER/NAME")
    parser.add_argument("--repos", type=Path, required=True, help="the folder of mirrors")
    parser.add_argument("--commits", type=int, default=2500, help="commits that are looked at")
    parser.add_argument("--most", type=int, default=40, help="edits of each group and repository")
    parser.add_argument("--kept", type=Path, help="a folder for what takes long")
    parser.add_argument("--show", action="store_true", help="each lead in a line")
    arguments = parser.parse_args()
    mirrors = Mirrors(arguments.repos)
    counts: dict[str, Counter[str]] = {
        group: Counter() for group in ("put back", "ordinary", "fix")
    }
    number: Counter[str] = Counter()
    for repo in arguments.repositories:
        began = time.monotonic()
        git = Git(mirrors.find(repo)[0])
        every = list(
            edits(mirrors, repo, limit=arguments.commits, kept=arguments.kept, sources_only=False)
        )
        for group, found in counts.items():
            these = [edit for edit in every if edit.group == group]
            random.Random(repo + group).shuffle(these)
            for edit in these[: arguments.most]:
                number[group] += 1
                for lead in leads(git, edit):
                    found[lead.kind] += 1
                    if arguments.show:
                        print(f"{group} {repo} {edit.commit.id[:9]} {lead.kind}: {lead.why}")
        git.close()
        print(f"{repo}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print(f"edits: {dict(number)}")
    print(f"{'kind':12} put back  ordinary  fixes")
    for kind in uses.WEIGHTS:
        row = [counts[group][kind] for group in counts]
        print(f"{kind:12} {row[0]:8} {row[1]:9} {row[2]:6}")


if __name__ == "__main__":
    main()
