"""Nothing that is measured may talk to anything but this machine.

Some of the peers fetch prices or send telemetry when they are imported. What is known
is switched off by its variable (`QUIET`); for the rest, `enforce` makes a connection to
elsewhere, and the question where elsewhere is, an error of the process.
"""

from __future__ import annotations

import sys
from typing import Any

QUIET = {
    "ANONYMIZED_TELEMETRY": "False",
    "DO_NOT_TRACK": "1",
    "LANGCHAIN_TRACING_V2": "false",
    "LANGSMITH_TRACING": "false",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_TELEMETRY": "False",
    "LOGFIRE_SEND_TO_LOGFIRE": "false",
    "OTEL_SDK_DISABLED": "true",
    # A proxy of the user's own is not asked.
    "NO_PROXY": "*",
}
"""Variables of the environment that a measured process is given."""

_HERE = {"127.0.0.1", "localhost", "::1", b"127.0.0.1", b"localhost", None}


def _check(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        address: Any = arguments[1]
        outside = isinstance(address, tuple) and address[0] not in _HERE
    elif event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        outside = arguments[0] not in _HERE
    else:
        return
    if outside:
        raise PermissionError(f"{event} to elsewhere: {arguments[-4:]!r}")


def enforce() -> None:
    """Let this process connect to this machine alone."""
    sys.addaudithook(_check)
