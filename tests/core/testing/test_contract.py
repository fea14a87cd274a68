"""The contract: whom it lets pass, and whom it does not."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import ClassVar

import pytest

import turnout.testing
from turnout.provider import Provider
from turnout.testing import EngineContract, ProviderContract, WireAnswer
from turnout.testing._contract._limits import forbid_blocking, run
from turnout.testing._wire import merged
from turnout.types import (
    Capabilities,
    ChatRequest,
    Event,
    ProviderInfo,
    ReasoningDelta,
    ToolCallDelta,
)

from .engines import EngineOf
from .macaws import MacawContract
from .parrots import INFO, Parrot, ParrotContract, Stubborn
from .signers import SignerContract

ROOT = Path(__file__).parents[3]

NOT_EVERY = "what_not_every_service_has_is_sent_or_refused"

BREACHES = {
    "TestHasty": "an_answer_cut_after_any_piece_is_no_whole_one[text-fin]",
    "TestHasty ": "an_answer_cut_at_any_byte_is_no_whole_one[rst]",
    "TestTalkative": "the_key_is_sent_in_a_header_and_nowhere_else",
    "TestForgetful": "a_feature_is_sent_or_refused[temperature]",
    "TestZeroless": "a_zero_is_sent_too[temperature]",
    "TestModest": "the_services_list_is_asked_for_with_the_key",
    "TestDeaf": "an_error_has_its_class[200 OverloadedError 0]",
    "TestTrusting": "an_odd_value_is_no_fault_of_the_plugin[text]",
    "TestHoarding": "an_answer_without_further_text_ends",
    "TestRestless": "an_answer_comes_as_text",
    "TestLoud": "no_error_shows_the_key_or_the_question[cut]",
    "TestSleeping": "an_answer_comes_as_text",
    "TestSynchronous": "an_answer_comes_as_text",
    "TestEnduring": "cancelling_in_an_answer_closes_the_connection",
    "TestCareless": "an_answer_that_says_nothing_ends",
    "TestConfused": "cancelling_in_an_answer_closes_the_connection",
    "TestSilent": "the_answers_given_show_what_it_can_do",
    "TestLevelling": "a_message_is_sent_with_its_role[assistant]",
    "TestLevelling ": "a_message_is_sent_with_its_role[system]",
    "TestCrossing": "a_message_is_sent_with_its_role[assistant]",
    "TestUnaddressed": "a_result_is_sent_with_the_call_that_it_answers",
    "TestNameless": "a_result_is_sent_with_the_call_that_it_answers",
    "TestChatty": "a_result_is_sent_as_one",
    "TestAmnesiac": "what_the_service_wants_to_see_again_is_sent_back[signature]",
    "TestAmnesiac ": "an_answer_can_be_answered[signature]",
    "TestThoughtless": "an_answer_can_be_answered[signature]",
    "TestGullible": "the_state_of_another_service_changes_nothing",
    "TestFragile": "the_state_of_another_service_changes_nothing",
    "TestPlain": "an_answer_is_what_it_says[sources]",
    "TestEmpty": "an_answer_is_what_it_says[sources]",
    "TestOdd": "its_events_have_values_of_their_kinds[text]",
    "TestCounting": "its_events_have_values_of_their_kinds[text]",
    "TestFunctional": f"{NOT_EVERY}[native tool]",
    "TestCrowding": f"{NOT_EVERY}[native tool beside a function]",
    "TestUncalled": f"{NOT_EVERY}[call that is not of a function]",
    "TestBare": f"{NOT_EVERY}[field of a message]",
    "TestBare ": f"{NOT_EVERY}[field of a text]",
    "TestDeafened": "a_feature_is_sent_or_refused[audio]",
    "TestDeafened ": "a_feature_is_sent_or_refused[video]",
    "TestAddressless": f"{NOT_EVERY}[image by its URL]",
    "TestRefusing": "what_it_claims_is_not_refused[tools]",
    "TestBoundless": "a_limit_of_tokens_ends_an_answer",
    "TestUnstoppable": "a_stop_sequence_ends_an_answer",
    "TestMoody": "a_seed_gives_the_same_answer_again",
    "TestUnsigned": "the_key_is_sent_in_a_header_and_nowhere_else",
    "TestUnsigned ": "the_key_may_come_from_the_environment",
    "TestProsaic": "an_answer_is_bound_to_a_schema",
}
"""The test that has to fail, by the class of a broken contract."""

ADVICE = (
    "time.sleep blocks the event loop",
    "connecting a blocking socket blocks the event loop",
    "the test did not end within 1000 s",
    "temperature=0 is dropped; send it unless it is None",
    "the list was requested without the key",
    "CancelledError was caught; raise it again",
    "the task ended before the cancellation: PluginError(",
    "a message of the role 'assistant' is sent as one of the role 'user' is",
    "a message of the role 'user' is sent with the role 'assistant'",
    "the request does not say which call a result answers; send tool_call_id",
    "'call_canary0' is sent with the call and not with its result",
    "'canary signature' is not sent back; keep it in Finish.state",
    "Finish.state is set, but does not change the next request",
    "the state of another service is sent",
    "'canary extra' of a field of a message is dropped",
    "tools is claimed, but refused: no tools here",
    "max_tokens=1 makes no difference",
    "response_format is claimed, but ignored",
    "the request was sent without the key; if the key signs it, write key_in",
)
"""Parts of the messages of some of them."""


class TestParrot(ParrotContract):
    """A provider that is right, and whose service has a list of models."""


class TestMacaw(MacawContract):
    """A provider that can do everything."""


class TestEngine(EngineOf):
    """An engine that can do what it claims."""


class TestSigner(SignerContract):
    """A provider whose key is not sent."""


class Cockatoo(Parrot):
    list_models = Provider.list_models


class TestCockatoo(ParrotContract):
    """A row: an open list, no key, no history and no errors of its own."""

    provider = Cockatoo
    info = ProviderInfo(
        name="Cockatoo",
        open_models=True,
        capabilities=Capabilities(history=False),
        options=INFO.options,
    )
    model = "any"
    errors = ()
    model_list = None


class Greeter(Provider):
    info = ProviderInfo(name="Greeter", models=("a",))

    async def generate(self, request: ChatRequest) -> AsyncGenerator[str]:
        yield "Hello"


class TestGreeter(EngineContract):
    """An engine in this process."""

    provider = Greeter
    installed = False


class Nobody(Provider):
    async def generate(self, request: ChatRequest) -> AsyncGenerator[str]:
        yield "Hello"


class Nameless(EngineContract):
    provider = Nobody


class Speechless(ProviderContract):
    provider = Parrot


class Misspelt(ParrotContract):
    left_out: ClassVar[Mapping[str, str]] = {"test_a_zero_is_sent[seed]": "it is odd"}


@pytest.mark.ci
def test_each_breach_is_found_by_its_test() -> None:
    file = "tests/core/testing/breaches.py"
    tests = [f"{file}::{c.strip()}::test_{test}" for c, test in BREACHES.items()]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *tests]

    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )

    failed = re.findall(r"^FAILED (.+?)(?: - .*)?$", done.stdout, re.MULTILINE)
    assert sorted(failed) == sorted(tests), done.stdout
    # pytest shows the compared values, as in a test of the project.
    assert "canary-key-4711" in done.stdout
    for told in ADVICE:
        assert told in done.stdout


@pytest.mark.parametrize(
    ("contract", "told"),
    [
        pytest.param(
            EngineContract, "EngineContract lacks `provider`; set", id="class"
        ),
        pytest.param(ProviderContract, "ProviderContract lacks `prov", id="service"),
        pytest.param(Nameless, "Nameless lacks `info` in its provider", id="info"),
        pytest.param(Speechless, "Speechless lacks `answers`; give", id="answers"),
        pytest.param(
            Misspelt,
            "Misspelt lacks the test 'test_a_zero_is_sent[seed]' that",
            id="left out",
        ),
    ],
)
def test_a_missing_attribute_of_a_contract_is_reported(
    contract: type[EngineContract | ProviderContract], told: str
) -> None:
    with pytest.raises(pytest.fail.Exception, match=re.escape(told)):
        contract().check_given()


def test_code_outside_an_event_loop_may_block(monkeypatch: pytest.MonkeyPatch) -> None:
    forbid_blocking(monkeypatch)

    time.sleep(0)


def test_a_timeout_error_of_the_test_is_raised() -> None:
    async def main() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        run(main())


def test_a_capability_that_options_rule_out_is_refused() -> None:
    class StubbornContract(ParrotContract):
        provider = Stubborn
        lacks = ("temperature",)

    StubbornContract().test_a_feature_is_sent_or_refused("temperature")


def test_an_answer_has_pieces() -> None:
    with pytest.raises(ValueError, match="'none' has no pieces"):
        WireAnswer(name="none", pieces=())


def test_increments_that_belong_together_are_joined() -> None:
    events: list[Event] = [
        "a",
        "b",
        ReasoningDelta(text="c"),
        ReasoningDelta(text="d"),
        ToolCallDelta(index=0, id="e", name="f"),
        ToolCallDelta(index=0, arguments="g"),
        ToolCallDelta(index=1, id="h"),
    ]

    assert merged(events) == [
        "ab",
        ReasoningDelta(text="cd"),
        ToolCallDelta(index=0, id="e", name="f", arguments="g"),
        ToolCallDelta(index=1, id="h"),
    ]


def test_testing_has_nothing_else() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = turnout.testing.no_such_name
