"""OpenAI, and the services with its protocols, for turnout.

To add another service, define a `Vendor` in a package of your own.
"""

from turnout_openai._protocol import Decoder
from turnout_openai._provider import OpenAI, OpenAIOptions
from turnout_openai._vendor import Vendor

__all__ = ["Decoder", "OpenAI", "OpenAIOptions", "Vendor"]
