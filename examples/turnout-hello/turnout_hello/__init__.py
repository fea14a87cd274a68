"""A whole provider: it answers with a greeting."""

from collections.abc import AsyncIterator, Sequence

from turnout import ChatRequest, Provider, ProviderInfo, hookimpl

__all__ = ["Hello"]


class Hello(Provider):
    """Answer every question with a greeting."""

    info = ProviderInfo(name="Hello", models=("hello-1",))

    async def generate(self, request: ChatRequest) -> AsyncIterator[str]:
        """Greet."""
        yield "Hello, "
        yield request.last_user_text


@hookimpl
def turnout_providers() -> Sequence[type[Provider]]:
    """Return the one provider."""
    return [Hello]
