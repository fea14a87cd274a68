"""What plugins say in the path of a request. None of them can break it."""

from __future__ import annotations

import logging
import operator
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

from turnout._plugins import PluginHost
from turnout.types import Attempt, ChatRequest, Target

__all__ = ["PluginHooks"]

_log = logging.getLogger("turnout")

_Call = tuple[str, Callable[..., Any]]


class PluginHooks:
    """The hooks of the plugins that are loaded by now, as `AttemptHooks`.

    One that raises is passed over, with a record on the logger `turnout`.

    Args:
        host: Has the plugins.
        find: Finds the hooks of the process in which these are unpickled.
    """

    def __init__(
        self, host: PluginHost, find: Callable[[], PluginHooks] | None = None
    ) -> None:
        self._find = find

        def calls(hook: str) -> list[_Call]:
            return [(plugin.name, call) for plugin, call in host.implementations(hook)]

        self._rewrite = calls("turnout_rewrite_request")
        self._order = calls("turnout_order_targets")
        self._started = calls("turnout_attempt_started")
        self._ended = calls("turnout_attempt_ended")

    def __deepcopy__(self, memo: object) -> PluginHooks:
        return self

    def __reduce__(self) -> tuple[object, ...]:
        # Plugins are a matter of the process, and their functions cannot be pickled.
        return operator.call, (self._find,)

    @property
    def watching(self) -> bool:
        """Whether any plugin wants to hear of attempts or to change requests."""
        return bool(self._rewrite or self._started or self._ended)

    @property
    def ordering(self) -> Callable[..., Sequence[Target]] | None:
        """`order`, where any plugin wants to order targets."""
        return self.order if self._order else None

    def rewrite(self, request: ChatRequest, target: Target) -> ChatRequest:
        """Return the request as the plugins leave it."""
        for call in self._rewrite:
            changed = _answer(call, request=request, target=target)
            if isinstance(changed, ChatRequest):
                request = changed
            elif changed is not None:
                _log.warning("plugin %r rewrote a request as no ChatRequest", call[0])
        return request

    def started(self, attempt: Attempt) -> None:
        """Tell the plugins of an attempt that begins."""
        for call in self._started:
            _answer(call, attempt=attempt)

    def ended(self, attempt: Attempt) -> None:
        """Tell the plugins what became of an attempt."""
        for call in self._ended:
            _answer(call, attempt=attempt)

    def order(
        self, targets: Sequence[Target], request: ChatRequest
    ) -> Sequence[Target]:
        """Return the targets in the order of the first plugin that has one."""
        for name, ask in self._order:
            # Read in the same call, as what a plugin returns may run its code.
            call = name, partial(_known_targets, ask, targets)
            ordered = _answer(call, targets=tuple(targets), request=request)
            if ordered:
                return cast("list[Target]", ordered)
            if ordered is not None:
                _log.warning("plugin %r ordered targets as none of the route's", name)
        return targets


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


def _answer(call: _Call, **arguments: object) -> Any:
    name, function = call
    try:
        return function(**arguments)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 whatever a plugin raises
        # The class alone: the text may hold a prompt.
        _log.warning("plugin %r raised %s in a hook", name, type(error).__name__)
        return None
