import pytest

from gatehouse import Request
from gatehouse.cookies import dump_cookie, parse_cookies


@pytest.mark.parametrize('value', ['c2Vzc2lvbi0x==', 'YQ=', '=', 'a=b=c'], ids=['two', 'one', 'only', 'within'])
def test_value_with_equals_signs(value):
    assert parse_cookies('theme=dark; sid=%s; x=1' % value) == {
        'theme': 'dark', 'sid': value, 'x': '1'}


def test_what_was_set_is_seen_again():
    sent = dump_cookie('sid', 'c2Vzc2lvbi0x==').split(';')[0]
    assert Request({'HTTP_COOKIE': sent}).cookies == {'sid': 'c2Vzc2lvbi0x=='}


def test_without_any_it_is_no_cookie():
    assert parse_cookies('theme; sid=1') == {'sid': '1'}
