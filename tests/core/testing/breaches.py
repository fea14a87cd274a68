"""Contracts that are broken: pytest is to say of each where it is."""

from __future__ import annotations

from turnout.testing import WireAnswer

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
