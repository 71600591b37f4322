import pytest

from gatehouse import Application
from gatehouse.negotiation import Accept
from gatehouse.testing import Client


@pytest.mark.parametrize('header', [
    'text/html;q=0, */*', '*/*, text/html;q=0', 'text/html;q=0,*/*;q=0.1',
], ids=['first', 'last', 'tight'])
def test_all_but_one(header):
    assert Accept(header).best(['text/html', 'application/json']) == 'application/json'
    assert Accept(header).best(['text/html']) is None


@pytest.mark.parametrize('media_type, quality', [
    ('text/plain', 0.1), ('text/html', 0.9), ('image/png', 0.5),
], ids=['type', 'main', 'any'])
def test_most_precise_range_counts(media_type, quality):
    assert Accept('*/*;q=0.5, text/*;q=0.9, text/plain;q=0.1').quality(media_type) == quality


def test_wildcards_below_the_rest():
    accept = Accept('text/*;q=0.3, */*')
    assert accept.best(['text/html', 'image/png']) == 'image/png'
    assert accept.quality('text/html') == 0.3


def test_errors_for_who_wants_no_text():
    answer = Client(Application()).get('/', headers={'Accept': '*/*, text/plain;q=0'})
    assert answer.headers['Content-Type'] == 'application/json'
