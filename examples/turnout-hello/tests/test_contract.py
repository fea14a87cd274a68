"""The example keeps the contract of every provider."""

import turnout_hello
from turnout.testing import EngineContract


class TestHello(EngineContract):
    """Some twenty tests, for two lines."""

    provider = turnout_hello.Hello
