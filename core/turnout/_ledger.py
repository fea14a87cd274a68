"""Take down what became of an attempt, and tell the log of it.

One line an attempt, on the logger `turnout.attempts`: names, times and classes of
errors, and never what was said.
"""

from __future__ import annotations

import logging

from turnout._record import Record
from turnout.types import Attempt

__all__ = ["enter"]

_log = logging.getLogger("turnout.attempts")


def enter(record: Record, attempt: Attempt) -> None:
    """Add an attempt that is over to what came of its request.

    Args:
        record: The request's.
        attempt: With its outcome.
    """
    record.end(attempt)
    error = attempt.error
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
