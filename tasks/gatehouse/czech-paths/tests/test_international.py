import pytest

from gatehouse import Application, redirect
from gatehouse.testing import Client


@pytest.fixture
def app():
    app = Application()

    @app.route('/wiki/<title>')
    def article(request, title):
        return 'about ' + title

    @app.route('/grüße')
    def greetings(request):
        return request.path

    @app.route('/go')
    def go(request):
        return redirect(app.url_for('article', title='a b/Šálek'))

    return app


@pytest.mark.parametrize('path, text', [
    ('/wiki/%C5%A0%C3%A1lek', 'about Šálek'),
    ('/wiki/%E6%97%A5%E6%9C%AC', 'about 日本'),
    ('/gr%C3%BC%C3%9Fe', '/grüße'),
], ids=['czech', 'japanese', 'pattern'])
def test_path(app, path, text):
    answer = Client(app).get(path)
    assert (answer.status, answer.text) == (200, text)


def test_location_is_quoted():
    assert redirect('/wiki/Šálek').headers['Location'] == '/wiki/%C5%A0%C3%A1lek'


@pytest.mark.parametrize('location', ['/a%20b', 'https://x.example:8000/~a/?q=%C3%A9&b=1,2#top', '/wiki/%C5%A0'], ids=['space', 'full', 'czech'])
def test_what_is_quoted_stays(location):
    assert redirect(location).headers['Location'] == location


def test_there_and_back(app):
    client = Client(app)
    location = client.get('/go').headers['Location']
    assert location == '/wiki/a%20b%2F%C5%A0%C3%A1lek'
