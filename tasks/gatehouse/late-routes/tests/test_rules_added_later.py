from gatehouse import Application
from gatehouse.testing import Client


def test_path_that_was_not_found_before():
    app = Application()
    client = Client(app)
    assert client.get('/plugin').status == 404
    app.route('/plugin', name='plugin')(lambda request: 'here')
    assert client.get('/plugin').text == 'here'


def test_method_that_was_not_allowed_before():
    app = Application()
    client = Client(app)
    app.route('/a', name='a')(lambda request: 'get')
    assert client.post('/a').status == 405
    app.route('/a', methods=['POST'], name='b')(lambda request: 'post')
    assert client.post('/a').text == 'post'
    assert client.get('/a').text == 'get'


def test_pattern_with_parameters():
    app = Application()
    client = Client(app)
    app.route('/', name='index')(lambda request: 'index')
    assert [client.get('/items/%d' % n).status for n in range(3)] == [404] * 3
    app.route('/items/<int:n>', name='item')(lambda request, n: 'item %d' % n)
    assert [client.get('/items/%d' % n).text for n in range(3)] == ['item 0', 'item 1', 'item 2']
    assert client.get('/').text == 'index'
