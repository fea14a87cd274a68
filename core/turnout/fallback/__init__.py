"""Routes: which target is asked, and what follows when it fails."""

from turnout.fallback._policy import Policy, Verdict, verdict
from turnout.fallback._route import Order, Route

__all__ = ["Order", "Policy", "Route", "Verdict", "verdict"]
