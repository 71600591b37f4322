"""What the passes that ask a model hand to it: modules, what is known of them, and the fence."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from functools import partial

from swe_sleep.anticipate.asking import Ask
from swe_sleep.anticipate.digest import Module, change, functions
from swe_sleep.anticipate.foreseeing import LEAD, Background
from swe_sleep.anticipate.risk.noted import in_words, of_path, risk
from swe_sleep.errors import SweSleepError
from swe_sleep.index.compare import compare
from swe_sleep.model.protocol import Reply, Request
from swe_sleep.notes import kinds
from swe_sleep.notes.kinds import HistoryData
from swe_sleep.notes.store import Store
from swe_sleep.prompts.fence import Fence
from swe_sleep.records import State, Usage, file_of
from swe_sleep.sleep.situation import Situation
from swe_sleep.testing.discovery import is_test_path

FENCE = "fence of the passes"
COMMITS = 400
"""How far back commits that changed a module are looked for."""
MOST_COMMITS, MOST_SUBJECT = 8, 120
MOST_LINES = 8
MOST_FAILING = 5
README = re.compile(r"readme(\.(md|rst|txt))?", re.IGNORECASE)
SILENT = re.compile(r"\s|(?:\[|!|<|>|\.\. |[:|`#=~*$>-])")
"""Lines of a README that say nothing: badges, headings, lists, rules and code."""
LEAST_WORDS = 4
MOST_README, MOST_FILES = 500, 60
MOST_BYTES = 400_000
"""A larger file is data, or generated."""


def fence_of(store: Store) -> Fence:
    """The repository's own, which nobody who wrote its text can know. It stays the same, so that a
    request that is asked again is the same too."""
    secret = store.recall(FENCE)
    if secret is None:
        secret = secrets.token_bytes(32)
        store.remember(FENCE, secret)
    return Fence.lasting(secret)


def asking(work: Situation, note: str, *, urgent: bool = False) -> Ask:
    """How a pass asks for what goes into one note."""
    assert work.desk is not None, "planned without a desk"
    return partial(work.desk.ask, note=note, urgent=urgent)


def counted(ask: Ask, usage: list[Usage]) -> Ask:
    """The same, with the usage of each reply added to the list. It is that of the note: the desk
    has written it in the ledger when it asked."""

    def asked(request: Request) -> Reply:
        reply = ask(request)
        usage.append(reply.usage)
        return reply

    return asked


def template(work: Situation, purpose: str) -> Request:
    """What all requests of a pass have in common."""
    return Request("", (), effort=work.settings.sleep.effort, purpose=purpose)


def model_name(work: Situation) -> str:
    """The model that the passes ask."""
    return work.settings.sleep.model or work.settings.model.name


def sources(work: Situation) -> list[str]:
    """The Python files that are no tests."""
    languages = work.outlines.languages
    return sorted(p for p in languages if languages[p] == "python" and not is_test_path(p))


def module(work: Situation, path: str) -> Module | None:
    """A file as it is now, with the reasons to read some functions of it; None for one that
    cannot be studied."""
    outline = work.outlines.get(path)
    content = work.snapshot.read(path)
    if outline is None or len(content) > MOST_BYTES:
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    changed: frozenset[str] = frozenset()
    old = before(work, path)
    if old is not None:
        changes = compare(work.outlines.of_content(path, old), outline)
        changed = frozenset(each.qualname for each in changes if each.new)
    return Module(path, text, outline, weights(work, path), changed)


def before(work: Situation, path: str) -> bytes | None:
    """The content that the last change replaced; None where there was none, or none is kept."""
    blob, now = work.changed().get(path, ("", ""))
    return work.contents.get(path, blob) if blob and now else None


def weights(work: Situation, path: str) -> Mapping[str, float]:
    """Why to read each function: its risk where that is known, else its size."""
    outline = work.outlines.get(path)
    symbols = functions(outline) if outline else []
    sizes = {s.qualname: (s.end_line - s.line + 1) / 10_000 for s in symbols}
    return sizes | {item.qualname: item.score for item in of_path(work.view, path)[1]}


def risk_of_files(work: Situation) -> Mapping[str, float]:
    """Of each file that is likelier than others to need a fix, from 0 to 1 for the riskiest: by
    the risk note, and before there is one by past fixes."""
    known: Mapping[str, float] = fixes(work)
    data = risk(work.view)
    if data is not None:
        known = {item.path: item.score for item in data.files}
    most = max(known.values(), default=0)
    return {p: each / most for p, each in known.items() if p in work.snapshot.files} if most else {}


def background(work: Situation, path: str, history: Mapping[str, list[str]]) -> Background:
    """What else is known of a module. Only what is fresh."""
    suspected = [
        f"{suspicion.place}: {suspicion.why}"
        for each in work.view.issues(State.SUSPECTED)
        if each.issue.lead != LEAD
        for suspicion in each.issue.suspicions
        if suspicion.place.path == path
    ]
    failing = [
        f"{test.id}: {test.result.message[:200]}"
        for test in work.evidence.failing()
        if path in test.covered or any(frame.path == path for frame in test.result.frames)
    ]
    old = before(work, path)
    diff = ""
    if old is not None:
        now = work.snapshot.read(path).decode("utf-8", "replace")
        diff = change(old.decode("utf-8", "replace"), now, path)
    return Background(
        history=tuple(history.get(path, ())[:MOST_COMMITS]),
        suspicions=tuple(dict.fromkeys(suspected))[:MOST_LINES],
        risk=tuple(f"{item.qualname}: {in_words(item)}" for item in of_path(work.view, path)[1])[
            :MOST_LINES
        ],
        failing=tuple(failing[:MOST_FAILING]),
        diff=diff,
    )


def subjects(work: Situation) -> dict[str, list[str]]:
    """The newest commits' subjects by the files that they changed."""
    found: dict[str, list[str]] = {}
    try:
        for commit in work.repository.commits(limit=COMMITS, counts=False):
            for file in commit.files if len(commit.files) <= 30 else ():
                found.setdefault(file.path, []).append(commit.subject[:MOST_SUBJECT])
    except SweSleepError:
        return found  # such as a commit that is missing; the history pass says so
    return found


def overview(work: Situation) -> str:
    """The repository in a few lines, the same for every module and from edit to edit."""
    files = sources(work)
    listed = "\n".join(files[:MOST_FILES])
    more = f"\nand {len(files) - MOST_FILES} more" if len(files) > MOST_FILES else ""
    return f"{described(work)}\n\nIts modules:\n{listed}{more}".strip()


def described(work: Situation) -> str:
    """The first sentences of the README."""
    readme = next((p for p in sorted(work.snapshot.files) if README.fullmatch(p)), "")
    text = work.snapshot.read(readme).decode("utf-8", "replace") if readme else ""
    lines = (line.rstrip() for line in text.splitlines())
    kept = (n for n in lines if len(n.split()) >= LEAST_WORDS and not SILENT.match(n))
    return "\n".join(kept)[:MOST_README]


def fixes(work: Situation) -> Mapping[str, int]:
    """How many of the newest commits mended each file."""
    seen = work.view.get(kinds.HISTORY)
    return seen.data(HistoryData).fixes if seen is not None else {}


def test_file_for(work: Situation, path: str, word: str) -> str:
    """A path for a new test file beside the tests that there are; nothing stands there."""
    coverage, results = work.evidence.coverage_of([path])
    running = sorted({file_of(t) for t, files in coverage.lines.items() if t and path in files})
    known = running or sorted({file_of(r.test_id) for r in results})
    if not known:
        known = [p for p in sorted(work.snapshot.files) if is_test_path(p) and "test_" in p]
    folder = known[0].rpartition("/")[0] if known else ""
    for number in range(100):
        name = f"test_sleep_{word}{number or ''}.py"
        found = f"{folder}/{name}".lstrip("/")
        if found not in work.snapshot.files:
            break
    return found
