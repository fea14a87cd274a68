"""Ways to check the requests that a provider sends."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, cast

import pytest

from turnout.errors import InvalidReplyError, UnsupportedError
from turnout.testing._contract._limits import run
from turnout.testing._contract._setting import ServiceSetting
from turnout.testing._fault_server import FaultServer
from turnout.testing._requests import HttpRequest
from turnout.types import Conversation

__all__ = ["Asking", "holds"]


class Asking(ServiceSetting):
    """Send requests, and return what was sent."""

    def _sent(self, messages: Conversation, **options: Any) -> HttpRequest:
        """Send a request, and return it."""

        async def main() -> HttpRequest:
            async with FaultServer(self.whole(self.text_answer)) as server:
                async with self.at(server) as provider:
                    # The text does not match a schema.
                    with suppress(InvalidReplyError):
                        await provider.complete(messages, **self.asked(**options))
            (request,) = server.http_requests
            return request

        return run(main())

    def _sent_unless_refused(
        self, messages: Conversation, **options: Any
    ) -> object | None:
        """Send a request, and return its body; None if the provider refused it."""
        try:
            return self._sent(messages, **options).json()
        except UnsupportedError:
            return None

    def _is_refused(self, messages: Conversation, **options: Any) -> None:
        """Check that the provider refuses the request and sends nothing."""

        async def main() -> None:
            async with FaultServer(self.whole(self.text_answer)) as server:
                async with self.at(server) as provider:
                    with pytest.raises(UnsupportedError):
                        await provider.complete(messages, **self.asked(**options))
            assert server.connections == []

        run(main())


def holds(value: object, wanted: object) -> bool:
    """Return whether a body has a value anywhere; a text within a text counts."""
    match value:
        case Mapping():
            fields = cast("Mapping[object, object]", value)
            return any(holds(k, wanted) or holds(v, wanted) for k, v in fields.items())
        case list():
            return any(holds(item, wanted) for item in cast("list[object]", value))
        case str() if isinstance(wanted, str):
            return wanted in value
        case _:
            return type(value) is type(wanted) and value == wanted
