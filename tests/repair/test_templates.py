"""Each template finds the fix it is there for."""

from __future__ import annotations

import textwrap

import pytest

from swe_sleep.repair.candidates import candidates_at
from swe_sleep.repair.source import Source
from swe_sleep.repair.spot import Spot
from swe_sleep.repair.templates import TEMPLATES

TABLE = {template.name: template for template in TEMPLATES}

# Template, text with the suspicious line marked by "#!", the line that is wanted (or, where the fix
# changes more than that line, a piece of the whole text that is wanted).
CASES = [
    ("comparison boundary", "def f(a, b):\n    return a < b #!", "return a <= b"),
    ("opposite comparison", "def f(a):\n    return a is not  None #!", "return a is  None"),
    ("opposite comparison", "def f(a, b):\n    if a in b: #!\n        return 1", "if a not in b:"),
    ("related comparison", "def f(a):\n    return a is 'x' #!", "return a == 'x'"),
    ("negation", "def f(a):\n    if a.ready(): #!\n        return 1", "if not a.ready():"),
    ("negation", "def f(a):\n    if not (a or b): #!\n        return 1", "if (a or b):"),
    ("and/or", "def f(a, b):\n    return a and b #!", "return a or b"),
    (
        "condition part too many",
        "def f(a, b):\n    if (a) and b.x: #!\n        return 1",
        "if b.x:",
    ),
    (
        "condition part too many",
        "def f(a, b):\n    if a and (b or 1): #!\n        return 1",
        "if a:",
    ),
    (
        "condition part missing",
        "def f(a, n):\n    if a: #!\n        return 1\n    if n > 3:\n        return 2",
        "if a and n > 3:",
    ),
    (
        "condition part missing",
        "def f(a, b):\n    if a.x: #!\n        return 1",
        "if a is not None and a.x:",
    ),
    ("None or truth", "def f(a):\n    if a: #!\n        return 1", "if a is not None:"),
    ("None or truth", "def f(a):\n    if a is None: #!\n        return 1", "if not a:"),
    ("condition always", "def f(a):\n    if a > 1: #!\n        return 1", "if True:"),
    ("swapped branches", "def f(a):\n    return 1 if a else 2 #!", "return 2 if a else 1"),
    ("arithmetic operator", "def f(a, b):\n    return a - b #!", "return a + b"),
    ("arithmetic operator", "def f(a, b):\n    a -= b #!\n    return a", "a += b"),
    (
        "accumulate",
        "def f(x):\n    s = 0\n    for i in x:\n        s = i #!\n    return s",
        "s += i",
    ),
    ("swapped operands", "def f(a, b):\n    return a - b #!", "return b - a"),
    ("whole number", "def f(a):\n    return a[1:] #!", "return a[0:]"),
    ("whole number", "def f(a):\n    return a[-1] #!", "return a[-2]"),
    ("off by one", "def f(a):\n    for i in range(len(a)): #!\n        pass", "range(len(a) - 1)"),
    ("off by one", "def f(a):\n    return a + 1 #!", "return a"),
    ("sign", "def f(a):\n    return -a #!", "return a"),
    ("slice bounds", "def f(a, n):\n    return a[n:] #!", "return a[:n]"),
    ("slice bounds", "def f(a):\n    return a[1:] #!", "return a[1:-1]"),
    ("range bounds", "def f(n):\n    return list(range(n)) #!", "list(range(1, n))"),
    ("variable", "def f(left, right):\n    return left + left #!", "return left + right"),
    ("variable", "def f(d):\n    return [k for k, v in d if k] #!", "[v for k, v in d if k]"),
    ("assigned variable", "def f(a):\n    lo = hi = 0\n    lo = a #!", "hi = a"),
    (
        "attribute",
        "class A:\n    def f(self):\n        self.low = self.high = 1\n        return self.low #!",
        "return self.high",
    ),
    ("missing self", "class A:\n    n = 1\n    def f(self):\n        return n #!", "return self.n"),
    (
        "missing self",
        "class A:\n    n = 1\n    def f(self, n):\n        return self.n #!",
        "return n",
    ),
    (
        "variable for attribute",
        (
            "class A:\n    def __init__(self, x):\n        self.items = x\n"
            "    def f(self, item):\n        return item #!"
        ),
        "return self.items",
    ),
    ("whole for part", "def f(u):\n    g(u.name)\n    return u #!", "return u.name"),
    ("keyword", "def g(low, high): ...\ndef f(a):\n    g(a, high=a) #!", "g(a, low=a)"),
    ("keyword", "def f(a, key):\n    g(key=a) #!", "g(key=key)"),
    ("swapped arguments", "def f(a, b):\n    return g(a, b) #!", "return g(b, a)"),
    ("argument too many", "def f(a, b):\n    return g(a, b) #!", "return g(a)"),
    (
        "argument missing",
        "def g(a, deep=False): ...\ndef f(a, deep):\n    return g(a) #!",
        "return g(a, deep=deep)",
    ),
    ("sibling method", "def f(a, b):\n    a.append(b) #!", "a.extend(b)"),
    ("sibling method", "def f(a):\n    return a.startswith('x') #!", "return a.endswith('x')"),
    ("sibling method", "import math\ndef f(a):\n    return math.floor(a) #!", "math.ceil(a)"),
    ("sibling function", "def f(a):\n    return min(a) #!", "return max(a)"),
    ("sibling function", "def to_x(a): ...\ndef to_y(a):\n    return to_y(a) #!", "return to_x(a)"),
    ("missing call", "def f(a):\n    return a #!", "return sorted(a)"),
    ("missing call", "def f(a):\n    x = a + 1 #!", "x = str(a + 1)"),
    ("missing call", "def f(a):\n    x = a.b #!", "x = a.b.strip()"),
    ("missing call", "def f(a):\n    return g(a) #!", "return g(a.copy())"),
    ("surplus call", "def f(a):\n    return sorted(a) #!", "return a"),
    ("surplus call", "def f(a):\n    return a.strip() #!", "return a"),
    ("missing key", "def f(d, k):\n    return d[k] #!", "return d.get(k)"),
    ("missing key", "def f(d, k):\n    return d.get(k) #!", "return d[k]"),
    ("await", "async def f(a):\n    return a() #!", "return await a()"),
    ("await", "async def f(a):\n    return await a() #!", "return a()"),
    ("sort order", "def f(a):\n    return sorted(a, reverse=True) #!", "sorted(a, reverse=False)"),
    ("truth value", "def f():\n    return True #!", "return False"),
    ("number", "def f(a):\n    x = 60\n    return a * 24 #!", "return a * 60"),
    ("string", "def f(a):\n    x = 'utf-8'\n    return a == 'ascii' #!", "return a == 'utf-8'"),
    ("empty value", "def f(a=None):\n    x = [] #!", "x = None"),
    ("value for constant", "def f(strict):\n    return g(None) #!", "return g(strict)"),
    (
        "missing guard",
        "def f(a):\n    return a.b #!",
        "    if a is None:\n        return None\n    return a.b",
    ),
    (
        "missing guard",
        "def f(a):\n    for x in a:\n        g(x) #!",
        "        if not x:\n            continue\n        g(x)",
    ),
    (
        "guard from elsewhere",
        "def f(a):\n    return 1 / a #!\ndef g(a):\n    if a < 0:\n        raise ValueError\n",
        "    if a < 0:\n        raise ValueError\n    return 1 / a",
    ),
    ("default for missing value", "def f(a):\n    return a.b #!", "return a.b or []"),
    (
        "surplus guard",
        "def f(a):\n    if a: #!\n        g(a)\n        h(a)\n    return a",
        "def f(a):\n    g(a)\n    h(a)\n    return a",
    ),
    ("missing return", "def f(a):\n    g(a) #!", "return g(a)"),
    ("missing return", "def f(a):\n    x = g(a) #!", "    return x"),
    ("returned value", "def f(a, b):\n    return a #!", "return b"),
    (
        "if/elif",
        "def f(a):\n    if a:\n        g()\n    elif b: #!\n        h()",
        "    if b: #!",
    ),
    ("if/while", "def f(a):\n    if a: #!\n        a = g(a)", "while a:"),
    ("statement too many", "def f(a):\n    a.sort() #!\n    return a", "def f(a):\n    return a"),
    (
        "statement moved",
        "def f(a):\n    g(a) #!\n    h(a)\n    return a",
        "    h(a)\n    g(a) #!\n    return a",
    ),
    (
        "statement moved",
        "def f(a):\n    for x in a:\n        g(x)\n        return x #!\n",
        "        g(x)\n    return x",
    ),
    ("break/continue", "def f(a):\n    for x in a:\n        break #!", "continue"),
    (
        "missing break",
        "def f(a):\n    for x in a:\n        if x:\n            y = x #!\n    return y",
        "            y = x #!\n            break\n",
    ),
    (
        "parameter not kept",
        "class A:\n    def __init__(self, a, b):\n        self.a = a #!\n",
        "        self.a = a #!\n        self.b = b\n",
    ),
    (
        "statement from elsewhere",
        (
            "class A:\n    def add(self, x):\n        self.all.append(x)\n        self.changed()\n"
            "    def add_to(self, x):\n        self.all.append(x) #!\n"
        ),
        "        self.all.append(x) #!\n        self.changed()\n",
    ),
    (
        "counter not moved",
        "def f(a):\n    i = 0\n    while a[i]:\n        g(a) #!\n    return i",
        "        g(a) #!\n        i += 1\n",
    ),
    ("yield", "def f(a):\n    yield g(a) #!", "yield from g(a)"),
    ("swapped pair", "def f(a):\n    x, y = a #!", "y, x = a"),
    (
        "exception type",
        "def f(a):\n    try: #!\n        g()\n    except KeyError:\n        pass",
        "except IndexError:",
    ),
    ("exception type", "def f(a):\n    raise ValueError(a) #!", "raise TypeError(a)"),
    (
        "caught types",
        "def f(a):\n    try: #!\n        g()\n    except KeyError:\n        pass",
        "except (KeyError, TypeError):",
    ),
    (
        "mutable default",
        'def f(a, seen=[]): #!\n    "Doc."\n    return seen',
        'seen=None): #!\n    "Doc."\n    if seen is None:\n        seen = []\n    return seen',
    ),
    ("default value", "def f(a, strict=False): #!\n    return a", "strict=True"),
    (
        "decorator",
        "class A:\n    @staticmethod\n    def f(a): #!\n        return a",
        "@classmethod",
    ),
]


def texts(code: str, name: str) -> list[str]:
    """The texts that one template offers for the marked line."""
    source = Source.parse("m.py", code.encode())
    assert source is not None
    line = next(n for n, text in enumerate(code.splitlines(), 1) if "#!" in text)
    statement = source.statement_at(line)
    assert statement is not None
    found = []
    for candidate in candidates_at(Spot(source, statement), [TABLE[name]]):
        found.append(candidate.apply({"m.py": code.encode()})["m.py"].decode())
    return found


@pytest.mark.parametrize(("name", "code", "wanted"), CASES)
def test_a_template_offers_the_fix(name: str, code: str, wanted: str) -> None:
    assert any(wanted in text for text in texts(code, name))


def test_every_template_is_shown_here() -> None:
    assert {name for name, *_ in CASES} == set(TABLE)


def test_nothing_but_the_edit_changes() -> None:
    code = 'def f( a,b ):  # keep\n    x = {"k" :a  }   # and this #!\n\n    return a<b\n'
    for template in TEMPLATES:
        for text in texts(code, template.name):
            assert "# keep" in text
            assert "    return a<b\n" in text


def test_columns_count_bytes() -> None:
    assert "def f(é, ß):\n    return 'ü' + é <= ß #!" in texts(
        "def f(é, ß):\n    return 'ü' + é < ß #!", "comparison boundary"
    )


def test_lines_that_end_in_crlf_stay_so() -> None:
    for text in texts("def f(a):\r\n    return a.b #!\r\n", "missing guard"):
        assert text.count("\n") == text.count("\r\n")


def test_code_in_f_strings_is_mended_where_its_place_is_known() -> None:
    found = texts("def f(a, b):\n    return f'{a - b}' #!", "arithmetic operator")
    assert all(text.startswith("def f(a, b):\n    return f'") for text in found)


def test_one_line_bodies_get_no_lines_put_in() -> None:
    code = "def f(a):\n    if a: return a.b #!\n    return 1\n"
    assert texts(code, "missing guard") == []


def test_summaries_are_for_people() -> None:
    code = textwrap.dedent("""
        class Text:
            def split(self):
                return self.words[1:] #!
    """)
    source = Source.parse("m.py", code.encode())
    assert source is not None
    statement = source.statement_at(4)
    assert statement is not None
    said = {c.summary for c in candidates_at(Spot(source, statement), [TABLE["whole number"]])}
    assert "in `Text.split`, the slice starts at 0 instead of 1" in said
