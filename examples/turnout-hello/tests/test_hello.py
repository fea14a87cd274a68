"""The provider's own tests: `python -m pytest`, once it is installed."""

from turnout import get_provider, run


def test_hello_is_found_by_its_name() -> None:
    """The entry point bears the provider's name."""
    assert get_provider("hello").info.name == "Hello"


def test_hello_greets() -> None:
    """The answer greets the user."""
    assert run(get_provider("Hello").complete("Ada")).text == "Hello, Ada"
