"""The locator of a work tree as it is now, as good as what is known of it, and fast.

What few files lack is made on the spot. Of a large repository that was never slept on, the names in
most files and the newest commits must do at first; the answer says what is still to be made, and
the next one knows more.
"""

from __future__ import annotations

from collections.abc import Callable

from swe_sleep.index import quick
from swe_sleep.locate import kept
from swe_sleep.locate.corpus import Corpus
from swe_sleep.locate.layout import Layout
from swe_sleep.locate.locator import Locator
from swe_sleep.notes.documents import Documents
from swe_sleep.notes.past import Past, read
from swe_sleep.notes.reading import catch_up
from swe_sleep.notes.store import Store
from swe_sleep.repo.repository import Repository
from swe_sleep.repo.snapshot import Snapshot
from swe_sleep.testing.discovery import is_test_path

FEW = 1000
"""Documents that are made while somebody waits: four seconds of work, once."""
RECENT = 2000
"""Commits that are read while somebody waits."""
SLEEP = "run `swe-sleep sleep`"


def locator(
    repository: Repository,
    snapshot: Snapshot,
    store: Store,
    *,
    progress: Callable[[str], None] = lambda line: None,
    before: Locator | None = None,
) -> Locator:
    """`before` is the locator of another snapshot of the same repository: what is the same is not
    laid out again."""
    layout, pending = _layout(snapshot, store, progress, before)
    past = _past(repository, snapshot.head, store, progress, before)
    if not past.complete:
        pending.append(f"all but {len(past):,} commits")
    if pending:
        pending[-1] += f" ({SLEEP})"
    words = before.words if before is not None and past is before.past else past.words()
    return Locator(Corpus(layout), past, words, pending)


def _layout(
    snapshot: Snapshot, store: Store, progress: Callable[[str], None], before: Locator | None
) -> tuple[Layout, list[str]]:
    documents = Documents(store, snapshot)
    base = before.corpus.layout if before is not None else kept.load(store)
    same = kept.unchanged(base, documents)
    missing = documents.missing(documents.blobs.keys() - same)
    missing.sort(key=is_test_path)
    if missing:
        documents.make(progress, missing[:FEW])
        missing = missing[FEW:]
    layout = kept.updated(base, same, documents)
    if not missing:
        return layout, []
    progress(f"reading the names in {len(missing)} files")
    made = {
        path: quick.document(documents.read(path), documents.language(path)) for path in missing
    }
    whole = layout.patched(Layout.of(made), documents.blobs)
    return whole, [f"all but the names of {len(missing):,} files"]


def _past(
    repository: Repository,
    head: str | None,
    store: Store,
    progress: Callable[[str], None],
    before: Locator | None,
) -> Past:
    if head is None:
        return Past("", [], complete=True)
    if before is not None and before.past.head == head and before.past.complete:
        return before.past
    past = Past.load(store, repository, head)
    if not past.complete and catch_up(store, repository.git, head):
        past = Past.load(store, repository, head)
    if past.complete or len(past) >= RECENT:
        return past
    progress("reading the newest commits")
    return read(repository, head, limit=RECENT)
