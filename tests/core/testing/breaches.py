"""Contracts that are broken: pytest is to say of each where it is."""

from __future__ import annotations

from turnout.testing import WireAnswer

from .engines import (
    Boundless,
    EngineOf,
    Moody,
    Prosaic,
    Refusing,
    Unstoppable,
)
from .macaws import (
    Addressless,
    Amnesiac,
    Bare,
    Chatty,
    Counting,
    Crossing,
    Crowding,
    Deafened,
    Empty,
    Fragile,
    Functional,
    Gullible,
    Levelling,
    MacawContract,
    Nameless,
    Odd,
    Plain,
    Thoughtless,
    Unaddressed,
    Uncalled,
)
from .parrots import (
    Careless,
    Confused,
    Deaf,
    Enduring,
    Forgetful,
    Hasty,
    Hoarding,
    Loud,
    Modest,
    ParrotContract,
    Restless,
    Sleeping,
    Synchronous,
    Talkative,
    Trusting,
    Zeroless,
)
from .signers import SignerContract, Unsigned


class TestHasty(ParrotContract):
    provider = Hasty


class TestTalkative(ParrotContract):
    provider = Talkative


class TestForgetful(ParrotContract):
    provider = Forgetful


class TestZeroless(ParrotContract):
    provider = Zeroless


class TestModest(ParrotContract):
    provider = Modest


class TestDeaf(ParrotContract):
    provider = Deaf


class TestTrusting(ParrotContract):
    provider = Trusting


class TestHoarding(ParrotContract):
    provider = Hoarding


class TestRestless(ParrotContract):
    provider = Restless


class TestLoud(ParrotContract):
    provider = Loud


class TestSleeping(ParrotContract):
    provider = Sleeping


class TestSynchronous(ParrotContract):
    provider = Synchronous


class TestEnduring(ParrotContract):
    provider = Enduring


class TestCareless(ParrotContract):
    provider = Careless


class TestConfused(ParrotContract):
    provider = Confused


class TestSilent(ParrotContract):
    """Has too little to show."""

    answers = (WireAnswer(name="text", pieces=((b"\n",),)),)


class TestLevelling(MacawContract):
    provider = Levelling


class TestCrossing(MacawContract):
    provider = Crossing


class TestUnaddressed(MacawContract):
    provider = Unaddressed


class TestNameless(MacawContract):
    provider = Nameless


class TestChatty(MacawContract):
    provider = Chatty


class TestAmnesiac(MacawContract):
    provider = Amnesiac


class TestThoughtless(MacawContract):
    provider = Thoughtless


class TestGullible(MacawContract):
    provider = Gullible


class TestFragile(MacawContract):
    provider = Fragile


class TestPlain(MacawContract):
    provider = Plain


class TestEmpty(MacawContract):
    provider = Empty


class TestOdd(MacawContract):
    provider = Odd


class TestCounting(MacawContract):
    provider = Counting


class TestFunctional(MacawContract):
    provider = Functional


class TestCrowding(MacawContract):
    provider = Crowding


class TestUncalled(MacawContract):
    provider = Uncalled


class TestBare(MacawContract):
    provider = Bare


class TestDeafened(MacawContract):
    provider = Deafened


class TestAddressless(MacawContract):
    provider = Addressless


class TestUnsigned(SignerContract):
    provider = Unsigned


class TestRefusing(EngineOf):
    provider = Refusing


class TestBoundless(EngineOf):
    provider = Boundless


class TestUnstoppable(EngineOf):
    provider = Unstoppable


class TestMoody(EngineOf):
    provider = Moody


class TestProsaic(EngineOf):
    provider = Prosaic
