"""TLS contexts from the files that options name."""

from __future__ import annotations

import ssl
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from turnout._environment import variable

__all__ = ["check_context", "checked_path", "context_of", "trusted_now"]

# A path, and the inode, time and size that change if the file is replaced.
_File: TypeAlias = tuple[Path, int, int, int]

_KEPT = 32
"""The most contexts in the cache: one for each set of files."""

_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
_KEY = b"PRIVATE KEY-----"


def check_context(value: object) -> None:
    """Refuse an `ssl_context` that is not a context for a client.

    Raises:
        ValueError: It is not one.
    """
    if not isinstance(value, ssl.SSLContext):
        raise ValueError(
            f"ssl_context: expected an ssl.SSLContext, not {type(value).__name__}; for "
            "files, set ca_file, client_certificate and client_key"
        )
    if value.protocol is ssl.PROTOCOL_TLS_SERVER:
        raise ValueError(
            "ssl_context is a context for servers; make it with "
            "ssl.create_default_context()"
        )


def checked_path(option: str, value: object) -> Path:
    """Return the path that an option has.

    Raises:
        ValueError: It is not a path; the message begins with the option.
    """
    if not isinstance(value, str | Path) or not str(value):
        raise ValueError(f"{option}: expected a path, not {value!r}")
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise ValueError(
            f"{option}: the home directory of {str(value)!r} is not known; write the "
            "full path"
        ) from None


def context_of(
    ca_file: Path | None, client_certificate: Path | None, client_key: Path | None
) -> ssl.SSLContext:
    """Return the context for some files, at least one of which is not None.

    The same files return the same context, so that providers share their connections.
    If a file was replaced, the context is a new one.

    Args:
        ca_file: Certificates that are trusted in addition to the system's.
        client_certificate: The certificate that a service may require.
        client_key: Its private key; None means that the certificate's file has it.

    Raises:
        ValueError: A file cannot be used; the message names the option and the file.
    """
    if client_key is not None and client_certificate is None:
        raise ValueError("client_key is set without client_certificate; set both")
    return _context(
        _file("ca_file", ca_file),
        _file("client_certificate", client_certificate),
        _file("client_key", client_key),
    )


def trusted_now() -> ssl.SSLContext | None:
    """Return a context that trusts what `SSL_CERT_FILE` and `SSL_CERT_DIR` name now.

    aiohttp reads them once, when it is imported. None means that neither is set. The
    same files return the same context.

    Raises:
        ValueError: `SSL_CERT_FILE` cannot be read, which OpenSSL would ignore.
    """
    file, folder = variable("SSL_CERT_FILE"), variable("SSL_CERT_DIR")
    if file is None and folder is None:
        return None
    return _trusting(
        None if file is None else _file("SSL_CERT_FILE", Path(file)), folder
    )


@lru_cache(_KEPT)
def _trusting(_file: _File | None, _folder: str | None) -> ssl.SSLContext:
    return _fresh()  # OpenSSL reads the variables.


def _fresh() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(("http/1.1",))
    return context


def _file(option: str, path: Path | None) -> _File | None:
    if path is None:
        return None
    problem = "is not a file"
    try:
        if path.is_file():
            path.open("rb").close()
            stat = path.stat()
            return path, stat.st_ino, stat.st_mtime_ns, stat.st_size
        if not path.exists():
            problem = "does not exist"
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    raise ValueError(f"{option}: {str(path)!r} {problem}")


@lru_cache(_KEPT)
def _context(
    ca: _File | None, certificate: _File | None, key: _File | None
) -> ssl.SSLContext:
    context = _fresh()
    if ca is not None:
        _trust(context, ca[0])
    if certificate is not None:
        _identify(context, certificate[0], None if key is None else key[0])
    return context


def _trust(context: ssl.SSLContext, path: Path) -> None:
    try:
        context.load_verify_locations(path)
    except (ssl.SSLError, OSError):
        raise ValueError(
            f"ca_file: {str(path)!r} is not a file of certificates in PEM form, which "
            "begin with -----BEGIN CERTIFICATE-----; correct it"
        ) from None


def _identify(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    option = "client_certificate" if key is None else "client_key"
    holder = certificate if key is None else key
    if _CERTIFICATE not in certificate.read_bytes():
        raise ValueError(
            f"client_certificate: {str(certificate)!r} has no certificate in PEM form"
        )
    if _KEY not in holder.read_bytes():
        advice = "; set client_key" if key is None else ""
        raise ValueError(
            f"{option}: {str(holder)!r} has no private key in PEM form{advice}"
        )
    encrypted = False

    def password() -> str:
        # Without this function OpenSSL would prompt on the terminal.
        nonlocal encrypted
        encrypted = True
        return ""

    try:
        context.load_cert_chain(certificate, key, password)
    except (ssl.SSLError, OSError) as error:
        problem = getattr(error, "reason", None)
    else:
        return
    if encrypted:
        raise ValueError(
            f"{option}: the private key in {str(holder)!r} is encrypted, which is not "
            "supported; decrypt it with openssl pkey, or load it into an ssl_context"
        )
    if problem == "KEY_VALUES_MISMATCH":
        raise ValueError(
            f"{option}: the private key in {str(holder)!r} does not match the "
            f"certificate in {str(certificate)!r}"
        )
    raise ValueError(
        f"{option}: the certificate in {str(certificate)!r} and the private key in "
        f"{str(holder)!r} cannot be read; check that both are complete"
    )
