import pytest

from gatehouse import Application
from gatehouse.testing import Client


@pytest.fixture
def client():
    app = Application()

    @app.route('/users')
    def users(request):
        return 'users'

    @app.route('/users', methods=['post'], name='create')
    def create(request):
        return 'created'

    @app.route('/users/<int:id>', methods=['DELETE'])
    def delete(request, id):
        return 'deleted'

    return Client(app)


def allowed(answer):
    assert answer.status == 405
    names = [name.strip() for name in answer.headers.get('Allow', '').split(',')]
    assert len(names) == len(set(names))
    return set(names) - {'HEAD', 'OPTIONS'}  # may be served by themselves


def test_methods_of_all_rules_that_fit(client):
    assert allowed(client.request('PUT', '/users')) == {'GET', 'POST'}


def test_only_those_of_the_path(client):
    assert allowed(client.request('PUT', '/users/5')) == {'DELETE'}


def test_json_error_has_it_too(client):
    answer = client.request('PUT', '/users', headers={'Accept': 'application/json'})
    assert allowed(answer) == {'GET', 'POST'}
    assert answer.headers['Content-Type'] == 'application/json'


def test_other_errors_have_none(client):
    answer = client.get('/nowhere')
    assert answer.status == 404
    assert 'Allow' not in answer.headers
