"""Which predictions an incoming issue is matched with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from swe_sleep.notes import kinds
from swe_sleep.notes.store import Store
from swe_sleep.notes.view import View
from swe_sleep.records import AnticipatedIssue, Note, Place, State, Suspicion
from swe_sleep.solve.predicted import anticipated, foreseen_rank, suspected


class Content:
    """Every file is as it was when the notes were made, but for those that are gone."""

    def __init__(self) -> None:
        self.gone: set[str] = set()

    def blob(self, path: str) -> str:
        return "" if path in self.gone else "1"


PREDICTIONS = [
    (
        "src/humanize/filesize.py",
        "naturalsize",
        "naturalsize shows 1000.0 kB instead of 1.0 MB",
        "I call naturalsize(999999) and get '1000.0 kB'. I expected '1.0 MB', as for 1000000.",
        0.7,
    ),
    (
        "src/humanize/number.py",
        "fractional",
        "fractional(-1.5) has two minus signs",
        "fractional(-1.5) returns '-1 -1/2'. I expected '-1 1/2'. Positive numbers are fine.",
        0.9,
    ),
    (
        "src/humanize/number.py",
        "scientific",
        "The minus of negative numbers stands in the exponent",
        "scientific(-1000) returns 1.00 x 10 to the minus 3, the same as for 0.001.",
        0.8,
    ),
    (
        "src/humanize/time.py",
        "naturaldelta",
        "Months are wrong for a delta of 31 days",
        "naturaldelta(timedelta(days=31)) says a month, and 30 days the same.",
        0.5,
    ),
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = Store(tmp_path / "notes.db")
    yield found
    found.close()


@pytest.fixture
def view(store: Store) -> Callable[..., View]:
    def make(state: State = State.SUSPECTED, content: Content | None = None) -> View:
        for path, qualname, title, symptoms, confidence in PREDICTIONS:
            issue = AnticipatedIssue(
                title=title,
                state=state,
                symptom=symptoms,
                suspicions=(Suspicion(Place(path, 10), confidence, "because"),),
                lead="model",
                text=f"{title}\n\n{symptoms}",
            )
            note = Note(
                kind=kinds.ISSUE,
                subject=kinds.issue_subject(path, qualname, "model"),
                body=title,
                producer="anticipate@1",
                inputs={path: "1"},
                data=kinds.encode(issue),
                confidence=confidence,
            )
            store.record(notes=[note])
        return View(store, content or Content())

    return make


ABOUT = [
    (
        "Rounding: 999999 bytes are 1000.0 kB\n\nnaturalsize gives 1000.0 kB where 1.0 MB is due.",
        "naturalsize",
        3,
    ),
    (
        (
            "Sizes close to the next unit are wrong\n\n```python\n"
            ">>> humanize.naturalsize(999999)\n"
            "'1000.0 kB'\n```\nI expected '1.0 MB'."
        ),
        "naturalsize",
        3,
    ),
    ("Negative mixed numbers get two minus signs in fractional()", "fractional", 1),
    (
        "scientific(-1000) puts the minus sign of a negative number into the exponent",
        "scientific",
        2,
    ),
    ("humanize.naturaldelta calls 31 days a month, and 30 days too", "naturaldelta", 4),
    (
        "# Months of 31 days are wrong\n\nA delta of 31 days is said to be a month.",
        "naturaldelta",
        4,
    ),
    (
        (
            "Rounding is wrong\n\n### What happened\n\n999999 bytes are 1000.0 kB, not 1.0 MB.\n\n"
            "- [x] I looked for it\n\n### Expected\n\nI call naturalsize and get '1.0 MB'."
        ),
        "naturalsize",
        3,
    ),
]


@pytest.mark.parametrize(("text", "qualname", "rank"), ABOUT)
def test_what_a_text_is_about(
    text: str, qualname: str, rank: int, view: Callable[..., View]
) -> None:
    found = anticipated(view(), text)
    assert found[0].seen.note.subject.endswith(f"::{qualname} (model)")
    assert foreseen_rank(found) == rank
    (line, *_) = suspected(found)
    assert line.standing == "suspicion"
    assert line.place == found[0].place
    assert len(suspected(found)) <= 2
    assert [match.score for match in found] == sorted(
        (match.score for match in found), reverse=True
    )


NOT_ABOUT = [
    "Add type hints to the public functions",
    "Documentation: the link to the API reference is broken",
    "intcomma drops the decimals of a string",
    (
        "ImportError: cannot import name 'version' from 'humanize'\n\n"
        "When I install 4.1 with pip and "
        "import it, I get this error. I expected that it works. Python 3.8, Windows."
    ),
    "Translation to Finnish: months are missing",
    "Support numpy integers",
    "Drop Python 3.7",
    "The tests fail on my machine with a wrong locale, and I expected them to pass",
    "",
    "???",
]


@pytest.mark.parametrize("text", NOT_ABOUT)
def test_it_abstains(text: str, view: Callable[..., View]) -> None:
    assert not suspected(anticipated(view(), text))


def test_what_is_proven_is_no_suspicion(view: Callable[..., View]) -> None:
    found = anticipated(view(State.REPRODUCED), ABOUT[0][0])
    assert found[0].seen.issue.state is State.REPRODUCED
    assert not suspected(found)


def test_what_is_refuted_or_stale_matches_nothing(view: Callable[..., View]) -> None:
    text = ABOUT[0][0]
    assert not anticipated(view(State.REFUTED), text)


def test_a_stale_prediction_matches_nothing(view: Callable[..., View]) -> None:
    content = Content()
    content.gone.add("src/humanize/filesize.py")
    found = anticipated(view(content=content), ABOUT[0][0])
    assert not any("filesize" in match.seen.note.subject for match in found)
    assert foreseen_rank([]) is None
