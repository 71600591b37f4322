import random

from granary import Trie


def test_shorter_word_stays():
    words = Trie({"car": 1, "cart": 2})
    del words["cart"]
    assert words == {"car": 1}
    assert len(words) == len(list(words)) == 1


def test_one_after_the_other():
    words = Trie({"": 0, "i": 1, "in": 2, "inn": 3, "inner": 4})
    for rest, word in enumerate(["inner", "inn", "in", "i", ""]):
        assert words.pop(word) == 4 - rest
        assert list(words.values()) == list(range(4 - rest))


def test_longer_words_stay():
    words = Trie({"car": 1, "cart": 2, "cat": 3})
    del words["car"]
    assert words == {"cart": 2, "cat": 3}


def test_against_a_plain_dict():
    dice = random.Random(7)
    words, plain = Trie(), {}
    for number in range(500):
        word = "".join(dice.choice("ab") for _ in range(dice.randrange(5)))
        if word in plain and dice.random() < 0.6:
            del words[word], plain[word]
        else:
            words[word] = plain[word] = number
        assert dict(words.items()) == plain
        assert len(words) == len(plain)
