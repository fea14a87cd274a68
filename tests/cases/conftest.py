"""What holds after every case: nothing is left, nothing is shown, nobody complains."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping

import pytest
import pytest_asyncio

from turnout import Provider
from turnout._app import current_app
from turnout.testing import LeakCheck

from .harness import MADE, SERVICES, Case, Service
from .routed import check_at_rest


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    loops: dict[str, Callable[[], asyncio.AbstractEventLoop]]
    loops = {"asyncio": asyncio.new_event_loop}
    if sys.platform != "win32":
        import uvloop  # There is none for Windows.

        loops["uvloop"] = uvloop.new_event_loop
    return loops


@pytest.fixture(scope="package", autouse=True)
def thawed() -> Iterator[None]:
    """Give the collector back what each case has taken out of its sight."""
    yield
    gc.unfreeze()


@pytest.fixture(params=SERVICES.values(), ids=list(SERVICES))
def service(request: pytest.FixtureRequest) -> Service:
    """Return each of the services, one after another."""
    assert isinstance(request.param, Service)
    return request.param


@pytest_asyncio.fixture(autouse=True)
async def case(caplog: pytest.LogCaptureFixture) -> AsyncIterator[Case]:
    """Insist on what must hold after every case.

    Warnings are errors already, those that a destructor gives among them.
    """
    complaints: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    caplog.set_level(logging.DEBUG)
    case, made = Case(), list[Provider]()
    MADE.set(made)
    # Nothing that is there already is looked at twice for every case.
    gc.collect()
    gc.freeze()
    async with LeakCheck():
        yield case
        for provider in made:
            gate = provider.gates.of(loop)
            assert gate.taken == gate.queued == 0, f"places of {provider}"
        check_at_rest(current_app().target_health)
        made.clear()
    case.check_secrets(caplog.text)
    assert not complaints, complaints
