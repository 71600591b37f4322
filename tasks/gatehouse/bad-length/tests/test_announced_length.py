import pytest

from gatehouse import Application
from gatehouse.testing import Client


@pytest.fixture
def client():
    app = Application(max_body=10)

    @app.route('/', methods=['POST'])
    def index(request):
        return 'got %d' % len(request.body)

    return Client(app)


@pytest.mark.parametrize('length', ['abc', '12abc', '1.5', '-1', '-100'])
def test_nonsense_is_a_bad_request(client, length):
    answer = client.post('/', body=b'x' * 20, environ={'CONTENT_LENGTH': length})
    assert answer.status == 400
    assert answer.errors == ''


@pytest.mark.parametrize('length, text', [('0', 'got 0'), ('', 'got 0'), ('5', 'got 5')])
def test_good_lengths(client, length, text):
    assert client.post('/', body=b'x' * 5, environ={'CONTENT_LENGTH': length}).text == text
