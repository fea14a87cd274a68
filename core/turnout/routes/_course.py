"""The course of one request: which target is asked next, and when.

The driver asks `next` what to do, does it, and tells what became of it: `failed` where
nothing of the attempt was shown, `broke` where the caller has seen some of the answer.
All of the rules meet here, and none of the I/O: times are given, chance is injected.

A target is in one of these states: *in*, to be asked in its place; *out*, not to be
asked again by this request; *passed over*, since its circuit is open or it cools, and
asked all the same if no other is left. At most one target is asked *again*, at a time
that is known, before any other.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple, TypeAlias, cast

from turnout._ledger import enter
from turnout._record import Record
from turnout._tokens import estimate_tokens
from turnout.errors import (
    AuthenticationError,
    ContextLengthError,
    DeadlineError,
    FallbackError,
    InvalidRequestError,
    ProviderError,
    StreamBrokenError,
    TurnoutError,
    UnavailableError,
)
from turnout.routes._backoff import Random
from turnout.routes._candidate import Candidate
from turnout.routes._continuation import continued, fits, refusal_to_continue
from turnout.routes._hedging import HedgeShare
from turnout.routes._policy import Policy, rule
from turnout.routes._retries import Retries
from turnout.routes._standing import Member, Turn
from turnout.types import Attempt, ChatRequest

__all__ = ["Ask", "Course", "Wait"]

_log = logging.getLogger("turnout.attempts")

_INSTRUCTED = 2
"""Messages that are added where a message asks for the rest of an answer."""


class Ask(NamedTuple):
    """Ask a target, now."""

    candidate: Candidate
    turn: Turn
    request: ChatRequest
    prefill: bool = False
    """Whether no message asks it to go on: it is given the beginning of its answer and
    no more, or that is white space and it begins anew."""


class Wait(NamedTuple):
    """Ask nobody before a time, in the seconds of the clock."""

    until: float


Step: TypeAlias = Ask | Wait


class _Again(NamedTuple):
    """A target that is asked once more."""

    candidate: Candidate
    at: float
    paid: bool
    """Whether its budget has paid for it."""


class Course:
    """Decide what one request does.

    Args:
        members: The targets, in the order in which they are asked.
        request: What is asked; each target is given its own model.
        policy: The route's numbers.
        record: What came of the answer so far.
        deadline: When the request is to be over, in the seconds of the clock.
        random: For the length of waits.
    """

    def __init__(
        self,
        members: Sequence[Member],
        request: ChatRequest,
        policy: Policy,
        record: Record,
        deadline: float,
        random: Random,
    ) -> None:
        self._candidates = [Candidate(member, request) for member in members]
        self._request = request
        self._policy = policy
        self._record = record
        self._deadline = deadline
        self._errors: list[TurnoutError] = []
        self._asked = 0
        self._retries = Retries(policy, random)
        self._again: _Again | None = None
        self._waited = False
        # The error of the attempt that broke, while its answer is being continued.
        self._broken: TurnoutError | None = None
        # Whose part of the answer broke last, and how.
        self._last_break = ""
        self._continuations = 0

    @property
    def continuing(self) -> bool:
        """Whether the answer goes on from what was shown."""
        return self._broken is not None

    def next(self, now: float) -> Step:
        """Return what is to be done.

        Raises:
            TurnoutError: There is nobody left to ask, or no time.
        """
        if self._again is not None:
            candidate, at, paid = self._again
            if now < at:
                return Wait(at)
            turn = candidate.standing(now).again(now)
            if turn is not None:
                self._again, turn.paid = None, paid
                return self._ask(candidate, turn)
            candidate.out = True
            self.wait_no_more()
        if self._asked >= self._policy.max_attempts:
            raise self._failure()
        self._check_time(now)
        for candidate in self._candidates:
            if candidate.out or not self._can(candidate):
                continue
            turn = candidate.standing(now).start(now)
            if turn is not None:
                return self._taken(candidate, turn, now)
            self._pass_over(candidate, now)
        return self._last_resort(now)

    def failed(self, candidate: Candidate, error: TurnoutError, now: float) -> None:
        """Take an attempt's failure of which nothing was shown.

        Raises:
            TurnoutError: No other target is to be asked.
        """
        found = rule(error, self._policy)
        if self._broken is not None and self._refused_prefill(candidate, error, now):
            return
        # Another had taken the request: what is refused now is the continuation.
        refused = self._broken is not None and isinstance(error, InvalidRequestError)
        if not found.goes_on and not refused:
            if self._broken is None:
                raise error
            if not isinstance(error, StreamBrokenError):
                raise self._unable(f"{candidate.target} failed: {error}")
            raise error from self._broken
        self._errors.append(error)
        if isinstance(error, AuthenticationError):
            # It stays so until somebody does something about it.
            _log.warning("%s refused its key; another is asked", candidate.target)
        at = None
        if found.retried and self._broken is None:
            at = self._retry_at(candidate, cast("ProviderError", error), now)
        if at is not None:
            self._again = _Again(candidate, at, paid=True)
            return
        candidate.out = True
        if isinstance(error, ContextLengthError):
            self._leave_out_no_larger(candidate)

    def rival(self, ask: Ask, share: HedgeShare, now: float) -> Ask | None:
        """Return whom else to ask, as the one that is asked is slow to begin.

        Args:
            ask: Whom is asked.
            share: How much was hedged of late.
            now: In the seconds of the clock.
        """
        if self._asked >= self._policy.max_attempts or now > self._latest:
            return None
        slow = ask.candidate
        for candidate in self._candidates:
            if candidate is slow or candidate.out or not self._can(candidate):
                continue
            if candidate.target.provider == slow.target.provider:
                continue
            standing = candidate.standing(now)
            if not self._policy.hedging.allowed(
                slow.standing(now).own, standing.own, self._request, share, now
            ):
                return None
            turn = standing.start(now)
            if turn is None:
                return None
            if not turn.pay():
                turn.released()
                return None
            share.hedged()
            return self._ask(candidate, turn)
        return None

    def outrun(self, candidate: Candidate, error: TurnoutError) -> None:
        """Take the failure of one of two that are asked, while the other goes on.

        Raises:
            TurnoutError: Nobody is to be asked any more.
        """
        if not rule(error, self._policy).goes_on:
            raise error
        self._errors.append(error)
        candidate.out = True

    def broke(self, candidate: Candidate, error: TurnoutError) -> bool:
        """Take an attempt's failure of which some was shown.

        Returns:
            Whether the answer is begun anew; otherwise it is continued.

        Raises:
            TurnoutError: The policy has it raised.
            StreamBrokenError: The answer cannot be continued.
        """
        record, policy = self._record, self._policy
        text, tools = record.text, record.calls_tools
        anew = not text and not tools
        found = rule(error, policy)
        allowed = {
            "off": False,
            "before_text": anew,
            "continue": anew or found.continued,
        }
        goes_on = allowed[policy.failover] and found.goes_on
        if not goes_on or len(self._candidates) == 1:
            raise error
        candidate.out = True
        self._errors.append(error)
        if anew:
            return True
        self._broken = self._broken or error
        self._last_break = (
            f"the answer of {candidate.target} broke after {record.characters} "
            f"characters ({type(error).__name__})"
        )
        refusal = refusal_to_continue(
            self._request,
            with_tools=policy.continue_with_tools,
            text=text,
            tools_begun=tools,
            finished=record.told_end,
            used_tokens=estimate_tokens(text),
        )
        if refusal is not None:
            raise self._unable(refusal)
        if self._continuations >= policy.max_continuations:
            raise self._unable("it was continued as often as max_continuations allows")
        return False

    def went_on(self) -> None:
        """Take that a target goes on with the answer."""
        self._continuations += 1

    def wait_no_more(self) -> None:
        """Take that no retry is waited for any more."""
        again, self._again = self._again, None
        if again is not None and again.paid:
            again.candidate.standing(again.at).own.budget.release()

    def _ask(self, candidate: Candidate, turn: Turn) -> Ask:
        self._asked += 1
        if self._broken is None:
            return Ask(candidate, turn, candidate.request)
        request = self._request_to(candidate)
        added = len(request.messages) - len(candidate.request.messages)
        return Ask(candidate, turn, request, prefill=added < _INSTRUCTED)

    def _taken(self, candidate: Candidate, turn: Turn, now: float) -> Step:
        """Ask a target for the first time; to continue an answer costs its budget."""
        if self._broken is not None and not turn.pay():
            turn.released()
            candidate.out = True
            return self.next(now)
        return self._ask(candidate, turn)

    def _request_to(self, candidate: Candidate) -> ChatRequest:
        """Return what is asked of a target now."""
        if self._broken is None:
            return candidate.request
        text = self._record.text
        return continued(
            candidate.request,
            text,
            prefill=candidate.prefills,
            used_tokens=estimate_tokens(text),
        )

    def _can(self, candidate: Candidate) -> bool:
        """Tell whether a target can do what is asked; note it where it cannot."""
        bound = candidate.member.bound
        request = self._request_to(candidate)
        catalog = bound.provider.catalog
        refusal: TurnoutError | None = catalog.refusal(request)
        if refusal is not None and self._policy.prompted_schema:
            candidate.prompt(self._policy.schema_instruction)
            request = self._request_to(candidate)
            refusal = catalog.refusal(request)
        if refusal is None and not fits(request, candidate.window):
            refusal = ContextLengthError(
                f"the input is longer than {bound.target} accepts "
                f"({candidate.window} tokens, by estimate); it was not asked",
                provider=bound.provider.info.name,
                model=bound.model,
            )
        if refusal is None:
            return True
        candidate.out = True
        self._note(candidate, refusal)
        return False

    def _pass_over(self, candidate: Candidate, now: float) -> None:
        if candidate.passed_over:
            return
        candidate.passed_over = True
        standing = candidate.standing(now)
        wait = standing.next_at(now) - now
        error = UnavailableError(
            f"{candidate.target} is not asked for {wait:.3g} s: {standing.reason(now)}"
        )
        error.retry_after = wait
        self._note(candidate, error)

    def _note(self, candidate: Candidate, error: TurnoutError) -> None:
        self._errors.append(error)
        enter(
            self._record,
            Attempt(target=candidate.target, outcome="passed_over", error=error),
        )

    def _last_resort(self, now: float) -> Step:
        """Ask one that was passed over, where no other is left."""
        left = [
            candidate
            for candidate in self._candidates
            if not candidate.out and not candidate.standing(now).lasting(now)
        ]
        if not left:
            raise self._failure()
        first = min(left, key=lambda one: one.standing(now).next_at(now))
        at = first.standing(now).next_at(now)
        if (
            at - now <= self._policy.last_wait
            and at < self._latest
            and not self._waited
        ):
            self._waited = True
            return Wait(at)
        turn = first.standing(now).probe(now)
        if turn is None:
            raise self._failure()
        return self._taken(first, turn, now)

    def _retry_at(
        self, candidate: Candidate, error: ProviderError, now: float
    ) -> float | None:
        """Return when a target is asked again; None where it is not."""
        if self._asked >= self._policy.max_attempts:
            return None
        others = partial(self._others, candidate, now)
        return self._retries.grant(candidate, error, now, self._latest, others)

    def _others(self, candidate: Candidate, now: float) -> bool:
        """Tell whether another target may be asked in place of this one."""
        return any(
            other is not candidate
            and not other.out
            and self._can(other)
            and other.standing(now).allows(now)
            for other in self._candidates
        )

    def _refused_prefill(
        self, candidate: Candidate, error: TurnoutError, now: float
    ) -> bool:
        """Ask a target by an instruction that refused the beginning of an answer."""
        if (
            not isinstance(error, InvalidRequestError)
            or not candidate.prefills
            or self._asked >= self._policy.max_attempts
            or now > self._latest
        ):
            return False
        candidate.instructed = True
        self._again = _Again(candidate, now, paid=False)
        return True

    def _leave_out_no_larger(self, failed: Candidate) -> None:
        """Leave out who takes no more than the one for which it was too much."""
        if failed.window is None:
            return
        for other in self._candidates:
            if other.out or other.window is None or other.window > failed.window:
                continue
            other.out = True
            self._note(
                other,
                ContextLengthError(
                    f"{other.target} accepts no more than {failed.target}, for which "
                    "the input is too long; it was not asked",
                    provider=other.target.provider,
                    model=other.target.model,
                ),
            )

    @property
    def _latest(self) -> float:
        """When the last attempt may begin."""
        return self._deadline - self._policy.least_time

    def _check_time(self, now: float) -> None:
        if not self._asked or now <= self._latest:
            return
        if self._broken is not None:
            raise self._unable("the deadline leaves no time for it")
        left = [str(one.target) for one in self._candidates if not one.out]
        if not left:
            raise self._failure()
        raise DeadlineError(
            f"the deadline left no time to ask {left[0]} too"
        ) from self._errors[-1]

    def _unable(self, reason: str) -> StreamBrokenError:
        """Return the error for an answer that broke and is not continued."""
        broken = self._broken
        assert broken is not None
        failure = StreamBrokenError(
            f"{self._last_break} and could not be continued: {reason}"
        )
        failure.__cause__ = broken
        return failure

    def _failure(self) -> TurnoutError:
        """Return the error for a request that nobody is left to be asked."""
        if self._broken is not None:
            return self._unable("no other target could go on with it")
        errors = self._errors
        if len(self._candidates) == 1 or len(errors) == 1:
            return errors[-1]
        attempts = tuple(self._record.attempts)
        told = "; ".join(f"{a.target}: {a.error}" for a in attempts if a.error)
        failure = FallbackError(f"no target answered: {told}", errors)
        failure.attempts = attempts
        hints = (getattr(error, "retry_after", None) for error in errors)
        failure.retry_after = min((h for h in hints if h is not None), default=None)
        failure.__cause__ = errors[0]
        return failure
