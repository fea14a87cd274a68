"""The health of all targets that a process has used, and reports of it.

Health decides the order in which targets are tried. A target is not tried at all only
while it is on *hold*: it refused the key, the model or the quota, or it named a time
that has not passed.
"""

from __future__ import annotations

from hashlib import blake2b
from threading import Lock
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from turnout._frozen import frozen
from turnout.routes._holds import HoldStore, MemoryStore
from turnout.routes._target_health import TargetHealth
from turnout.types import Secret, Target

if TYPE_CHECKING:
    from turnout.routes._retries import Random

__all__ = ["Health", "HealthReport", "HealthState", "Scope", "fingerprint", "report"]

_LIMIT = 4096
"""Targets that a process stores at most; names of models may come from its users."""

_SHOWN_OF_A_FINGERPRINT = 4
"""Characters: enough to distinguish two keys, too few to find a key by."""

HealthState: TypeAlias = Literal["up", "down", "held"]


class Scope(NamedTuple):
    """What has a health of its own. A tuple, since each request looks it up."""

    provider: str
    """The provider class if it has an address, else the provider's name."""
    address: str = ""
    credential: str = ""
    """The fingerprint of its key; empty without a key."""
    model: str = ""

    @property
    def key(self) -> str:
        """The scope as one text, for a `HoldStore`."""
        return "\n".join(self)


@frozen
class HealthReport:
    """The health of one target."""

    target: str
    """`Provider:model`."""
    address: str
    """Its base URL; empty without one."""
    key: str
    """The first characters of a hash of its key; empty without a key."""
    state: HealthState
    """`up`; `down`: most recent attempts failed, so it is tried after the others;
    `held`: it is not tried for `wait` seconds."""
    wait: float
    """Seconds until it is tried again; 0 if it can be tried now."""
    reason: str
    """Why it is down or held; empty if it is up."""
    first_delta_p95: float | None
    """The 95th percentile of the seconds to the first delta; None without any."""
    retries_left: float
    """The retries left in its budget."""


class Health:
    """The health of all targets that a process has used.

    Args:
        store: Stores holds; None means that this process stores them.
        random: For the delays of tries; None means `random.random`.
    """

    def __init__(
        self, store: HoldStore | None = None, random: Random | None = None
    ) -> None:
        self._store = MemoryStore() if store is None else store
        self._random = _default_random() if random is None else random
        self._known: dict[Scope, TargetHealth] = {}
        self._lock = Lock()

    def of(self, scope: Scope, target: Target, now: float) -> TargetHealth:
        """Return the health of a scope; an unknown target is up."""
        health = self._known.get(scope)
        if health is None:
            with self._lock:
                if len(self._known) >= _LIMIT:
                    # Remove an eighth at once, the least recently used.
                    ranked = sorted(self._known.values(), key=lambda one: one.used)
                    for one in ranked[: _LIMIT // 8]:
                        del self._known[one.scope]
                health = TargetHealth(scope, target, self._store, self._random)
                # Another thread may have added it meanwhile.
                health = self._known.setdefault(scope, health)
        health.used = now
        return health

    def reset(self) -> None:
        """Forget the health of all targets, and holds that this process stores."""
        with self._lock:
            self._known.clear()
        if isinstance(self._store, MemoryStore):
            self._store.clear()

    def known(self) -> list[TargetHealth]:
        """Return the health of each target that is known."""
        return list(self._known.values())

    def reports(self, now: float) -> list[HealthReport]:
        """Return a report of each target, sorted by name."""
        found = [report(health, now) for health in self.known()]
        return sorted(found, key=lambda one: (one.target, one.address, one.key))


def _default_random() -> Random:
    from random import random  # Not with the module: the import takes time.

    return random


def report(health: TargetHealth, now: float) -> HealthReport:
    """Return a report of a target's health."""
    hold = health.held(now)
    state: HealthState = "up"
    wait, reason = 0.0, ""
    if hold is not None:
        state, wait, reason = "held", hold.until - now, hold.reason
    elif health.is_down(now):
        state, wait, reason = "down", health.retry_at - now, health.reason(now)
    return HealthReport(
        target=str(health.target),
        address=health.scope.address,
        key=health.scope.credential[:_SHOWN_OF_A_FINGERPRINT],
        state=state,
        wait=max(0.0, wait),
        reason=reason,
        first_delta_p95=health.first_delta_p95,
        retries_left=round(health.retries_left, 1),
    )


def fingerprint(key: Secret | None) -> str:
    """Return a hash that distinguishes keys; empty without a key."""
    if not key:
        return ""
    value = key.reveal().encode("utf-8", "surrogatepass")
    return blake2b(value, digest_size=8, person=b"turnout").hexdigest()
