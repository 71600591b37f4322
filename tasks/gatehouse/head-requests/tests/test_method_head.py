import pytest

from gatehouse import Application, Response
from gatehouse.testing import Client


@pytest.fixture
def client():
    app = Application()

    @app.route('/page/<name>')
    def page(request, name):
        return Response('<p>' + name, headers={'X-Name': name}, content_type='text/html')

    @app.route('/both', methods=['GET', 'HEAD'])
    def both(request):
        return 'both'

    @app.route('/stream')
    def stream(request):
        return iter(['a', 'b'])

    @app.route('/own')
    def own(request):
        return 'get'

    @app.route('/own', methods=['HEAD'], name='own_head')
    def own_head(request):
        return Response('', headers={'X-Own': 'yes'})

    @app.route('/post', methods=['POST'])
    def post(request):
        return 'post'

    return Client(app)


@pytest.mark.parametrize('path', ['/page/x', '/both', '/stream'], ids=['text', 'both', 'stream'])
def test_as_get_without_the_body(client, path):
    get, head = client.get(path), client.request('HEAD', path)
    assert head.status == get.status == 200
    assert sorted(head.headers.pairs()) == sorted(get.headers.pairs())
    assert head.body == b'' and get.body != b''


def test_length_is_that_of_the_body(client):
    answer = client.request('HEAD', '/page/abc')
    assert answer.headers.get('Content-Length') == '6'
    assert answer.headers.get('X-Name') == 'abc'


def test_view_of_its_own_goes_first(client):
    assert client.request('HEAD', '/own').headers.get('X-Own') == 'yes'
    assert client.get('/own').text == 'get'


def test_where_there_is_no_get(client):
    assert client.request('HEAD', '/post').status == 405
    assert client.request('HEAD', '/none').status == 404
