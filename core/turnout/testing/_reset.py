"""Reset the health of a process's targets between two tests."""

from __future__ import annotations

__all__ = ["reset_health"]


def reset_health() -> None:
    """Forget the results of all targets, and which of them are on hold.

    For tests with providers other than `FakeProvider`, whose instances have their own
    health. It resets what `turnout.health` reports: the health that the routes of
    `turnout.fallback`, `turnout.complete` and the configuration share.
    """
    from turnout._app import current_app

    current_app().target_health.reset()
