from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swe_sleep.evaluate.stateful.answers import number, right, said, told
from swe_sleep.model.protocol import Reply, Stop
from swe_sleep.records import Usage


def reply(text: str, stop: Stop = "end_turn") -> Reply:
    return Reply(({"type": "text", "text": text},), stop, Usage(), "m")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("72", 72),
        ("72.0", 72),
        ("$72", 72),
        ("1,234", 1234),
        ("$1,234.50", Fraction(2469, 2)),
        ("10{,}000", 10000),
        ("3/4", Fraction(3, 4)),
        (r"\frac{3}{4}", Fraction(3, 4)),
        (r"\dfrac12", Fraction(1, 2)),
        ("1 1/2", Fraction(3, 2)),
        (".5", Fraction(1, 2)),
        ("-5", -5),
        ("−5", -5),
        ("-$5", -5),
        ("72 apples", 72),
        ("3 * 24 = 72", 72),
        ("1e3", 1000),
        (r"2.5 \times 10^{3}", 2500),
        (r"\boxed{204}", 204),
        ("$204$", 204),
        (r"336^\circ", 336),
        ("073", 73),
        (r"\text{72 cm}", 72),
        ("**42**.", 42),
    ],
)
def test_numbers(text: str, value: Fraction) -> None:
    found = number(text)

    assert found is not None
    assert found.value == value


@pytest.mark.parametrize(
    "text",
    ["", "none", "3 to 5", "1,2,3", "1/0", "7:30", "1.2.3", "2^{10}", r"3\sqrt{3}", "5!", r"2\pi",
     "9" * 70, "5 x 3"],
)  # fmt: skip
def test_what_is_no_single_number(text: str) -> None:
    assert number(text) is None


@given(st.integers(-(10**12), 10**12))
def test_thousands_and_decimals_change_nothing(value: int) -> None:
    forms = {number(str(value)), number(f"{value:,}"), number(f"{value}.00")}

    assert {found and found.value for found in forms} == {value}


def test_a_percentage_is_right_by_its_number_or_its_value() -> None:
    half, fifty, percent = number("0.5"), number("50"), number("50 %")
    assert half is not None
    assert fifty is not None
    assert percent is not None

    assert percent.equals(half)
    assert fifty.equals(percent)
    assert not half.equals(fifty)


def test_the_right_answer_of_a_record() -> None:
    assert right("She has 3 * 24 = <<3*24=72>>72.\n#### 1,072").value == 1072
    assert right(73).value == 73
    assert right("073", "aime").value == 73
    assert right(2.5).value == Fraction(5, 2)
    for wrong in (None, True, "many", ""):
        with pytest.raises(ValueError, match="no number"):
            right(wrong)
    for wrong in ("1000", "-1", "2.5"):
        with pytest.raises(ValueError, match="0 to 999"):
            right(wrong, "aime")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The answer is 72.", "72"),
        ("The answer is 7. No, wait. The answer is $1,080.50.", "$1,080.50"),
        ("The answer is 2.5 litres. It is so.", "2.5 litres"),
        ("**The answer is:** 15", "15"),
        ("so \\boxed{12} it is, not \\boxed{\\frac{1}{2}}", "\\frac{1}{2}"),
        ("#### 1,200", "1,200"),
        ("Answer: 3/4", "3/4"),
        ("the answer is \\boxed{7}, since 3 + 4", "7"),
        ("First 3, then 4.\n7", "7"),
        ("The answer is not 5", ""),
        ("I counted 3 and 4 of them.", ""),
        ("", ""),
    ],
)
def test_the_answer_that_a_text_ends_with(text: str, answer: str) -> None:
    assert told(text).strip() == answer


def test_the_answer_in_a_reply() -> None:
    structured = said(reply('{"working": "The answer is 5.", "answer": "$72"}'))
    assert structured.number is not None
    assert structured.number.value == 72
    free = said(reply("The answer is 72."))
    assert free.number == structured.number


@pytest.mark.parametrize(
    ("text", "stop", "why"),
    [
        ("", "end_turn", "has no answer"),
        ('{"working": "", "answer": ""}', "end_turn", "has no answer"),
        ('{"working": "", "answer": "3 or 4"}', "end_turn", "no single number"),
        ("The answer is 72", "max_tokens", "cut"),
        ("", "refusal", "refused"),
    ],
)
def test_a_reply_without_an_answer_says_why(text: str, stop: Stop, why: str) -> None:
    found = said(reply(text, stop))

    assert found.number is None
    assert why in found.why


def test_the_competition_has_whole_numbers_below_a_thousand() -> None:
    assert said(reply("The answer is 1000."), "aime").number is None
    assert said(reply("The answer is 2.5."), "aime").number is None
    assert said(reply("The answer is 025."), "aime").number == number("25")
