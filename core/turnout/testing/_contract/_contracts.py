"""The two contracts, put together from their rooms."""

from __future__ import annotations

from turnout.testing._contract._answers import Answers
from turnout.testing._contract._claims import Claims
from turnout.testing._contract._closing import Closing
from turnout.testing._contract._conversations import Conversations
from turnout.testing._contract._declarations import Declarations
from turnout.testing._contract._endings import Endings
from turnout.testing._contract._errors import Errors
from turnout.testing._contract._failover import Failover
from turnout.testing._contract._features import Features
from turnout.testing._contract._fields import Fields
from turnout.testing._contract._keys import Keys
from turnout.testing._contract._lists import Lists
from turnout.testing._contract._running import Running
from turnout.testing._contract._secrets import Secrets
from turnout.testing._contract._timers import Timers

__all__ = ["EngineContract", "ProviderContract"]


class EngineContract(Declarations, Running, Claims):
    """What holds for every provider that asks no service, as tests to inherit.

        class TestHello(EngineContract):
            provider = Hello

    For an engine in this process, or any other provider whose answers are not written
    in a test. A service's is a `ProviderContract`.
    """


class ProviderContract(
    Declarations,
    Running,
    Answers,
    Endings,
    Errors,
    Features,
    Conversations,
    Fields,
    Keys,
    Secrets,
    Closing,
    Timers,
    Failover,
    Lists,
):
    """What holds for every provider that asks a service, as tests to inherit.

        class TestParrot(ProviderContract):
            provider = Parrot
            content_type = "application/x-ndjson"
            answers = (
                WireAnswer(
                    name="text",
                    pieces=[(line(text="Hel"), "Hel"), (line(text="lo!"), "lo!")],
                    end=line(done=True),
                ),
            )
            errors = (WireError(402, line(error="no credit"), QuotaExceededError),)

    The first answer is plain text in two pieces at least. Each thing that the provider
    says it can do is to be seen: an answer with a tool call where it takes tools.

    All traffic goes to servers on loopback. The tests need neither pytest-asyncio nor
    any setting of pytest.
    """
