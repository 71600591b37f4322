from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from swe_sleep.errors import UsageError
from swe_sleep.evaluate.stateful.loading import gather, load
from swe_sleep.evaluate.stateful.problems import older

File = Callable[..., str]


@pytest.fixture
def file(tmp_path: Path) -> File:
    """`file(record, ...)` writes JSON lines and gives the file's name."""

    def write(*records: object, name: str = "data.jsonl") -> str:
        path = tmp_path / name
        lines = [each if isinstance(each, str) else json.dumps(each) for each in records]
        path.write_text("\n".join(lines))
        return str(path)

    return write


def test_the_paper_s_fields(file: File) -> None:
    data = load(
        file(
            {
                "stateful_gsm_symbolic_context": "Ann has 3 pens.",
                "stateful_gsm_symbolic_question": "How many are 2 such lots?",
                "answer": "2 * 3 = 6\n#### 6",
            },
            {
                "stateful_aime_context": "Let $x = 3$.",
                "stateful_aime_question": "Find $x^2$.",
                "answer": "009",
            },
        )
    )

    first, second = data.queries
    assert data.texts[first.text_id] == "Ann has 3 pens."
    assert (first.question, int(first.right.value), first.form) == (
        "How many are 2 such lots?",
        6,
        "number",
    )
    assert (int(second.right.value), second.form) == (9, "aime")
    assert not data.problems


def test_whole_problems_are_split(file: File) -> None:
    data = load(
        file(
            {"question": "A pen is $2.50. It is cheap. How much are 2?", "answer": "#### 5"},
            {"problem": "What is 3 and 4?", "answer": 7},
        )
    )

    assert data.parted == 2
    assert [data.texts[query.text_id] for query in data.queries] == [
        "A pen is $2.50. It is cheap.",
        "",
    ]
    assert [query.question for query in data.queries] == ["How much are 2?", "What is 3 and 4?"]


def test_several_questions_on_a_text_in_one_record_or_in_several(file: File) -> None:
    one = load(
        file(
            {"context": "Ann has 3.", "questions": ["Twice?", "Thrice?"], "answers": [6, "#### 9"]}
        )
    )
    pairs = [{"question": "Twice?", "answer": 6}, {"question": "Thrice?", "answer": 9}]
    other = load(file({"context": "Ann has 3.", "questions": pairs}))
    several = load(
        file(
            {"context": "Ann has 3.", "question": "Twice?", "answer": 6},
            {"context": "Ann has 3.", "question": "Thrice?", "answer": 9},
        )
    )

    for data in (one, other, several):
        assert list(data.texts.values()) == ["Ann has 3."]
        assert [(q.question, int(q.right.value)) for q in data.queries] == [
            ("Twice?", 6),
            ("Thrice?", 9),
        ]
        assert data.digest == one.digest
    assert [query.query_id for query in one.queries] == ["0001.1", "0001.2"]


def test_predictability_is_taken_from_the_data(file: File) -> None:
    data = load(
        file(
            {"context": "c", "question": "How?", "answer": 1, "predictability": -3.5},
            {
                "context": "c",
                "questions": ["a?", "b?"],
                "answers": [1, 2],
                "predictability": [1, 2],
            },
        )
    )

    assert [query.predictability for query in data.queries] == [-3.5, 1.0, 2.0]


def test_bad_records_are_left_out_with_the_reason(file: File) -> None:
    data = load(
        file(
            "{oops",
            {"question": "Ann has 3. How many?", "answer": "many"},
            [1, 2],
            {"context": "c", "questions": ["a?"], "answers": [1, 2]},
            {"context": "c", "questions": [], "answers": []},
            {"context": 5, "question": "a?", "answer": 1},
            {"title": "x"},
            {"question": "Ann has 3. How many?", "answer": 3},
            {"question": "Ann has 3. How many?", "answer": 3},
        )
    )

    assert [query.query_id for query in data.queries] == ["0008"]
    assert data.repeated == 1
    assert len(data.problems) == 7
    for place, reason in enumerate(
        ("not JSON", "no number", "no object", "1 questions and 2", "empty", "no text", "title"), 1
    ):
        assert f"record {place:04d}" in data.problems[place - 1]
        assert reason in data.problems[place - 1]


def test_a_split_that_broke_its_text_is_noticed_and_made_anew(file: File) -> None:
    broken = "A tank holds 2. 5 litres. It is full. How many cups of 0."
    whole = "A tank holds 2.5 litres. It is full. How many cups of 0.5 litres is that?"
    name = file(
        {
            "question": whole,
            "stateful_gsm_symbolic_context": broken,
            "stateful_gsm_symbolic_question": "5 litres is that?",
            "answer": "#### 5",
        },
        {
            "question": "Ann has 3. How many?",
            "stateful_gsm_symbolic_context": "Ann has 3.",
            "stateful_gsm_symbolic_question": "How many?",
            "answer": "#### 3",
        },
    )

    assert load(name).damaged == 1
    anew = load(name, resplit=True)
    assert anew.damaged == 0
    assert anew.queries[0].question == "How many cups of 0.5 litres is that?"
    assert anew.texts[anew.queries[0].text_id] == "A tank holds 2.5 litres. It is full."


def test_the_full_stop_alone_that_the_paper_s_code_writes_is_no_context() -> None:
    record = {"stateful_gsm_symbolic_context": ".", "stateful_gsm_symbolic_question": "3 and 4?"}
    data = gather("x", [("0001", {**record, "answer": 7})])

    assert list(data.texts.values()) == [""]


def test_parquet(tmp_path: Path) -> None:
    pyarrow = importlib.import_module("pyarrow")
    parquet = importlib.import_module("pyarrow.parquet")
    rows = [{"context": "Ann has 3.", "questions": ["Twice?"], "answers": ["#### 6"]}]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "d.parquet")

    assert load(str(tmp_path / "d.parquet")).queries[0].right.value == 6

    (tmp_path / "bad.parquet").write_text("no")
    with pytest.raises(UsageError, match="Parquet"):
        load(str(tmp_path / "bad.parquet"))


def test_a_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = importlib.import_module("datasets")
    folder = tmp_path / "set"
    folder.mkdir()
    record = {
        "stateful_aime_context": "Let $x=3$.",
        "stateful_aime_question": "Find it.",
        "answer": 3,
    }
    for part in ("train", "test"):
        (folder / f"{part}.jsonl").write_text(json.dumps(record))
    real = datasets.load_dataset
    monkeypatch.setattr(
        datasets,
        "load_dataset",
        lambda name, subset: real(name, subset, cache_dir=str(tmp_path / "cache")),
    )

    with pytest.raises(UsageError, match="several parts: "):
        load(str(folder))
    assert load(str(folder), part="train").queries[0].form == "aime"
    with pytest.raises(UsageError, match="no part dev"):
        load(str(folder), part="dev")


def test_names_that_are_nothing(file: File, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no file"):
        load(str(tmp_path / "gone.jsonl"))
    with pytest.raises(UsageError, match="no problem that can be used"):
        load(file({"a": 1}))


def test_limiting_keeps_the_texts_that_are_asked_about() -> None:
    records = [(f"{n}", {"context": f"c{n}", "question": "How?", "answer": n}) for n in range(5)]
    data = gather("x", records).first(2)

    assert len(data.queries) == 2
    assert set(data.texts.values()) == {"c0", "c1"}
    assert data.digest != gather("x", records).digest


def test_an_older_text_lacks_the_last_sentence() -> None:
    assert older("Ann has 2.5 pens. Bob has 3. Both are fine.") == "Ann has 2.5 pens. Bob has 3."
    assert older("Ann has 3.") == ""
