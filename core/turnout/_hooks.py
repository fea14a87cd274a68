"""Call the hooks of plugins, and observers, in the path of a request.

None of them can break a request: what they raise is logged, and goes no further.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from inspect import iscoroutinefunction
from threading import Lock
from traceback import format_tb
from types import TracebackType
from typing import Any, NamedTuple, Self, cast

from turnout._plugins import PluginHost
from turnout._validation import kind_of
from turnout.errors import ArgumentError
from turnout.types import Attempt, ChatRequest, Target

__all__ = ["Observation", "ObservedHooks", "Observer", "Observers", "PluginHooks"]

_log = logging.getLogger("turnout")

_FRAMES = 4
"""How many lines of code are logged of what raised, the last ones."""


class _Call(NamedTuple):
    """A function to be called, and whose it is."""

    owner: str
    """As in `plugin 'Watcher'`."""
    function: Callable[..., Any]


class PluginHooks:
    """The hooks of the plugins that are loaded by now, as `AttemptHooks`.

    Args:
        host: Has the plugins.
    """

    def __init__(self, host: PluginHost) -> None:
        def calls(hook: str) -> list[_Call]:
            return [
                _Call(f"plugin {plugin.name!r}", function)
                for plugin, function in host.implementations(hook)
            ]

        self._rewrite = calls("turnout_rewrite_request")
        self._order = calls("turnout_order_targets")
        self._started = calls("turnout_attempt_started")
        self._ended = calls("turnout_attempt_ended")

    @property
    def watching(self) -> bool:
        """Whether any plugin rewrites requests or observes attempts."""
        return bool(self._rewrite or self._started or self._ended)

    @property
    def ordering(self) -> Callable[..., Sequence[Target]] | None:
        """`order`, if any plugin orders targets."""
        return self.order if self._order else None

    def rewrite(self, request: ChatRequest, target: Target) -> ChatRequest:
        """Return the request as the plugins leave it."""
        for call in self._rewrite:
            changed = _answer(call, request=request, target=target)
            if isinstance(changed, ChatRequest):
                request = changed
            elif changed is not None:
                kind = kind_of(changed)
                _log.warning(
                    "%s returned %s from turnout_rewrite_request; it is not a "
                    "ChatRequest, so the request stays as it was",
                    call.owner,
                    kind,
                )
        return request

    def started(self, attempt: Attempt) -> None:
        """Report an attempt that begins."""
        for call in self._started:
            _answer(call, attempt=attempt)

    def ended(self, attempt: Attempt) -> None:
        """Report an attempt that has ended."""
        for call in self._ended:
            _answer(call, attempt=attempt)

    def order(
        self, targets: Sequence[Target], request: ChatRequest
    ) -> Sequence[Target]:
        """Return the targets in the order of the first plugin that has one."""
        for owner, ask in self._order:
            # Read in the same call, as what a plugin returns may run its code.
            call = _Call(owner, partial(_known_targets, ask, targets))
            ordered = _answer(call, targets=tuple(targets), request=request)
            if ordered:
                return cast("list[Target]", ordered)
            if ordered is not None:
                _log.warning(
                    "%s returned no target of the route from turnout_order_targets, "
                    "so their order stays as it was",
                    owner,
                )
        return targets


Observer = Callable[[Attempt], object]
"""Is called with an attempt; what it returns is ignored."""


class Observation:
    """Observers that are called for each attempt, until they are stopped.

    It is made by `turnout.observe`. As a context manager it stops when the block is
    left.
    """

    def __init__(
        self,
        observers: Observers,
        started: Observer | None,
        ended: Observer | None,
    ) -> None:
        self._observers = observers
        self._started = _observer("started", started)
        self._ended = _observer("ended", ended)
        self._is_stopped = False
        if started is None and ended is None:
            raise ArgumentError("observe() needs started=, ended= or both")

    def stop(self) -> None:
        """Call these observers no more, also for attempts that have started.

        May be called again, and in any thread.
        """
        self._is_stopped = True
        self._observers.remove(self)

    def started(self, attempt: Attempt) -> None:
        """Report an attempt that begins."""
        if self._started is not None and not self._is_stopped:
            _answer(self._started, attempt)

    def ended(self, attempt: Attempt) -> None:
        """Report an attempt that has ended."""
        if self._ended is not None and not self._is_stopped:
            _answer(self._ended, attempt)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


class Observers:
    """The observations of a process. Every thread may add and remove."""

    def __init__(self) -> None:
        self.all: tuple[Observation, ...] = ()
        """In the order in which they began; another tuple after each change."""
        self._lock = Lock()

    def add(self, started: Observer | None, ended: Observer | None) -> Observation:
        """Begin an observation."""
        observation = Observation(self, started, ended)
        with self._lock:
            self.all += (observation,)
        return observation

    def remove(self, observation: Observation) -> None:
        """Remove an observation; nothing happens if it was removed before."""
        with self._lock:
            self.all = tuple(one for one in self.all if one is not observation)


class ObservedHooks(NamedTuple):
    """The plugins' hooks and then the observers, as `AttemptHooks`.

    An attempt keeps it until its end: an observer that is added meanwhile is not called
    with the end of an attempt whose start it missed.
    """

    plugins: PluginHooks
    observations: Sequence[Observation]

    def rewrite(self, request: ChatRequest, target: Target) -> ChatRequest:
        """Return the request as the plugins leave it."""
        return self.plugins.rewrite(request, target)

    def started(self, attempt: Attempt) -> None:
        """Report an attempt that begins."""
        self.plugins.started(attempt)
        for observation in self.observations:
            observation.started(attempt)

    def ended(self, attempt: Attempt) -> None:
        """Report an attempt that has ended."""
        self.plugins.ended(attempt)
        for observation in self.observations:
            observation.ended(attempt)


def _observer(name: str, given: object) -> _Call | None:
    """Return an observer as a call.

    Raises:
        ArgumentError: It is not a function that can be called here.
    """
    if given is None:
        return None
    if not callable(given):
        raise ArgumentError(
            f"{name} is {kind_of(given)}; it is a function of an attempt"
        )
    # Of an object, its class says whether to call it gives a coroutine.
    if iscoroutinefunction(given) or iscoroutinefunction(type(given).__call__):
        raise ArgumentError(
            f"{name} is an `async def`, which would never be awaited; it is a plain "
            "function, which may put the attempt into a queue"
        )
    label = getattr(given, "__qualname__", type(given).__name__)
    return _Call(f"observer {label!r}", given)


def _known_targets(
    ask: Callable[..., Any], known: Sequence[Target], **arguments: object
) -> list[Target] | None:
    """Return what a plugin orders, without the targets that the route has not."""
    answer = ask(**arguments)
    if answer is None:
        return None
    try:
        given = iter(answer)
    except TypeError:
        return []
    targets = (one for one in given if isinstance(one, Target))
    return [one for one in dict.fromkeys(targets) if one in known]


def _answer(call: _Call, *values: object, **arguments: object) -> Any:
    owner, function = call
    try:
        return function(*values, **arguments)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 whatever a plugin raises
        # The class and the place alone: the text may hold a prompt.
        places = "".join(format_tb(error.__traceback__, -_FRAMES)).rstrip()
        _log.warning("%s raised %s in a hook\n%s", owner, type(error).__name__, places)
        return None
