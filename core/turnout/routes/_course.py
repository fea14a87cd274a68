"""Schedule the attempts of one request: which target is tried next, and when.

The driver calls `next`, does what it returns, and reports how the attempt ended:
`failed` if the caller has received nothing of it, `broke` if the caller has received a
part. This module does no I/O: times and the random source are arguments.

Targets that are up are tried in the route's order. A target that is down is tried after
them, and from time to time before them, as a probe. A target that is held is not tried.
If no target is up, a few requests at a time try those that are down; the other requests
wait up to two seconds and then try them too. At most one *retry* is pending, at a known
time, and comes before any other target.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Iterator, Sequence
from time import time
from typing import TYPE_CHECKING, NamedTuple

from turnout._ledger import enter
from turnout._record import Record
from turnout._tokens import estimate_tokens
from turnout.errors import (
    AuthenticationError,
    ContextLengthError,
    DeadlineError,
    FallbackError,
    InvalidRequestError,
    OverloadedError,
    ProviderError,
    RateLimitError,
    ServerError,
    StreamBrokenError,
    TurnoutError,
    UnavailableError,
    UnsupportedError,
)
from turnout.routes._candidate import Candidate, RouteTarget
from turnout.routes._continuation import continued, fits, refusal_to_continue
from turnout.routes._hedging import HedgeShare, can_hedge
from turnout.routes._policy import Policy, Rule, rule
from turnout.routes._retries import LONGEST_WAIT, Random, after_hint, retry_delay
from turnout.routes._target_health import Permit
from turnout.types import Attempt, ChatRequest, Target

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

__all__ = ["Ask", "Course", "Wait"]

_log = logging.getLogger("turnout.attempts")

_TEMPORARY = {cls.__name__ for cls in (OverloadedError, RateLimitError, ServerError)}
"""Holds that a request waits for, by their reasons: the service named the time."""

_LONGEST_SPREAD = 2.0
_SPREAD_STEP = 0.1
"""Seconds that a request waits, in total and per step, for a free place at a target
that is down. Then it is sent without one: the delay helps a service to recover, but no
request fails for it."""


class Ask(NamedTuple):
    """Send the request to a target now."""

    candidate: Candidate
    permit: Permit
    request: ChatRequest
    prefill: bool = False
    """Whether the target continues the text without an instruction."""


class Wait(NamedTuple):
    """Try no target before a time, in the seconds of the clock."""

    until: float


class _Again(NamedTuple):
    """A pending retry."""

    candidate: Candidate
    at: float
    paid: bool
    """Whether its cost was taken from the retry budget."""


class Course:
    """Schedule the attempts of one request.

    Args:
        targets: The targets of the route, in their order.
        request: The caller's request.
        policy: The policy of the route.
        record: Collects the answer and the attempts.
        deadline: When the request must end, in the seconds of the clock.
        random: For the length of waits.
        given: The options that the caller passed, which override those of the targets.
            None means that no target has options.
    """

    def __init__(
        self,
        targets: Sequence[RouteTarget],
        request: ChatRequest,
        policy: Policy,
        record: Record,
        deadline: float,
        random: Random,
        given: Collection[str] | None = None,
    ) -> None:
        self._candidates = [Candidate(target, request) for target in targets]
        if given is not None:
            for candidate in self._candidates:
                candidate.apply_options(given)
        self._policy = policy
        self._record = record
        self._deadline = deadline
        self._random = random
        self._errors: list[TurnoutError] = []
        self._asked = 0
        self._again: _Again | None = None
        # Whether it has tried a target that is down while others were up.
        self._has_probed = False
        # Seconds left to wait: for a time that a target names while others are left,
        # for the end of a hold, and for a place at targets that are down.
        self._patience = policy.patience
        self._hold_patience = LONGEST_WAIT
        self._spread_patience = _LONGEST_SPREAD
        # A target that refused its key, until another one is tried.
        self._key_refused_by: Candidate | None = None
        # The error of the first attempt that broke, while its answer is continued.
        self._broken: TurnoutError | None = None
        # Which attempt broke last, and with which error.
        self._last_break = ""
        self._continuations = 0

    @property
    def continuing(self) -> bool:
        """Whether the next attempt continues the text so far."""
        return self._broken is not None

    def next(self, now: float) -> Ask | Wait:
        """Return the next step.

        Raises:
            TurnoutError: No target or no time is left.
        """
        if self._again is not None:
            candidate, at, paid = self._again
            if now < at:
                return Wait(at)
            if candidate.health(now).held(now) is None:
                self._again = None
                return self._ask(candidate, now, paid=paid)
            # Another request has recorded a hold. Wait for it if no other is left.
            candidate.is_out = bool(self._others(candidate, now))
            self.cancel_retry()
        self._check_time(now)
        skipped: list[Candidate] = []
        for candidate in self._available():
            health = candidate.health(now)
            if health.held(now) is None:
                is_down = health.is_down(now)
                if not is_down or (not self._has_probed and health.is_due(now)):
                    self._has_probed |= is_down
                    if skipped:
                        self._pass_over(skipped, now)
                    return self._ask(candidate, now)
            skipped.append(candidate)
        return self._last_resort(skipped, now)

    def failed(self, candidate: Candidate, error: TurnoutError, now: float) -> None:
        """Record the failure of an attempt of which the caller received nothing.

        Raises:
            TurnoutError: No other target may be tried.
        """
        found = rule(error, self._policy)
        if self._broken is not None and self._refused_prefill(candidate, error, now):
            return
        if not found.goes_on:
            if self._broken is None:
                raise error
            raise self._unable(f"{candidate.target} failed: {error}")
        self._errors.append(error)
        had_no_slot = any(
            attempt.error is error and attempt.outcome == "passed_over"
            for attempt in self._record.attempts[-1:]
        )
        if had_no_slot and not candidate.was_busy:
            candidate.is_busy = candidate.was_busy = True
            return
        if (
            isinstance(error, AuthenticationError)
            and error.status_code is not None
            and candidate.bound.provider.api_key is not None
        ):
            self._key_refused_by = candidate
        if (
            isinstance(error, ProviderError)
            # A service may request a retry (`x-should-retry`) after any error, except
            # those that last for a while.
            and (found.retried or (error.retryable and not found.hold))
            and self._broken is None
            and self._plans_retry(candidate, error, now, found)
        ):
            return
        candidate.is_out = True
        window = candidate.window
        if isinstance(error, ContextLengthError) and window is not None:
            for other in self._candidates:
                if not other.is_out and (other.window or math.inf) <= window:
                    self._leave_out(
                        other,
                        f"{other.target} accepts no more tokens than "
                        f"{candidate.target}, for which the input is too long",
                    )

    def has_free_slot(
        self, besides: Candidate, loop: AbstractEventLoop, now: float
    ) -> bool:
        """Return whether another target is up and has a free slot."""
        return any(
            other.bound.provider.gates.has_free(loop)
            and not other.health(now).is_down(now)
            for other in self._others(besides, now)
        )

    def hedge_target(self, ask: Ask, share: HedgeShare, now: float) -> Ask | None:
        """Return a second target for a request whose first target is slow, or None."""
        if now > self._latest or not share.allows():
            return None
        first, provider = ask.permit.health, ask.candidate.target.provider
        for other in self._available():
            if other.target.provider != provider:
                second = other.health(now)
                asked = (ask.candidate.asked, other.asked)
                hedges = all(can_hedge(first, second, one, now) for one in asked)
                if not hedges or not second.spend_retry():
                    return None
                share.hedged()
                return self._ask(other, now, paid=True)
        return None

    def lost_race(self, candidate: Candidate, error: TurnoutError) -> None:
        """Record the failure of one of two attempts while the other continues.

        Raises:
            TurnoutError: No other target may be tried.
        """
        if not rule(error, self._policy).goes_on:
            raise error
        self._errors.append(error)
        candidate.is_out = True

    def broke(self, candidate: Candidate, error: TurnoutError) -> bool:
        """Record the failure of an attempt of which the caller received a part.

        Returns:
            Whether the answer restarts; otherwise it is continued.

        Raises:
            TurnoutError: The policy allows neither.
            StreamBrokenError: The answer cannot be continued.
        """
        record, policy = self._record, self._policy
        text, tools = record.text, record.calls_tools
        found = rule(error, policy)
        # A complete answer of only white space has nothing to continue.
        restarts = not (text if found.continued else text.strip()) and not (
            tools or record.has_media
        )
        goes_on = {
            "off": False,
            "before_text": restarts,
            "continue": restarts or found.continued,
        }[policy.failover]
        if not (goes_on and found.goes_on) or len(self._candidates) == 1:
            raise error
        candidate.is_out = True
        self._errors.append(error)
        if restarts:
            return True
        self._broken = self._broken or error
        self._last_break = (
            f"the answer of {candidate.target} broke after {record.characters} "
            f"characters ({type(error).__name__})"
        )
        refusal = self._refusal_to_continue(candidate, tools_begun=tools)
        if record.has_media:
            refusal = "it had begun an image or a sound"
        if refusal is not None:
            raise self._unable(refusal)
        if self._continuations >= policy.max_continuations:
            raise self._unable(
                f"max_continuations={policy.max_continuations} allows no more"
            )
        return False

    def continued(self) -> None:
        """Record that a target continued the answer."""
        self._continuations += 1

    def cancel_retry(self) -> None:
        """Cancel the pending retry and return its cost to the budget."""
        again, self._again = self._again, None
        if again is not None and again.paid:
            again.candidate.health(again.at).return_retry()

    def _ask(self, candidate: Candidate, now: float, *, paid: bool = False) -> Ask:
        self._asked += 1
        permit = candidate.health(now).start(now)
        if self._asked == 1:  # The usual case: skip the rest, which takes time.
            return Ask(candidate, permit, candidate.request)
        refused, self._key_refused_by = self._key_refused_by, None
        if refused is not None:
            target = candidate.target
            _log.warning("%s refused its key; trying %s", refused.target, target)
        permit.paid = paid
        prefill = self._broken is not None and (
            candidate.prefills or not self._record.text.strip()
        )
        return Ask(candidate, permit, self._request_to(candidate), prefill)

    def _request_to(self, candidate: Candidate) -> ChatRequest:
        """Return the request that would be sent to a target now."""
        if self._broken is None:
            return candidate.request
        text = self._record.text
        return continued(
            candidate.request,
            text,
            prefill=candidate.prefills,
            used_tokens=estimate_tokens(text),
        )

    def _refusal_to_continue(
        self, candidate: Candidate, *, tools_begun: bool = False
    ) -> str | None:
        """Return why a target's request allows no continuation; None if it does."""
        text = self._record.text
        return refusal_to_continue(
            candidate.asked,
            with_tools=self._policy.continue_with_tools,
            text=text,
            tools_begun=tools_begun,
            finished=self._record.told_end,
            used_tokens=estimate_tokens(text),
        )

    def _can(self, candidate: Candidate) -> bool:
        """Return whether a target supports the request; record it if it does not."""
        bound = candidate.bound
        if self._broken is not None and candidate.has_options:
            reason = self._refusal_to_continue(candidate)
            if reason is not None:
                candidate.is_out = True
                message = f"{candidate.target} cannot continue the answer: {reason}"
                self._note(candidate, UnsupportedError(message))
                return False
        request = self._request_to(candidate)
        catalog = bound.provider.catalog
        refusal: TurnoutError | None = catalog.refusal(request)
        if refusal is not None and self._policy.prompted_schema:
            candidate.prompt_for_schema()
            request = self._request_to(candidate)
            refusal = catalog.refusal(request)
        if refusal is not None:
            candidate.is_out = True
            self._note(candidate, refusal)
        elif not fits(request, candidate.window):
            self._leave_out(
                candidate,
                f"the input is longer than {candidate.target} accepts "
                f"({candidate.window} tokens, by estimate)",
            )
        return not candidate.is_out

    def _leave_out(self, candidate: Candidate, reason: str) -> None:
        """Record that the input is too long for a target."""
        candidate.is_out = True
        target, message = candidate.target, f"{reason}; nothing was sent"
        error = ContextLengthError(
            message, provider=target.provider, model=target.model
        )
        self._note(candidate, error)

    def _pass_over(self, skipped: Sequence[Candidate], now: float) -> None:
        """Record which targets were passed over, and why."""
        for candidate in skipped:
            if not candidate.passed_over:
                candidate.passed_over = True
                self._note(candidate, _unavailable(candidate, now))

    def _note(self, candidate: Candidate, error: TurnoutError) -> None:
        self._errors.append(error)
        record = self._record
        enter(
            record,
            Attempt(
                target=candidate.target,
                outcome="passed_over",
                error=error,
                id=record.next_id(),
                stream_id=record.stream_id,
                started_at=time(),
                route=record.route,
            ),
        )

    def _last_resort(self, skipped: Sequence[Candidate], now: float) -> Ask | Wait:
        """Return what to do when no target is up and has a slot."""
        busy = [candidate for candidate in self._candidates if candidate.is_busy]
        if busy:
            for candidate in busy:
                candidate.is_busy = False
            return self.next(now)
        held = [one for one in skipped if one.health(now).held(now) is not None]
        down = [one for one in skipped if one not in held]
        if not down:
            until = self._end_of_hold(held, now)
            if until is not None:
                self._hold_patience -= until - now
                return Wait(until)
            self._pass_over(held, now)
            raise self._failure()
        places = [one for one in down if one.health(now).has_room]
        if not places and self._spread_patience > 0:
            step = _SPREAD_STEP * (0.5 + self._random())
            if now + step < self._latest:
                self._spread_patience -= step
                return Wait(now + step)
        self._pass_over(held, now)
        soonest = min(places or down, key=lambda one: one.health(now).retry_at)
        return self._ask(soonest, now)

    def _end_of_hold(self, held: Sequence[Candidate], now: float) -> float | None:
        """Return when the first hold ends; None if that is too late to wait for."""
        holds = [candidate.health(now).held(now) for candidate in held]
        ends = [h.until for h in holds if h is not None and h.reason in _TEMPORARY]
        if not ends:
            return None
        until = now + after_hint(min(ends) - now, self._random)
        patient = until - now <= self._hold_patience and until < self._latest
        return until if patient else None

    def _plans_retry(
        self, candidate: Candidate, error: ProviderError, now: float, found: Rule
    ) -> bool:
        """Plan a retry and pay for it; return whether there is one."""
        if self._asked >= self._policy.max_attempts:
            return False
        health, others = candidate.health(now), bool(self._others(candidate, now))
        delay = retry_delay(
            error,
            candidate.retries,
            self._random,
            limited=found.limited or (others and health.is_down(now)),
            once=found.once,
            others=others,
            patience=self._patience,
        )
        if delay is None or now + delay >= self._latest or not health.spend_retry():
            return False
        if others and error.retry_after is not None:
            self._patience -= delay
        candidate.retries += 1
        self._again = _Again(candidate, now + delay, paid=True)
        return True

    def _available(self, besides: Candidate | None = None) -> Iterator[Candidate]:
        """Yield the targets that this request can try, in order."""
        return (
            one
            for one in self._candidates
            if one is not besides and not (one.is_out or one.is_busy) and self._can(one)
        )

    def _others(self, candidate: Candidate, now: float) -> list[Candidate]:
        """Return the targets that can be tried instead of this one."""
        available = self._available(besides=candidate)
        return [one for one in available if one.health(now).held(now) is None]

    def _refused_prefill(
        self, candidate: Candidate, error: TurnoutError, now: float
    ) -> bool:
        """Plan an instruction to a target that refused a prefill, if possible."""
        if (
            not isinstance(error, InvalidRequestError | UnsupportedError)
            or not candidate.prefills
            or self._asked >= self._policy.max_attempts
            or now > self._latest
        ):
            return False
        candidate.instructed = True
        self._again = _Again(candidate, now, paid=False)
        return True

    @property
    def _latest(self) -> float:
        """The latest time at which an attempt may begin."""
        return self._deadline - self._policy.least_time

    def _check_time(self, now: float) -> None:
        if not self._asked or now <= self._latest:
            return
        if self._broken is not None:
            raise self._unable("the deadline leaves no time")
        for candidate in self._candidates:
            if not candidate.is_out:
                raise DeadlineError(
                    f"the deadline left no time to try {candidate.target}"
                ) from self._errors[-1]
        raise self._failure()

    def _unable(self, reason: str) -> StreamBrokenError:
        """Return the error for a broken answer that is not continued."""
        failure = StreamBrokenError(
            f"{self._last_break} and could not be continued: {reason}"
        )
        failure.__cause__ = self._broken
        return failure

    def _failure(self) -> TurnoutError:
        """Return the error for a request with no target left."""
        if self._broken is not None:
            reason = "no other target could continue it"
            last = self._errors[-1]
            return self._unable(reason if last is self._broken else f"{reason}: {last}")
        errors, attempts = self._errors, tuple(self._record.attempts)
        reasons = "; ".join(_reason(a.target, a.error) for a in attempts if a.error)
        failure = FallbackError(f"no target answered: {reasons}", errors)
        failure.attempts = attempts
        hints = (getattr(error, "retry_after", None) for error in errors)
        failure.retry_after = min((h for h in hints if h is not None), default=None)
        failure.__cause__ = errors[0]
        return failure


def _reason(target: Target, error: TurnoutError) -> str:
    """Return why a target did not answer, with its name only once."""
    name, reason = str(target), str(error)
    return reason if reason.startswith(name) else f"{name}: {reason}"


def _unavailable(candidate: Candidate, now: float) -> UnavailableError:
    """Return the error for a target that is held, or down while others are up."""
    target, health = candidate.target, candidate.health(now)
    hold = health.held(now)
    if hold is None:
        return UnavailableError(f"{target} was passed over: {health.reason(now)}")
    wait = hold.until - now
    reason = f"{hold.reason}: {hold.message}" if hold.message else hold.reason
    error = UnavailableError(
        f"{target} is cooling down for {wait:.3g} s after {reason}"
    )
    error.retry_after = wait
    return error
