"""Whether a provider that is ready answers, as far as that costs nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import monotonic

from turnout._frozen import frozen
from turnout._names import followed
from turnout._plugins import described, is_plugins_fault
from turnout.cli._live import list_of
from turnout.cli._reach import reach
from turnout.errors import (
    AuthenticationError,
    ConnectError,
    ConnectionLostError,
    PermissionDeniedError,
    ProviderError,
    TurnoutError,
)
from turnout.provider import Provider
from turnout.types import ModelInfo, RequestOptions

__all__ = ["Checked", "check_engine", "check_service"]

_PATIENCE = 60.0
"""Seconds that an engine in this process has for one token, loading included."""

_LISTING = 15.0
"""Seconds that a service has for its list of models."""

_NO_LIST = {404, 405, 501}
"""What a service without a list of models answers."""


@frozen
class Checked:
    """What was found of a provider."""

    text: str
    good: bool = True
    """Whether nothing is wrong."""
    usable: bool = True
    """Whether it can be asked, as far as is known."""
    refused: bool = False
    """Whether the service refused the key, or the request without a key."""


async def check_service(provider: Provider, *, has_key: bool) -> Checked:
    """Ask a service for its list of models; without a list, connect to its host.

    Args:
        provider: Of the service.
        has_key: Whether it sends a key.
    """
    models: Sequence[ModelInfo] = ()
    try:
        async with asyncio.timeout(_LISTING):
            models = await list_of(provider)
    except TimeoutError:
        text = f"no list of models came within {_LISTING:g} s; look at the network"
        return Checked(text=text, good=False, usable=False)
    except PermissionDeniedError as error:
        # Some keys may only be used for answers.
        text = followed(f"it may not list the models: {error}", "not checked further")
        return Checked(text=text, good=False)
    except AuthenticationError as error:
        # The message says where the key is set.
        return Checked(text=str(error), good=False, usable=False, refused=True)
    except (ConnectError, ConnectionLostError) as error:
        return Checked(text=str(error), good=False, usable=False)
    except ProviderError as error:
        if error.status_code in _NO_LIST:
            return Checked(text=f"it has no list of models{_unchecked(has_key)}")
        return Checked(text=f"its models cannot be listed: {error}", good=False)
    except TurnoutError as error:
        return Checked(text=str(error), good=False)
    # Without a list of its own the service was not asked.
    if [*models] == [*provider.catalog.models.values()]:
        return await _connect(provider, has_key)
    count = f"{len(models)} model{'s' * (len(models) != 1)}"
    return Checked(text=f"it listed {count}{' with the key' if has_key else ''}")


async def _connect(provider: Provider, has_key: bool) -> Checked:
    address = provider.options.base_url
    if address is None:
        return Checked(text="it was not tried, as it has no base_url")
    reached = await reach(address, provider.options)
    text = reached.text + _unchecked(has_key and reached.good)
    return Checked(text=text, good=reached.good, usable=reached.good)


def _unchecked(has_key: bool) -> str:
    return "; the key was not checked" if has_key else ""


async def check_engine(provider: Provider) -> Checked:
    """Ask an engine in this process for as little as it gives."""
    options: RequestOptions = {"deadline": _PATIENCE}
    if provider.info.capabilities.max_tokens:
        options["max_tokens"] = 1
    began = monotonic()
    try:
        async with provider:
            await provider.complete("Hello.", **options)
    except TurnoutError as error:
        return Checked(text=str(error), good=False, usable=False)
    except BaseException as error:
        if not is_plugins_fault(error):
            raise
        text = f"its plugin raised {described(error)}"
        return Checked(text=text, good=False, usable=False)
    return Checked(text=f"in this process; it answered in {monotonic() - began:.1f} s")
