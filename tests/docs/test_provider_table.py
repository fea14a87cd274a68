"""The table of providers and abilities is what the providers say of themselves."""

from __future__ import annotations

from turnout.types import Capabilities, ModelInfo, ProviderInfo

from .provider_table import PAGE, page, table


def test_the_table_is_what_the_providers_say() -> None:
    hint = "run `python -m tests.docs.provider_table`, which writes it"

    assert PAGE.read_text(encoding="utf-8") == page(), hint


def test_a_row_tells_what_all_models_can_and_what_some_can() -> None:
    seeing = ModelInfo(name="b", capabilities=Capabilities(images=True, tools=True))
    info = ProviderInfo(
        name="Acme",
        models=("a", seeing),
        key_variable="ACME_KEY",
        capabilities=Capabilities(tools=True),
    )

    assert table([info]).splitlines()[2] == (
        "| Acme | `ACME_KEY`, where it needs one | `a` | 1 | yes | some |  |  |  |"
    )


def test_a_row_tells_of_an_open_list() -> None:
    able = ModelInfo(name="b", capabilities=Capabilities(files=True))
    open_list = ProviderInfo(name="Acme", models=(able,), open_models=True)
    no_models = ProviderInfo(name="Bare", capabilities=Capabilities(reasoning=True))

    assert table([open_list, no_models]).splitlines()[2:] == [
        "| Acme |  | `b` | any |  |  | some |  |  |",
        "| Bare |  |  |  |  |  |  |  | yes |",
    ]
