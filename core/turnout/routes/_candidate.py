"""A target of a route: what all requests share of it, and what is one request's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from turnout._json_prompt import prompted
from turnout.routes._health import Health, Scope, fingerprint
from turnout.routes._target_health import TargetHealth
from turnout.types import ChatRequest, Target

if TYPE_CHECKING:
    from turnout.provider import BoundTarget
    from turnout.types import Secret

__all__ = ["Candidate", "RouteTarget", "status"]


class RouteTarget:
    """A target of a route, with the place where its health is found.

    Args:
        bound: The target.
        health: The health of all targets.
    """

    __slots__ = ("_health", "_scoped", "bound", "target")

    def __init__(self, bound: BoundTarget, health: Health) -> None:
        self.bound = bound
        self.target = bound.target
        self._health = health
        # The scope and its key, together, as threads share it.
        self._scoped: tuple[Scope, Secret | None] | None = None

    def health(self, now: float) -> TargetHealth:
        """Return the target's health."""
        key = self.bound.provider.api_key
        scoped = self._scoped
        if scoped is None or not (key is scoped[1] or key == scoped[1]):
            self._scoped = scoped = _scope(self.bound, key), key
        return self._health.of(scoped[0], self.target, now)


def _scope(bound: BoundTarget, key: Secret | None) -> Scope:
    provider, address = bound.provider, bound.provider.options.base_url or ""
    cls = type(provider)
    # Two instances that ask the same address with the same key are one target.
    same = f"{cls.__module__}.{cls.__qualname__}" if address else provider.info.name
    return Scope(
        provider=same, address=address, credential=fingerprint(key), model=bound.model
    )


def status(bound: BoundTarget, health: Health, now: float) -> str:
    """Return why a target would not be asked in its turn now; empty if it would."""
    found = RouteTarget(bound, health).health(now)
    hold = found.held(now)
    if hold is not None:
        return f"for {hold.until - now:.3g} s more, after {hold.reason}"
    return (
        f"while others are up, since {found.reason(now)}" if found.is_down(now) else ""
    )


class Candidate:
    """A target of the route, in one request.

    Args:
        shared: The route's target.
        request: The caller's request, for any model.
    """

    __slots__ = (
        "_asked",
        "_health",
        "_request",
        "_shared",
        "instructed",
        "is_busy",
        "is_out",
        "passed_over",
        "retries",
        "was_busy",
    )

    def __init__(self, shared: RouteTarget, request: ChatRequest) -> None:
        self._shared = shared
        self._request = request
        self._asked: ChatRequest | None = None
        self._health: TargetHealth | None = None
        self.is_out = False
        """Whether this request does not ask it again."""
        self.is_busy = False
        self.was_busy = False
        """Whether to ask others first, and whether it had no free slot before."""
        self.passed_over = False
        """Whether an attempt says already that it was passed over."""
        self.retries = 0
        """How often it was asked again."""
        self.instructed = False
        """Whether it refused a prefill, and is asked by an instruction instead."""

    def health(self, now: float) -> TargetHealth:
        """Return the target's health."""
        if self._health is None:
            self._health = self._shared.health(now)
        return self._health

    @property
    def bound(self) -> BoundTarget:
        """The provider and the model."""
        return self._shared.bound

    @property
    def target(self) -> Target:
        """The target's names."""
        return self._shared.target

    @property
    def request(self) -> ChatRequest:
        """The request for its model, without the part of the answer that was shown."""
        if self._asked is None:
            self._asked = self._request.for_model(self.bound.model)
        return self._asked

    def prompt_for_schema(self) -> None:
        """Ask it for JSON by a message, since it does not support JSON schemas."""
        self._asked = prompted(self.request)

    @property
    def window(self) -> int | None:
        """The model's context window in tokens; None where that is not known."""
        return self.bound.provider.catalog.context_window(self.bound.model)

    @property
    def prefills(self) -> bool:
        """Whether it continues an answer that it is given as its own last message."""
        info = self.bound.provider.catalog.info_of(self.bound.model)
        return info.prefill != "none" and not self.instructed
