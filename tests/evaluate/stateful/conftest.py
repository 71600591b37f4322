"""Problems on shops, and a model that can answer them only where its prompt has what it needs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gil", "Hana")
Body = dict[str, Any]


def problems(texts: int, questions: int = 2) -> list[dict[str, object]]:
    """Records with several questions on each text, whose answers are 3 n, 4 n, ..."""
    found: list[dict[str, object]] = []
    for number in range(texts):
        name, count = NAMES[number % len(NAMES)], 11 + number
        found.append(
            {
                "context": f"{name} runs shop {number}. A box there holds {count}.5 kg of tea. "
                f"There are 2 shelves.",
                "questions": [
                    f"How many kg of tea are in {2 * times} boxes of {name}'s?"
                    for times in range(1, questions + 1)
                ],
                "answers": [(2 * count + 1) * times for times in range(1, questions + 1)],
            }
        )
    return found


@dataclass
class Scripted:
    """The model. It reads what a request holds, and nothing else."""

    asked: list[Body] = field(default_factory=list)
    forgets: Callable[[str], bool] = lambda text: False
    """Of which texts it writes down nothing of use."""
    right_from: int = 0
    """The level below which it gets questions wrong that it reads in the text itself."""
    call: Any = None
    text: Any = None

    def __call__(self, body: Body) -> list[dict[str, Any]]:
        self.asked.append(body)
        if body.get("tools"):
            return self._read(body)
        first = body["messages"][0]["content"][0]["text"]
        if "questions" in str(body["output_config"]["format"]):
            name = re.search(r"(\w+) runs shop", first)
            assert name is not None
            listed = [f"How many kg of tea are in {n} boxes of {name[1]}'s?" for n in (6, 4, 2)]
            return [self.text(json.dumps({"questions": ["How old is the shop?", *listed]}))]
        question = body["messages"][-1]["content"][-1]["text"]
        holds = re.findall(r"holds (\d+\.5) kg", first)
        boxes = re.search(r"in (\d+) boxes of (\w+)'s", question)
        assert boxes is not None
        able = len(holds) > 0 and boxes[2] in first
        if "The text:" in first and level_of(body) < self.right_from:
            able = False
        answer = f"{float(holds[0]) * int(boxes[1]):g}" if able else "0"
        return [self.text(json.dumps({"working": f"It is {answer}.", "answer": answer}))]

    def _read(self, body: Body) -> list[dict[str, Any]]:
        said = body["messages"]
        if any(message["role"] == "assistant" for message in said):
            return [self.call("finish_rethinking_memory")]
        text = said[0]["content"][0]["text"]
        fact = re.search(r"(\w+) runs shop.*?holds \d+\.5 kg", text, re.DOTALL)
        number = re.search(r"This is reading (\d+)", said[-1]["content"][-1]["text"])
        reading = number[1] if number else "1"
        noted = "Nothing of note." if fact is None or self.forgets(text) else fact[0]
        return [
            self.call("rethink_memory", new_memory=f"LEARNED {reading}: {noted}; boxes of it's")
        ]


def level_of(body: Body) -> int:
    """By what the system prompt says of the working."""
    words = len(body["system"][0]["text"].split("`working`")[-1].split())
    return next(level for level, most in enumerate((12, 18, 25, 55, 999)) if words <= most)


@pytest.fixture
def make_problems() -> Callable[..., list[dict[str, object]]]:
    return problems


@pytest.fixture
def scripted(messages_api: Any) -> Scripted:
    """Answers whatever the server is asked."""
    model = Scripted(call=messages_api.call, text=messages_api.text)
    messages_api.otherwise = model
    return model
