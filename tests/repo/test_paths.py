from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from swe_sleep.errors import RepositoryError
from swe_sleep.repo.paths import from_os, join, quote, to_os, unquote

NAMES = st.binary(min_size=1).filter(lambda name: b"\0" not in name)


@given(NAMES)
@example(b'"quoted"')
@example(b'a"b')
@example(b"back\\slash")
@example(b"caf\xe9.py")
@example("caf\u00e9.py".encode())
@example("\u0085".encode())
@example("\u2028".encode())
@example(b"\n")
def test_every_name_comes_back(name: bytes) -> None:
    text = from_os(name)
    assert to_os(text) == name
    assert len(text.splitlines()) <= 1
    text.encode("utf-8")


@given(NAMES)
def test_the_quoted_form_of_every_name_comes_back(name: bytes) -> None:
    assert unquote(quote(name)) == name


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (b"a b.py", "a b.py"),
        ("naïve.py".encode(), "naïve.py"),
        (b"caf\351.py", '"caf\\351.py"'),
        (b"tab\there", '"tab\\there"'),
        (b'"q', '"\\"q"'),
        (b"a\\b", "a\\b"),
        (b"\x7f", '"\\177"'),
    ],
)
def test_only_names_that_need_it_are_quoted(name: bytes, text: str) -> None:
    assert from_os(name) == text


@pytest.mark.parametrize("text", ['"', '"a', '"\\q"', '"\\9"', '"a"b"', "\ud800"])
def test_text_that_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(RepositoryError):
        to_os(text)


@pytest.mark.parametrize(
    "path", ["", "/etc/passwd", "..", "a/../../b", "a//b", "./a", "a/", '"\\000"']
)
def test_a_path_that_leaves_the_root_is_refused(path: str) -> None:
    with pytest.raises(RepositoryError):
        join(Path("/root"), path)


def test_a_path_is_joined_as_bytes(tmp_path: Path) -> None:
    assert join(tmp_path, '"caf\\351.py"') == os.fsencode(tmp_path) + b"/caf\351.py"
