"""The SDK's own clients for the cloud platforms, against a local server that plays them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from swe_sleep.model.client import ClaudeModel, ClientOptions
from swe_sleep.model.faults import ModelFault
from swe_sleep.model.protocol import Request, user
from swe_sleep.model.tools import BASH

Connect = Callable[..., ClaudeModel]
ASK = Request("Be brief.", (user("Hello"),), (BASH,))
NAME = "us.anthropic.claude-opus-5-5-v1:0"
KEYS = ("AWS_", "GOOGLE_", "CLOUD_ML_", "BOTO_")


@pytest.fixture(autouse=True)
def _no_login(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    import os

    for name in list(os.environ):
        if name.startswith(KEYS):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def answered(api: Any, claude: ClaudeModel) -> Any:
    api.reply(
        api.thinking("hm, hm"),
        api.text("Listing."),
        api.call("bash", command="ls"),
        usage=api.Usage(input=7, output=11),
    )
    pieces: list[str] = []
    reply = claude.turn(ASK, on_text=pieces.append)
    assert "".join(pieces) == "hm, hmListing."
    assert len(pieces) > 2, "it is streamed"
    assert [(c.name, c.input, c.invalid) for c in reply.calls] == [("bash", {"command": "ls"}, "")]
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (7, 11)
    return api.requests[0]


def test_bedrock(messages_api: Any, model: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id-of-no-one")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-no-one")
    options = {"provider": "bedrock", "model": NAME, "region": "eu-west-1", "api_key": ""}
    seen = answered(messages_api, model(messages_api.url, **options))
    assert seen.path == f"/model/{NAME}/invoke-with-response-stream"
    assert seen.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=id-of-no-one/")
    assert "/eu-west-1/bedrock/" in seen.headers["authorization"]
    assert seen.body["anthropic_version"]
    assert seen.body["thinking"]["type"] == "adaptive", "what the model takes is known by its name"
    assert seen.body["messages"][0]["content"][0]["text"] == "Hello"
    assert "model" not in seen.body


def test_bedrock_by_a_bearer_token(messages_api: Any, model: Connect) -> None:
    options = {"provider": "bedrock", "model": NAME, "region": "eu-west-1"}
    seen = answered(messages_api, model(messages_api.url, **options))
    assert seen.headers["authorization"] == "Bearer test-key"


def test_vertex(messages_api: Any, model: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "swe_sleep.model.providers._there", lambda package: True
    )  # a token is given
    options = {"provider": "vertex", "region": "global", "project": "shop"}
    seen = answered(messages_api, model(messages_api.url, **options))
    assert seen.path == (
        "/projects/shop/locations/global/publishers/anthropic/models/"
        "claude-opus-5-5:streamRawPredict"
    )
    assert seen.headers["authorization"] == "Bearer test-key"
    assert seen.body["anthropic_version"]
    assert "model" not in seen.body


def test_foundry(messages_api: Any, model: Connect) -> None:
    seen = answered(messages_api, model(messages_api.url, provider="foundry"))
    assert seen.path == "/v1/messages"
    assert seen.headers["x-api-key"] == "test-key"
    assert seen.body["model"] == "claude-opus-5-5"


def test_an_error_in_bedrocks_answer(messages_api: Any, model: Connect) -> None:
    messages_api.fails(403, "permission_error", "no access to the model")
    with pytest.raises(ModelFault, match="no access to the model") as caught:
        model(messages_api.url, provider="bedrock", model=NAME, region="eu-west-1").turn(ASK)
    assert caught.value.kind == "denied"
    assert "AWS" in caught.value.advice


@pytest.mark.parametrize(("provider", "package"), [("bedrock", "boto3"), ("vertex", "google")])
def test_a_platform_whose_package_is_missing(
    provider: Any, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with (
        ClaudeModel(ClientOptions(provider=provider, region="eu-west-1")) as claude,
        pytest.raises(ModelFault) as caught,
    ):
        claude.turn(ASK)
    assert caught.value.kind == "no_key"
    assert str(caught.value).endswith(f"Install swe-sleep[{provider}].")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"provider": "bedrock", "model": NAME}, "model.region (or AWS_REGION)"),
        # a region of its own, as the SDK keeps a session for each
        ({"provider": "bedrock", "model": NAME, "region": "eu-west-9"}, "AWS credentials"),
        ({"provider": "foundry"}, "ANTHROPIC_FOUNDRY_API_KEY"),
        ({"provider": "foundry", "api_key": "k"}, "model.resource"),
    ],
    ids=["no region", "no login", "no key", "no resource"],
)
def test_what_a_platform_lacks_is_said_in_one_line(options: Any, said: str) -> None:
    with (
        ClaudeModel(ClientOptions(max_retries=0, **options)) as claude,
        pytest.raises(ModelFault) as caught,
    ):
        claude.turn(ASK)
    assert caught.value.kind == "no_key"
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_resource_names_foundrys_server(model: Connect) -> None:
    claude = model("", provider="foundry", resource="shop", model="claude-opus-5-5")
    assert str(claude._connected().base_url) == "https://shop.services.ai.azure.com/anthropic/"
