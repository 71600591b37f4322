from __future__ import annotations

from swe_sleep.evaluate.stateful.predicting import Rarity, alike, content, covered, matched

QUESTIONS = ("How many pens does Ada have?", "How many cups does Ben sell?", "What is the total?")
RARITY = Rarity.of(QUESTIONS)


def test_content_is_what_a_question_is_about() -> None:
    assert content("How many pens are in the 1,200 boxes of 2.50 kg?").keys() == {
        *content("pen; box; 1200; 2.5 KG").keys()
    }
    assert not content("How many is that?")


def test_a_memory_covers_what_it_names() -> None:
    asked = QUESTIONS[0]

    assert covered(asked, "Ada's pen.", RARITY) == 1
    assert covered(asked, "Nothing of note.", RARITY) == 0
    assert 0 < covered(asked, "Ada has cups.", RARITY) < 1
    assert covered("What is that?", "Everything.", RARITY) == 0


def test_words_that_most_questions_have_weigh_less() -> None:
    rarity = Rarity.of(["pens of Ada", "cups of Ada", "hats of Ada", "mugs of Ada"])

    assert covered("pens of Ada", "pens", rarity) > 0.9
    assert covered("pens of Ada", "Ada", rarity) < 0.1


def test_the_first_expected_question_that_is_like_the_one_asked() -> None:
    expected = ["How old is Ben?", "How many pens has Ada got?", "How many pens does Ada have?"]
    found = matched(QUESTIONS[0], expected, RARITY)

    assert found.rank == 2
    assert found.score == 1
    assert matched(QUESTIONS[0], ["How old is Ben?"], RARITY).rank is None
    assert matched(QUESTIONS[0], [], RARITY).score == 0


def test_likeness_goes_both_ways() -> None:
    one, other = QUESTIONS[:2]

    assert alike(one, other, RARITY) == alike(other, one, RARITY)
    assert alike(one, one, RARITY) == 1
