"""Ask a provider at a server that follows a script."""

from __future__ import annotations

import pytest

from turnout import Provider
from turnout.errors import TurnoutError
from turnout.testing import (
    CHUNKED,
    Step,
    chunk,
    fin,
    response_head,
    rst,
    send,
    wait_request,
)

__all__ = ["ENDS", "GARBAGE", "failure_of", "streaming"]

ENDS = [
    pytest.param([fin()], id="fin"),
    pytest.param([rst()], id="rst"),
    pytest.param([chunk(b"")], id="whole"),
]
"""How a chunked body may end, or be cut."""

GARBAGE = pytest.param([send(b"garbage\r\n"), fin()], id="garbage")
"""What breaks the framing in place of an end."""


def streaming(*steps: Step, content_type: str = "text/event-stream") -> list[Step]:
    """Return a script that answers a request with these steps, chunked."""
    head = response_head(200, ("Content-Type", content_type), CHUNKED)
    return [wait_request(), send(head), *steps]


async def failure_of(
    provider: Provider, question: str = "Why?", model: str | None = None
) -> TurnoutError:
    """Ask, and return the error that comes of it."""
    with pytest.raises(TurnoutError) as caught:
        await provider.complete(question, model=model)
    return caught.value
