"""Forget what a process has learned of its targets, between two tests."""

from __future__ import annotations

__all__ = ["reset_health"]


def reset_health() -> None:
    """Forget how all targets answered, and which are not asked for a while.

    For tests whose providers are not `FakeProvider`s, which have health of their own.
    It resets what `turnout.health` reports: the health that the routes of
    `turnout.fallback`, `turnout.complete` and the configuration have in common.
    """
    from turnout._app import current_app

    current_app().target_health.reset()
