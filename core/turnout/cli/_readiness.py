"""Whether a provider can be asked, as far as that is seen without asking it."""

from __future__ import annotations

from typing import Literal, TypeAlias, cast

from turnout._app import App
from turnout._frozen import frozen
from turnout._headers import has_credential
from turnout._plugins import described, is_plugins_fault
from turnout._registry import ProviderEntry
from turnout._validation import kind_of
from turnout.errors import AuthenticationError, TurnoutError
from turnout.provider import Provider
from turnout.routes import Route

__all__ = ["Readiness", "lacks", "readiness"]

_State: TypeAlias = Literal[
    "ready", "needs key", "unavailable", "not working", "broken"
]


@frozen
class Readiness:
    """Whether a provider can be asked, and why."""

    state: _State
    reason: str
    """Where it is not ready, with what to do."""
    provider: Provider | None = None
    """As the configuration has it; None where it cannot be made."""


def readiness(app: App, entry: ProviderEntry) -> Readiness:
    """Return whether a provider can be asked; no host is reached for that."""
    info = entry.info
    try:
        provider = app.provider(info.name, {})
        missing = _missing(provider)
    except TurnoutError as error:
        return Readiness(state="broken", reason=str(error))
    except BaseException as error:  # Whatever a plugin's class raises.
        if not is_plugins_fault(error):
            raise
        reason = f"it cannot say what it lacks: {described(error)}"
        return Readiness(state="broken", reason=reason)

    def found(state: _State, reason: str) -> Readiness:
        return Readiness(state=state, reason=reason, provider=provider)

    key = app.key_at_hand(entry)
    try:
        _ = provider.api_key
    except AuthenticationError as error:
        return found("needs key", str(error))
    if provider.needs_key and not key:
        return found("needs key", f"it needs a key; set {_key(app, entry)}")
    if missing is not None:
        return found("unavailable", missing)
    if not info.working:
        return found("not working", "its plugin says that it does not work")
    if info.in_process:
        return found("ready", "it runs in this process")
    return found(
        "ready", f"its key is in {_key(app, entry)}" if key else "it needs no key"
    )


def lacks(route: Route) -> list[str]:
    """Return what the providers of a route lack and what to do, a line for each.

    No request is sent for that.
    """
    providers = dict.fromkeys(bound.provider for bound in route.targets)
    found = ((provider, _lack(provider)) for provider in providers)
    return [
        lack if provider.info.name in lack else f"{provider.info.name}: {lack}"
        for provider, lack in found
        if lack is not None
    ]


def _lack(provider: Provider) -> str | None:
    try:
        if provider.needs_key and not provider.brings_credential:
            provider.required_key()
        return _missing(provider)
    except TurnoutError as error:
        return str(error)
    except BaseException as error:  # Whatever a plugin's class raises.
        if not is_plugins_fault(error):
            raise
        return f"it cannot say what it lacks: {described(error)}"


def _missing(provider: Provider) -> str | None:
    missing = provider.unavailable()
    if not isinstance(cast("object", missing), str | None):
        raise TypeError(f"unavailable() gave {kind_of(missing)}, not a text")
    return missing


def _key(app: App, entry: ProviderEntry) -> str:
    """Return where a provider's key is, or would go; never the key."""
    if "api_key" in entry.options or has_credential(entry.options.get("headers")):
        return str(app.config.path)
    return entry.info.key_variable or "api_key in turnout.toml"
