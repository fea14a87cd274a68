"""Tools to test plugins and applications; `import turnout` does not import them.

`FakeProvider` replaces a provider in an application's tests. `FaultServer` replaces a
service in a provider's tests, and fails as its script says. Both are real: nothing of
turnout is patched.

`ProviderContract` and `EngineContract` are the tests that every provider has to pass.
They need pytest, which is imported with them and not before.
"""

from typing import TYPE_CHECKING

from turnout.testing._clock import SimulatedClock, run_simulated
from turnout.testing._connection import Connection, ExpectationError
from turnout.testing._fake_provider import (
    Answer,
    AnswerItem,
    AnswerPart,
    FakeProvider,
    Pause,
)
from turnout.testing._fault_server import FaultServer
from turnout.testing._leaks import LeakCheck, run_clean
from turnout.testing._loopback import LoopbackServer, refused_url
from turnout.testing._requests import HttpRequest, MalformedRequestError
from turnout.testing._reset import reset_health
from turnout.testing._responses import (
    CHUNKED,
    chunked,
    http_response,
    json_lines,
    response_head,
    sse,
)
from turnout.testing._slicing import SLICINGS, SlicingName, slices
from turnout.testing._steps import (
    Script,
    Step,
    chunk,
    expect_close,
    fin,
    forever,
    half_close,
    last_chunk,
    respond,
    respond_in_chunks,
    rst,
    send,
    signal,
    sleep,
    until,
    wait_request,
)
from turnout.testing._wire import Piece, WireAnswer, WireError

if TYPE_CHECKING:
    from turnout.testing._contract import (
        EngineContract,
        ProviderContract,
        oddities,
    )

__all__ = [
    "CHUNKED",
    "SLICINGS",
    "Answer",
    "AnswerItem",
    "AnswerPart",
    "Connection",
    "EngineContract",
    "ExpectationError",
    "FakeProvider",
    "FaultServer",
    "HttpRequest",
    "LeakCheck",
    "LoopbackServer",
    "MalformedRequestError",
    "Pause",
    "Piece",
    "ProviderContract",
    "Script",
    "SimulatedClock",
    "SlicingName",
    "Step",
    "WireAnswer",
    "WireError",
    "chunk",
    "chunked",
    "expect_close",
    "fin",
    "forever",
    "half_close",
    "http_response",
    "json_lines",
    "last_chunk",
    "oddities",
    "refused_url",
    "reset_health",
    "respond",
    "respond_in_chunks",
    "response_head",
    "rst",
    "run_clean",
    "run_simulated",
    "send",
    "signal",
    "sleep",
    "slices",
    "sse",
    "until",
    "wait_request",
]


def __getattr__(name: str) -> object:
    if name not in {"EngineContract", "ProviderContract", "oddities"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        import pytest
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"turnout.testing.{name} needs pytest; run: pip install pytest",
            name=error.name,
        ) from None
    # Before the import, so that a failed assertion shows its values.
    pytest.register_assert_rewrite("turnout.testing._contract")
    from turnout.testing import _contract

    return getattr(_contract, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
