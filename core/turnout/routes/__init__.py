"""Routes: which target is asked, and what follows when it fails."""

from turnout.routes._breaker import BreakerPolicy
from turnout.routes._budget import BudgetPolicy
from turnout.routes._health import (
    HealthPolicy,
    HealthReport,
    HealthStore,
    MemoryHealth,
    report,
)
from turnout.routes._hedging import Hedging
from turnout.routes._policy import Policy
from turnout.routes._route import Order, Route
from turnout.routes._standing import Member

__all__ = [
    "BreakerPolicy",
    "BudgetPolicy",
    "HealthPolicy",
    "HealthReport",
    "HealthStore",
    "Hedging",
    "Member",
    "MemoryHealth",
    "Order",
    "Policy",
    "Route",
    "report",
]
