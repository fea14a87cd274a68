"""Keys from the system's keyring: `keyring:NAME` in the configuration."""

from __future__ import annotations

from functools import cache
from typing import ClassVar

from turnout._environment import SecretReference

__all__ = ["SERVICE", "FromKeyring"]

SERVICE = "turnout"
"""The service that turnout's keys are stored under."""


class FromKeyring(SecretReference):
    """The string `keyring:NAME`: the secret is in the system's keyring."""

    __slots__ = ()

    PREFIX: ClassVar[str] = "keyring:"

    @property
    def source(self) -> str:
        """Where the secret is, as a message begins."""
        return f"the keyring's entry {self.name!r}"

    def read(self) -> str:
        """Return the secret; the keyring is read once for each name.

        Blocks while the keyring is read, and until a person unlocks it.

        Raises:
            ValueError: The extra is not installed, the keyring cannot be read, or it
                does not have the entry.
        """
        if not self.name:
            raise ValueError('"keyring:" has no name of an entry; write keyring:NAME')
        return _read(self.name)


@cache
def _read(name: str) -> str:
    try:
        import keyring
        from keyring.errors import KeyringLocked, NoKeyringError
    except ImportError:
        raise ValueError(
            "the keyring cannot be read, as the package keyring is not installed; "
            'run: pip install "turnout[keyring]"'
        ) from None
    except Exception as error:  # noqa: BLE001 such as a package's broken metadata
        raise ValueError(f"the keyring cannot be read: {_words(error)}") from None
    try:
        found = keyring.get_password(SERVICE, name)
    except NoKeyringError:
        raise ValueError(
            "this machine has no usable keyring; put the key into an environment "
            "variable and write env:NAME"
        ) from None
    except KeyringLocked as error:
        raise ValueError(
            f"the keyring is locked ({_words(error)}); unlock it and try again"
        ) from None
    except Exception as error:  # noqa: BLE001 a backend may raise anything
        raise ValueError(f"the keyring cannot be read: {_words(error)}") from None
    if found is None:
        raise ValueError(
            f"the keyring has no entry {name!r} of the service {SERVICE!r}; run: "
            f"keyring set {SERVICE} {name}"
        )
    return found


def _words(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
