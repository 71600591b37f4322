import pytest

from gatehouse import Application, Headers, Response
from gatehouse.testing import Client


@pytest.fixture
def page():
    class Page(Response):
        default_headers = Headers({'X-Frame-Options': 'DENY'})

    return Page


def test_cookie_of_one_visitor_only(page):
    app = Application()
    app.response_class = page

    @app.route('/login')
    def login(request):
        response = page('hello')
        response.set_cookie('sid', 'secret')
        return response

    @app.route('/')
    def index(request):
        return 'index'

    client = Client(app)
    assert client.get('/login').headers.get_all('Set-Cookie') != []
    answer = client.get('/')
    assert 'Set-Cookie' not in answer.headers
    assert answer.headers['X-Frame-Options'] == 'DENY'
    assert len(client.get('/login').headers.get_all('Set-Cookie')) == 1


def test_types_of_content(page):
    assert page('{}', content_type='application/json').headers['Content-Type'] == 'application/json'
    assert page('<p>', content_type='text/html').headers['Content-Type'].startswith('text/html')


def test_class_keeps_its_default_headers(page):
    page('x').headers['X-Frame-Options'] = 'SAMEORIGIN'
    assert page.default_headers.pairs() == [('X-Frame-Options', 'DENY')]


def test_given_headers_are_not_changed():
    given = Headers({'A': '1'})
    response = Response('x', headers=given)
    response.headers.add('B', '2')
    given.add('C', '3')
    assert given.pairs() == [('A', '1'), ('C', '3')]
    assert 'C' not in response.headers
