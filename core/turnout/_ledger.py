"""Add a finished attempt to its request's record, and log it.

One line an attempt goes to the logger `turnout.attempts`: names, times and classes of
errors, and never a text of the conversation. A fault of a plugin goes to
`turnout.plugins` as well, with its traceback.
"""

from __future__ import annotations

import logging

from turnout._record import Record
from turnout.errors import PluginError
from turnout.types import Attempt

__all__ = ["enter"]

_log = logging.getLogger("turnout.attempts")

_plugins = logging.getLogger("turnout.plugins")


def enter(record: Record, attempt: Attempt) -> None:
    """Add a finished attempt to its request's record, and log it.

    Args:
        record: The request's.
        attempt: With its outcome.
    """
    record.end(attempt)
    error = attempt.error
    if error is not None:
        for fault in (error, error.__cause__):
            if isinstance(fault, PluginError):
                _report(attempt, fault)
                break
    level = logging.DEBUG if error is None else logging.INFO
    if not _log.isEnabledFor(level):
        return
    status = "" if attempt.status_code is None else f" (status {attempt.status_code})"
    why = "" if error is None else f": {type(error).__name__}{status}"
    begun = attempt.first_delta
    first = "" if begun is None else f", first delta after {begun:.3f} s"
    _log.log(
        level,
        "attempt %d: %s %s after %.3f s%s%s",
        len(record.attempts),
        attempt.target,
        attempt.outcome,
        attempt.seconds,
        why,
        first,
    )


def _report(attempt: Attempt, fault: PluginError) -> None:
    """Log a fault of a plugin, and where in its code it happened.

    What the plugin raised is not quoted, as it may hold a prompt.
    """
    from traceback import format_tb

    raised = fault.__cause__ or fault
    places = format_tb(raised.__traceback__)
    _plugins.error("%s: %s", attempt.target, "\n".join([str(fault), *places]).rstrip())
