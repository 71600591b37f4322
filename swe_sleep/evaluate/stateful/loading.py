"""Reading texts with questions: a file of JSON lines or Parquet, or a data set by its name.

A record has one of these forms; `answer` is a number, or a text that ends with "#### N".

    stateful_gsm_symbolic_context, stateful_gsm_symbolic_question, answer
    stateful_aime_context, stateful_aime_question, answer
    context, question, answer                    several records may share a context
    context, questions, answers                  lists; or `questions` of {question, answer}
    question (or problem), answer                a whole problem, split here

`predictability` may stand beside an answer. A record that cannot be used is left out and said to
be; the rest goes on.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from swe_sleep.errors import UsageError
from swe_sleep.evaluate.extras import need
from swe_sleep.evaluate.instances import NotJson, numbered
from swe_sleep.evaluate.stateful.answers import Form, right
from swe_sleep.evaluate.stateful.problems import Data, Query, id_of
from swe_sleep.evaluate.stateful.splitting import split

Record = Mapping[str, object]

_FORMS: tuple[tuple[str, Form], ...] = (
    ("stateful_gsm_symbolic", "number"),
    ("stateful_aime", "aime"),
)
_WHOLE = ("question", "problem", "Problem", "Question")
_ANSWERS = ("answer", "Answer", "final_answer")


class Unusable(ValueError):
    """A record that nothing can be made of. The text says why."""


def load(
    name: str, *, subset: str | None = None, part: str | None = None, resplit: bool = False
) -> Data:
    """The problems of a file, or of a data set. `part` is which of its splits; `resplit` makes the
    parting into context and question anew where a record has the whole problem. Raises UsageError
    where there is no problem at all."""
    path = Path(name).expanduser()
    if path.is_file():
        records = _parquet(path) if path.suffix == ".parquet" else _json(path)
        label = path.name
    else:
        records, label = _named(name, subset, part), name
    found = gather(label, records, resplit=resplit)
    if not found.queries:
        reason = f" The first: {found.problems[0]}." if found.problems else ""
        raise UsageError(f"{name} has no problem that can be used.{reason}")
    return found


def gather(name: str, records: Iterable[tuple[str, object]], *, resplit: bool = False) -> Data:
    """Problems of records, each with its place. Texts that are the same are one."""
    made = _Gathered(resplit)
    for place, record in records:
        try:
            if isinstance(record, Unusable):
                raise record
            if not isinstance(record, Mapping):
                raise Unusable("it is no object")
            made.add(place, record)
        except (Unusable, ValueError) as error:
            made.problems.append(f"record {place}: {error}")
    return Data(
        name,
        made.texts,
        tuple(made.queries),
        tuple(made.problems),
        made.repeated,
        made.parted,
        made.damaged,
    )


@dataclass
class _Gathered:
    resplit: bool
    texts: dict[str, str] = field(default_factory=dict)
    queries: list[Query] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    known: set[tuple[str, str]] = field(default_factory=set)
    repeated: int = 0
    parted: int = 0
    damaged: int = 0

    def add(self, place: str, record: Record) -> None:
        context, asked, form = self._parts(record)
        text_id = id_of(context)
        pairs = list(_pairs(asked, record))
        new: list[Query] = []
        for number, (question, answer, predicted) in enumerate(pairs, 1):
            if not question.strip():
                raise Unusable("a question is empty")
            if (text_id, question.strip()) in self.known:
                self.repeated += 1
                continue
            query_id = f"{place}.{number}" if len(pairs) > 1 else place
            new.append(
                Query(query_id, text_id, question.strip(), right(answer, form), form, predicted)
            )
            self.known.add((text_id, question.strip()))
        self.texts[text_id] = context
        self.queries += new

    def _parts(self, record: Record) -> tuple[str, object, Form]:
        """The context, what is asked (a text, or a list), and the form of the answer."""
        whole = next((record[name] for name in _WHOLE if isinstance(record.get(name), str)), None)
        for prefix, form in _FORMS:
            asked = record.get(f"{prefix}_question")
            context = record.get(f"{prefix}_context")
            if asked is None and context is None:
                continue
            if self.resplit and isinstance(whole, str):
                return *self._split(whole), form
            if form == "number" and isinstance(asked, str) and isinstance(whole, str):
                joined = f"{_text(context)} {asked}"
                self.damaged += _words(joined) != _words(whole)
            return _text(context), record.get("questions") if asked is None else asked, form
        if "context" in record:
            listed = record.get("questions")
            return _text(record["context"]), whole if listed is None else listed, "number"
        if not isinstance(whole, str):
            raise Unusable(f"it has none of the known fields, but {', '.join(list(record)[:8])}")
        return *self._split(whole), "number"

    def _split(self, whole: str) -> tuple[str, str]:
        self.parted += 1
        found = split(whole.strip())
        return found.context.strip(), found.question.strip()


def _words(text: str) -> list[str]:
    return text.replace("..", ".").split()


def _text(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Unusable("its context is no text")
    return "" if value.strip() in ("", ".") else value.strip()


def _pairs(asked: object, record: Record) -> Iterator[tuple[str, object, float | None]]:
    """Questions with their answers, and how predictable the data say that they were."""
    answers = next((record[name] for name in (*_ANSWERS, "answers") if name in record), None)
    predicted = record.get("predictability")
    if isinstance(asked, str):
        yield asked, answers, _number(predicted)
        return
    if not isinstance(asked, Sequence):
        raise Unusable("it has no question")
    if not asked:
        raise Unusable("its list of questions is empty")
    if all(isinstance(each, Mapping) for each in asked):
        for each in asked:
            yield _question(each), each.get("answer"), _number(each.get("predictability"))
        return
    if not isinstance(answers, Sequence) or isinstance(answers, str):
        raise Unusable("its questions are a list, but not its answers")
    if len(asked) != len(answers):
        raise Unusable(f"it has {len(asked)} questions and {len(answers)} answers")
    listed = predicted if isinstance(predicted, list) else ()
    for one, answer, given in itertools.zip_longest(asked, answers, listed):
        if not isinstance(one, str):
            raise Unusable("a question is no text")
        yield one, answer, _number(given)


def _question(each: Record) -> str:
    found = each.get("question")
    if not isinstance(found, str):
        raise Unusable("a question is no text")
    return found


def _number(value: object) -> float | None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and value == value
    return float(value) if good else None  # type: ignore[arg-type]


# -- where records come from -----------------------------------------------------------------------


def _json(path: Path) -> Iterator[tuple[str, object]]:
    for _, number, record in numbered(path):
        broken = isinstance(record, NotJson)
        yield f"{number:04d}", Unusable(f"it is not JSON: {record}") if broken else record


def _parquet(path: Path) -> Iterator[tuple[str, object]]:
    parquet = need("pyarrow.parquet", extra="datasets")
    try:
        rows = parquet.read_table(path).to_pylist()
    except (OSError, ValueError) as error:  # what is no Parquet raises a ValueError of its own
        raise UsageError(f"{path} cannot be read as Parquet: {_line(error)}.") from error
    return _placed(rows)


def _named(name: str, subset: str | None, part: str | None) -> Iterator[tuple[str, object]]:
    """A data set by its name, or a folder with one."""
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name) and not Path(name).is_dir():
        raise UsageError(
            f"there is no file {name}, and it is no name of a data set.",
            "Give a .jsonl or .parquet file, a folder, or owner/name.",
        )
    library = need("datasets", extra="datasets")
    try:
        found = library.load_dataset(name, subset)
    except Exception as error:  # it lets through whatever its many libraries raise
        advice = "Without a network, give a file."
        raise UsageError(
            f"the data set {name} cannot be loaded: {_line(error)}.", advice
        ) from error
    parts = list(found)
    if part is None and len(parts) > 1:
        raise UsageError(f"{name} has several parts: {', '.join(parts)}.", "Choose with --split.")
    if part is not None and part not in parts:
        raise UsageError(f"{name} has no part {part}.", f"There are: {', '.join(parts)}.")
    return _placed(found[part or parts[0]])


def _placed(rows: Iterable[object]) -> Iterator[tuple[str, object]]:
    return ((f"{number:04d}", row) for number, row in enumerate(rows, 1))


def _line(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return (text if len(text) <= 200 else f"{text[:197]}...").rstrip(".")
