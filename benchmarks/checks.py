"""Measure what ruff and ty newly find on real edits: bugs put back, and ordinary commits.

    python -m benchmarks.checks OWNER/NAME... --repos DIR [--most N] [--kept DIR]

Says for each kind of finding how many edits of each group it is new in. `findings.WEIGHTS` holds
the kinds that tell the one from the other.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from pathlib import Path

from benchmarks.edits import Edit, Git, edits
from swe_sleep.anticipate.leads import checkers
from swe_sleep.evaluate.mirrors import Mirrors

MOST_FILES, SECONDS = 400, 60.0


def tree(git: Git, edit: Edit) -> dict[str, bytes]:
    """The Python files around an edit that are in the same topmost folders."""
    tops = {path.partition("/")[0] for path in edit.before}
    listed = git("ls-tree", "-r", "--name-only", edit.base, "--", *tops).splitlines()
    wanted = [path for path in listed if path.endswith(".py")][:MOST_FILES]
    found = {path: git.content(edit.base, path) for path in wanted}
    return {path: content for path, content in found.items() if content is not None}


def roots(files: dict[str, bytes]) -> list[str]:
    """The folders that packages and modules are imported from."""
    found = set()
    for path in files:
        folder = path.rpartition("/")[0]
        while folder and f"{folder}/__init__.py" in files:
            folder = folder.rpartition("/")[0]
        found.add(folder)
    return sorted(found)[:5]


def kinds(git: Git, edit: Edit) -> set[str]:
    """The kinds of findings that are new with an edit, in the files that it changes."""
    both = [path for path in edit.before if edit.before[path] and edit.after[path]]
    old = {path: edit.before[path] or b"" for path in both}
    new = {path: edit.after[path] or b"" for path in both}
    if not both:
        return set()
    before = checkers.ruff(old, timeout_s=SECONDS, say=print)
    after = checkers.ruff(new, timeout_s=SECONDS, say=print)
    files = tree(git, edit)
    where = roots(files)
    before += checkers.ty({**files, **old}, both, roots=where, timeout_s=SECONDS, say=print)
    after += checkers.ty({**files, **new}, both, roots=where, timeout_s=SECONDS, say=print)
    return {finding.kind for finding in checkers.fresh(before, after)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("repositories", nargs="+", metavar="OWNER/NAME")
    parser.add_argument("--repos", type=Path, required=True, help="the folder of mirrors")
    parser.add_argument("--commits", type=int, default=2500, help="commits that are looked at")
    parser.add_argument("--most", type=int, default=30, help="edits of each group and repository")
    parser.add_argument("--kept", type=Path, help="a folder for what blame said")
    arguments = parser.parse_args()
    mirrors = Mirrors(arguments.repos)
    counts: dict[str, Counter[str]] = {"put back": Counter(), "ordinary": Counter()}
    number: Counter[str] = Counter()
    for repo in arguments.repositories:
        began = time.monotonic()
        git = Git(mirrors.find(repo)[0])
        every = list(edits(mirrors, repo, limit=arguments.commits, kept=arguments.kept))
        for group, found in counts.items():
            these = [edit for edit in every if edit.group == group]
            random.Random(repo + group).shuffle(these)
            for edit in these[: arguments.most]:
                new = kinds(git, edit)
                number[group] += 1
                found.update(new)
                found["ruff: any"] += any(kind.startswith("ruff") for kind in new)
                found["ty: any"] += any(kind.startswith("ty") for kind in new)
        git.close()
        print(f"{repo}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print(f"edits: {dict(number)}\n{'kind':40} put back  ordinary")
    names = counts["put back"] | counts["ordinary"]
    for kind in sorted(names, key=lambda kind: -counts["put back"][kind]):
        print(f"{kind:40} {counts['put back'][kind]:8} {counts['ordinary'][kind]:9}")


if __name__ == "__main__":
    main()
