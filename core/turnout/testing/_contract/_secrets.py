"""No error, log or repr shows the key or the question."""

from __future__ import annotations

import json
import logging

import pytest

from turnout.testing._contract._limits import run_clean, run_simulated
from turnout.testing._contract._outcomes import failure, shown, told
from turnout.testing._contract._setting import KEY, QUESTION, ServiceSetting
from turnout.testing._fault_server import FaultServer
from turnout.testing._steps import (
    Script,
    chunk,
    fin,
    last_chunk,
    respond,
    rst,
    send,
    sleep,
    wait_request,
)

__all__ = ["Secrets"]

_ECHO = json.dumps(
    {"error": {"message": f"{KEY}: {QUESTION}", "code": KEY, "type": "canary"}}
).encode()

_STATUSES = (204, 302, 400, 401, 402, 403, 404, 413, 429, 500, 503)


class Secrets(ServiceSetting):
    """Errors and logs show neither, whatever the service echoes."""

    def parameters(self) -> dict[str, dict[str, object]]:
        """Return the ways to fail too."""
        echoes: dict[str, object] = {
            f"echo {status}": respond(
                status, _ECHO, ("X-Request-Id", KEY), ("Location", f"/{KEY}")
            )
            for status in _STATUSES
        }
        ways: dict[str, object] = {
            "hung up": [fin()],
            "reset": [wait_request(), rst()],
            "no http": [wait_request(), send(b"garbage\r\n\r\n"), fin()],
            "cut": self.begun(fin()),
            "broken chunk": self.begun(send(b"zz\r\n"), fin()),
            "odd": self.begun(chunk(b'\n{"canary": \n\n'), last_chunk()),
            "silent": self.begun(sleep(3600)),
        }
        return {**super().parameters(), "way": {**echoes, **ways}}

    def test_no_error_shows_the_key_or_the_question(
        self, way: Script, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)

        error = failure(self, way, runner=run_simulated)

        assert KEY.lower() not in shown(error).lower()
        assert QUESTION not in told(error)
        assert repr(QUESTION)[1:-1] not in told(error)
        assert KEY not in caplog.text
        assert QUESTION not in caplog.text

    def test_no_log_shows_the_key_or_the_question(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)

        async def main() -> None:
            async with FaultServer(self.whole(self.text_answer)) as server:
                async with self.at(server) as provider:
                    reply = await self.ask(provider)
            assert KEY not in repr(reply)

        run_clean(main)

        assert KEY not in caplog.text
        assert QUESTION not in caplog.text
