"""Routes: lists of targets with failover, and the health of targets."""

from turnout.routes._candidate import status
from turnout.routes._health import Health, HealthReport, HealthState
from turnout.routes._holds import Hold, HoldStore
from turnout.routes._policy import Policy
from turnout.routes._route import Order, Route

__all__ = [
    "Health",
    "HealthReport",
    "HealthState",
    "Hold",
    "HoldStore",
    "Order",
    "Policy",
    "Route",
    "status",
]
