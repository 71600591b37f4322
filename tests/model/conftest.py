"""A way to make models that are closed when the test is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from swe_sleep.model.client import ClaudeModel, ClientOptions


@pytest.fixture
def model() -> Iterator[Callable[..., ClaudeModel]]:
    """`model(url, **options)` is a Claude that the server at this URL plays."""
    import anthropic  # noqa: F401  # takes seconds, which are not to count against a limit

    with ExitStack() as stack:

        def connect(url: str, **options: Any) -> ClaudeModel:
            given = {"base_url": url, "api_key": "test-key", "max_retries": 2, **options}
            return stack.enter_context(ClaudeModel(ClientOptions(**given)))

        yield connect
