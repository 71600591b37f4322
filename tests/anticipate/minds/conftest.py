"""Claude as the real SDK asks for it, played by a scripted server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from swe_sleep.model.client import ClaudeModel, ClientOptions
from swe_sleep.model.protocol import Reply, Request


@pytest.fixture
def ask(messages_api: Any) -> Iterator[Callable[[Request], Reply]]:
    """Asks the scripted server; `messages_api` has the script and what was asked."""
    options = ClientOptions(
        model="claude-opus-5-5",
        base_url=messages_api.url,
        api_key="test-key-of-no-one",
        max_retries=1,
        timeout_s=60,
    )
    with ClaudeModel(options) as model:
        yield model.turn


@pytest.fixture
def says(messages_api: Any) -> Callable[..., None]:
    """`says({...})` scripts a reply that is this JSON; `says("...")` one that is this text."""

    def script(value: object, **more: Any) -> None:
        words = value if isinstance(value, str) else json.dumps(value)
        messages_api.reply(messages_api.text(words), **more)

    return script


@pytest.fixture
def asked(messages_api: Any) -> Callable[[], list[dict[str, Any]]]:
    """The bodies of the requests so far."""
    return lambda: [seen.body for seen in messages_api.requests]
