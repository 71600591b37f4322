from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from swe_sleep.evaluate.stateful.splitting import sentences, split

# Each sentence is a line; they are joined by spaces.
SENTENCES = {
    "decimals": "A tank holds 2.5 litres.\nIt leaks .5 litres an hour.\nHow long does it last?",
    "titles and times": (
        "Mr. Bell meets Dr. Ames at 7:30 p.m. on Monday.\nThey walk 3.25 miles.\n"
        "How far is that in yards?"
    ),
    "a time before a weekday": "The bus left at 9 a.m. Tuesday.\nWhen was it back after 7 hours?",
    "a time that ends a sentence": (
        "The shop opens at 9 a.m.\nIt closes at 5 p.m.\nHow long is it open?"
    ),
    "letters in a name": "The U.S. Army buys 30 crates.\nEach has 12 boxes.\nHow many boxes?",
    "letters at an end": "She left the U.S.\nShe had $20.\nHow much is that in all?",
    "money": "He pays $5.\nShe pays $1.50.\nWhat do they pay together?",
    "money twice in a sentence": "A pen is $5 and a pad $10.\nHow much for $3.50 off?",
    "initials": "John F. Kennedy and J. K. Rowe share 12 pies.\nHow many does each get?",
    "a point's letter": "The line ends at point A.\nWhat is its length?",
    "abbreviations": "Bring fruit, e.g. Apples or pears, approx. 5 lbs.\nHow heavy are two bags?",
    "a month": "Ms. Oda came on Jan. 5.\nShe left on Feb. 3.\nHow long did she stay?",
    "units": "He has 6 ft. 3 in. of rope.\nHow long is it in inches?",
    "units at an end": "They ran 5 mi.\nThen they rested.\nHow far is it back?",
    "numbers": "Pick No. 5 of the list.\nIt said no.\nHow many are left?",
    "a quoted question": 'Tom asks, "Do I have 5 apples? Or 6?" and eats 2.\nHow many were there?',
    "a quote before who said it": '"Are we there?" Bob asked.\nIt is 7 miles on.\nHow far is that?',
    "a quote at an end": 'She said, "I have 5."\nHe had 6.\nHow many is that?',
    "curly quotes": "He said “I ate 3. Then 4.”\nHow many did he eat?",
    "an ellipsis": "She counts 1, 2, 3... and goes on.\nWait...\nHow far does she get?",
    "marks together": "Really?!\nSo many!\nHow many?",
    "brackets": "Ann has 5.\n(Bob has 6. He is fine.)\nHow many is that?",
    "a remark at the end": "Ann has $5.\nHow much is a third? (Round to the cent.)",
    "formulas": "Let $x=2.5.$\nLet $y = 3. Z$ be so.\nFind $x+1.$",
    "displays": r"Consider \[ a. B = 3. \]" + "\nFind $m+n$.",
    "a list": "1. Ann has 5.\n2. Bob has 6.\nHow many have they in all?",
    "one sentence": "How many apples are 3 and 4 apples?",
    "no full stop": "how many apples are 3 and 4 apples",
    "a per cent": "They climb 75% of Mt. Ida.\nHow high is that?",
}


@pytest.mark.parametrize("text", SENTENCES.values(), ids=SENTENCES.keys())
def test_sentences(text: str) -> None:
    wanted = text.split("\n")
    found = sentences(" ".join(wanted))

    assert [each.strip() for each in found] == wanted
    assert split(" ".join(wanted)).question == wanted[-1]


def test_blank_lines_part_sentences_that_have_no_full_stop() -> None:
    found = split("Prices\n\nA pen is 5\n\nHow much are two")

    assert (found.context, found.question) == ("Prices\n\nA pen is 5\n\n", "How much are two")


def test_a_display_in_the_middle_of_a_sentence_parts_nothing() -> None:
    text = "Let $a$ be given. Consider\n\n\\[a = 2. B\\]\n\nwhere $B$ is free. Find $a$."

    assert split(text).question == "Find $a$."
    assert len(sentences(text)) == 3


def test_a_figure_stays_with_its_sentence() -> None:
    text = "A square is drawn. Find its side.\n[asy]\ndraw(A. B); Label. Dot.\n[/asy]"

    assert split(text).question.startswith("Find its side.\n[asy]")


def test_a_problem_of_one_sentence_has_no_context() -> None:
    assert split("What is 2.5 and 3.5?").context == ""
    assert split("").question == ""


PIECES = st.sampled_from(
    ["Mr. ", "2.5", "U.S.", " ", "\n\n", "How many? ", "It is.", "$", "\\[", "\\]", '"', "(", ")",
     "...", "p.m. ", "A", "x ", "[asy]", "[/asy]", "5 ", "“", "”", "!", "e.g. ", "\\$"]
)  # fmt: skip


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # on a loaded machine
@given(st.one_of(st.text(), st.lists(PIECES, max_size=40).map("".join)))
@example("\u2028A. B\x85C? ")
def test_nothing_is_lost(text: str) -> None:
    found = split(text)

    assert found.context + found.question == text
    assert "".join(sentences(text)) == text
    assert bool(found.question.strip()) == bool(text.strip())
