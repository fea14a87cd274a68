"""A target of a route: the state of all requests, and the state of one request."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from turnout._json_prompt import prompted
from turnout._target_options import applied, checked_options, layered
from turnout.errors import AuthenticationError
from turnout.routes._health import Health, Scope, fingerprint, report
from turnout.routes._target_health import TargetHealth
from turnout.types import ChatRequest, Secret

if TYPE_CHECKING:
    from turnout.provider import BoundTarget

__all__ = ["Candidate", "RouteTarget", "status"]


class RouteTarget:
    """A target of a route, shared by its requests."""

    __slots__ = ("_health", "_scoped", "bound", "fields", "target")

    def __init__(self, bound: BoundTarget, health: Health) -> None:
        self.bound = bound
        self.fields = _fields(bound)
        """The target's own options of requests; a call's options override them."""
        self.target = bound.target
        self._health = health
        # The scope and its key in one tuple, since threads share it.
        self._scoped: tuple[Scope, Secret | None] | None = None

    def health(self, now: float) -> TargetHealth:
        """Return the target's health."""
        try:
            key = self.bound.provider.api_key
        except AuthenticationError:  # The attempt raises it.
            key = None
        scoped = self._scoped
        if scoped is None or not (key is scoped[1] or key == scoped[1]):
            self._scoped = scoped = _scope(self.bound, key), key
        return self._health.of(scoped[0], self.target, now)


def _fields(bound: BoundTarget) -> Mapping[str, Any]:
    extra = bound.provider.options.extra
    if not (bound.options or extra):
        return {}
    fields = checked_options(bound.options)
    if extra:
        fields["extra"] = layered(extra, fields.get("extra", {}))
    return fields


def _scope(bound: BoundTarget, key: Secret | None) -> Scope:
    provider, address = bound.provider, bound.provider.options.base_url or ""
    cls = type(provider)
    secrets = [v for v in provider.options.headers.values() if isinstance(v, Secret)]
    if secrets:  # A header may be the credential.
        known = [] if key is None else [key]
        key = Secret("\n".join(secret.reveal() for secret in [*known, *secrets]))
    # Two instances with the same address and key are one target.
    same = f"{cls.__module__}.{cls.__qualname__}" if address else provider.info.name
    same = provider.health_scope or same
    return Scope(
        provider=same, address=address, credential=fingerprint(key), model=bound.model
    )


def status(bound: BoundTarget, health: Health, now: float) -> str:
    """Return why a route would pass over a target now; empty if it would not."""
    found = report(RouteTarget(bound, health).health(now), now)
    if found.state == "held":
        return f"for {found.wait:.3g} s more, after {found.reason}"
    return f"while others are up, since {found.reason}" if found.reason else ""


class Candidate:
    """A target of the route, in one request."""

    # Class attributes, since each request makes one instance for each target.
    is_out = False
    """Whether this request does not use it any more."""
    is_busy = False
    was_busy = False
    """Whether to try others first, and whether it had no free slot before."""
    passed_over = False
    """Whether the record already has an attempt that says so."""
    retries = 0
    """How often it was retried."""
    has_options = False
    """Whether it has options of its own."""
    instructed = False
    """Whether it refused a prefill, so that it gets an instruction instead."""

    _asked: ChatRequest | None = None

    def __init__(self, shared: RouteTarget, request: ChatRequest) -> None:
        self.bound = shared.bound
        self.target = shared.target
        self._shared = shared
        self._request = request
        self._health: TargetHealth | None = None

    def apply_options(self, given: Collection[str]) -> None:
        """Add the target's own options to the request.

        Args:
            given: The names of the call's options, which override them.
        """
        fields = self._shared.fields
        if fields:
            self.has_options = True
            self._request = applied(self._request, fields, given)

    def health(self, now: float) -> TargetHealth:
        """Return the target's health."""
        if self._health is None:
            self._health = self._shared.health(now)
        return self._health

    @property
    def request(self) -> ChatRequest:
        """The request for its model, without the text so far."""
        # Not made for all targets in advance, since most are not used.
        self._request = self._request.for_model(self.bound.model)
        return self._request

    @property
    def asked(self) -> ChatRequest:
        """The same, with its schema even if a message has replaced that."""
        return self.request if self._asked is None else self._asked

    def prompt_for_schema(self) -> None:
        """Put the schema into a message, since it does not support JSON schemas."""
        self._asked = self.asked
        self._request = prompted(self.request)

    @property
    def window(self) -> int | None:
        """The model's context window in tokens; None if that is not known."""
        return self.bound.provider.catalog.context_window(self.bound.model)

    @property
    def prefills(self) -> bool:
        """Whether it can continue an answer that is its own last message."""
        info = self.bound.provider.catalog.info_of(self.bound.model)
        return info.prefill != "none" and not self.instructed
