"""The two contracts, composed of the test classes of this package."""

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
    """Tests to inherit, for a provider that does not use a service.

        class TestHello(EngineContract):
            provider = Hello

    For an engine in this process, or any other provider whose answers a test cannot
    define. For a service use `ProviderContract`.
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
    """Tests to inherit, for a provider that uses a service.

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

    The first answer has to be plain text in at least two pieces. If the provider claims
    `tools`, one answer has to call a tool.

    All traffic goes to servers on loopback. The tests need neither pytest-asyncio nor
    any setting of pytest.
    """
