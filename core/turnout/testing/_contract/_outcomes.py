"""Helpers of the contracts to get an error, and all that it may show."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from turnout.errors import TurnoutError
from turnout.testing._contract._limits import run
from turnout.testing._contract._setting import ServiceSetting
from turnout.testing._fault_server import FaultServer
from turnout.testing._steps import Script
from turnout.types import Reply

__all__ = ["failure", "failures", "outcomes", "shown", "told"]

Runner: TypeAlias = Callable[
    [Coroutine[Any, Any, list[Reply | TurnoutError]]], list[Reply | TurnoutError]
]

_TESTING = Path(__file__).parents[1]


def outcomes(
    setting: ServiceSetting,
    scripts: Sequence[Script],
    *,
    runner: Runner = run,
    **request: Any,
) -> list[Reply | TurnoutError]:
    """Send a request for each script of a server, and return the results.

    Args:
        setting: The provider and its options.
        scripts: The server's scripts, in order.
        runner: Runs the coroutine.
        request: Options of each request.
    """

    async def main() -> list[Reply | TurnoutError]:
        ended: list[Reply | TurnoutError] = []
        async with FaultServer(*scripts) as server, setting.at(server) as provider:
            for _ in scripts:
                try:
                    ended.append(await setting.ask(provider, **request))
                except TurnoutError as error:
                    ended.append(error)
        return ended

    return runner(main())


def failures(
    setting: ServiceSetting,
    scripts: Sequence[Script],
    *,
    runner: Runner = run,
    **request: Any,
) -> list[TurnoutError]:
    """Do the same, and return the errors; each script has to end in one."""
    errors: list[TurnoutError] = []
    ended = outcomes(setting, scripts, runner=runner, **request)
    for index, each in enumerate(ended):
        assert not isinstance(each, Reply), f"answer {index} counts as complete"
        errors.append(each)
    return errors


def failure(
    setting: ServiceSetting, script: Script, *, runner: Runner = run
) -> TurnoutError:
    """Do the same for one script."""
    (error,) = failures(setting, [script], runner=runner)
    return error


def told(error: TurnoutError) -> str:
    """Return the texts of an error and of its causes."""
    parts = [f"{each} {each!r} {each.args!r} {vars(each)!r}" for each in _chain(error)]
    return "\n".join(parts)


def shown(error: TurnoutError) -> str:
    """Return all that a tool may show of an error: a pickle, a traceback's locals."""
    parts = [told(error), repr(pickle.dumps(error))]
    for each in _chain(error):
        for frame, _ in traceback.walk_tb(each.__traceback__):
            # Except the contract's own frames, which contain the key and the question.
            if _TESTING not in Path(frame.f_code.co_filename).parents:
                parts += map(repr, frame.f_locals.values())
    return "\n".join(parts)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, its causes and its contexts."""
    if error is not None:
        yield error
        yield from _chain(error.__cause__)
        yield from _chain(error.__context__)
