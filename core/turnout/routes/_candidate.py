"""A target of a route, as far as one request has come with it."""

from __future__ import annotations

from turnout.routes._prompting import prompted
from turnout.routes._standing import Member, Standing
from turnout.types import ChatRequest, Target

__all__ = ["Candidate"]


class Candidate:
    """A target of the route, as far as this request has come with it.

    Args:
        member: The target.
        request: What is asked, of any model.
    """

    __slots__ = (
        "_asked",
        "_request",
        "_standing",
        "instructed",
        "member",
        "out",
        "passed_over",
        "retries",
    )

    def __init__(self, member: Member, request: ChatRequest) -> None:
        self.member = member
        self._request = request
        self._asked: ChatRequest | None = None
        self._standing: Standing | None = None
        self.out = False
        self.passed_over = False
        self.retries = 0
        self.instructed = False
        """Whether it refused to be given the beginning of an answer."""

    def standing(self, now: float) -> Standing:
        """Return how the target stands."""
        if self._standing is None:
            self._standing = self.member.standing(now)
        return self._standing

    @property
    def request(self) -> ChatRequest:
        """What is asked of it, but for what was shown of the answer."""
        if self._asked is None:
            self._asked = self._request.for_model(self.member.bound.model)
        return self._asked

    def prompt(self, instruction: str) -> None:
        """Ask it for JSON by a message, since it cannot be bound to a schema."""
        self._asked = prompted(self.request, instruction)

    @property
    def target(self) -> Target:
        """The target's names."""
        return self.member.bound.target

    @property
    def window(self) -> int | None:
        """How many tokens the model takes; None where that is not known."""
        bound = self.member.bound
        return bound.provider.catalog.context_window(bound.model)

    @property
    def prefills(self) -> bool:
        """Whether it goes on with the beginning of an answer that it is given."""
        bound = self.member.bound
        method = bound.provider.catalog.info_of(bound.model).prefill
        return method != "none" and not self.instructed
