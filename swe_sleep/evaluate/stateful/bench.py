"""Texts are read, and questions on them answered, one at a time; what a thread of a run does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec

from swe_sleep.anticipate.asking import Misfit
from swe_sleep.errors import BudgetExceeded, SweSleepError
from swe_sleep.evaluate.runs.folder import RunFolder
from swe_sleep.evaluate.runs.records import Slept
from swe_sleep.evaluate.stateful import answering, reading
from swe_sleep.evaluate.stateful.answers import said
from swe_sleep.evaluate.stateful.asking import Asker, Locks
from swe_sleep.evaluate.stateful.plan import Asked, Nap, Options
from swe_sleep.evaluate.stateful.predicting import Match, Rarity, covered, matched
from swe_sleep.evaluate.stateful.reading import Reading
from swe_sleep.evaluate.stateful.records import Answered, Lines
from swe_sleep.model.protocol import Message, Reply
from swe_sleep.records import Usage

READINGS = "readings.jsonl"


class Unread(SweSleepError):
    """A text that an answer needs could not be read, as was said already."""


@dataclass(frozen=True, slots=True)
class Finished:
    answered: Answered
    slept: Slept | None
    files: Mapping[str, bytes]
    slept_files: Mapping[str, bytes]


class Bench:
    """Reads and answers. For several threads."""

    def __init__(
        self,
        folder: RunFolder,
        sleeper: Asker,
        answerer: Asker,
        options: Options,
        rarity: Rarity,
    ) -> None:
        self._sleeper = sleeper
        self._answerer = answerer
        self._options = options
        self._rarity = rarity
        self._lines = Lines(folder.path / READINGS, Reading)
        self.readings = self._lines.read()
        self._reading = Locks()
        self._unread: dict[str, str] = {}
        self._expected: dict[str, list[str]] = {}
        self._foresight: dict[str, Usage] = {}

    @property
    def foresight(self) -> Usage:
        return Usage.total(self._foresight.values())

    def read(self, nap: Nap) -> Reading:
        """A reading, made only once; one that failed fails for all who need it."""
        with self._reading[nap.key]:
            if nap.key in self._unread:
                raise Unread(self._unread[nap.key])
            if nap.key not in self.readings:
                try:
                    made = reading.read(
                        nap.text,
                        partial(self._sleeper.ask, sample=f"sleep {nap.seed}"),
                        key=nap.key,
                        text_id=nap.text_id,
                        effort=nap.effort,
                        number=nap.number,
                        seed=nap.seed,
                    )
                except BudgetExceeded:
                    raise
                except SweSleepError as error:
                    self._unread[nap.key] = f"the text could not be read: {error}"
                    raise
                self._lines.write(made)
                self.readings[nap.key] = made
            return self.readings[nap.key]

    def answer(self, asked: Asked) -> Finished:
        readings = [self.read(nap) for nap in asked.naps]
        memory = reading.together(readings)
        bare = bool(asked.naps) and not memory
        plain = not asked.naps or bare or self._options.with_context
        text = asked.text if plain else ""
        query = asked.query
        request = answering.request(query.question, query.form, text, memory, asked.budget)
        sample = f"answer {asked.trial.seed} {asked.sample}"
        reply = self._answerer.ask(request, sample)
        found = said(reply, query.form)
        foreseen, expected = self._foreseen(asked)
        answered = Answered(
            asked.key,
            asked.trial,
            asked.sample,
            query.text_id,
            found.text,
            found.number is not None and query.right.equals(found.number),
            found.why,
            reply.usage,
            asked.slept,
            len(memory),
            bare,
            covered(query.question, memory, self._rarity) if memory else None,
            foreseen.rank,
            expected,
            foreseen.score,
        )
        files = {
            "prompt.txt": _bytes(
                "\n\n".join([request.system, *(_text(each) for each in request.messages)])
            ),
            "reply.json": msgspec.json.format(msgspec.json.encode(_plain(reply))),
        }
        return Finished(answered, _slept(asked, readings), files, {"memory.txt": _bytes(memory)})

    def _foreseen(self, asked: Asked) -> tuple[Match, int]:
        if not self._options.foresee or not asked.text:
            return Match(None, 0.0), 0
        with self._reading[f"expected {asked.query.text_id}"]:
            if asked.query.text_id not in self._expected:
                try:
                    listed, usage = reading.foreseen(
                        asked.text,
                        partial(self._sleeper.ask, sample="foresee"),
                        self._options.foresee,
                    )
                except Misfit:  # no list: nothing was expected
                    listed, usage = [], Usage()
                self._expected[asked.query.text_id] = listed
                self._foresight[asked.query.text_id] = usage
        expected = self._expected[asked.query.text_id]
        return matched(asked.query.question, expected, self._rarity), self._options.foresee


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


def _text(message: Message) -> str:
    return "\n".join(str(block["text"]) for block in message.blocks)


def _plain(reply: Reply) -> dict[str, object]:
    return {"stop": reply.stop, "model": reply.model, "blocks": [dict(b) for b in reply.blocks]}


def _slept(asked: Asked, readings: Sequence[Reading]) -> Slept | None:
    if not readings:
        return None
    usage = Usage.total(each.usage for each in readings)
    return Slept(
        asked.slept,
        readings[0].text_id,
        "",
        asked.trial.sleep,
        asked.trial.seed,
        usage,
        usage.wall_s,
        notes=sum(bool(each.memory) for each in readings),
        issues=0,
        problems=tuple(
            f"reading {each.number} wrote nothing" for each in readings if not each.memory
        ),
    )
