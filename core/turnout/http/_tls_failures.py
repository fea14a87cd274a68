"""Messages for failures of TLS: the cause, and what to do."""

from __future__ import annotations

import ssl

import aiohttp

from turnout.errors import ConnectError, TurnoutError

__all__ = [
    "is_untrusted",
    "lacks_certificate",
    "may_lack_certificate",
    "needs_tls",
    "tls_error",
    "tls_words",
]

# OpenSSL's reasons for bytes that are not TLS.
_NO_TLS = frozenset(
    {
        "HTTP_REQUEST",
        "HTTPS_PROXY_REQUEST",
        "PACKET_LENGTH_TOO_LONG",
        "RECORD_LAYER_FAILURE",
        "UNKNOWN_PROTOCOL",
        "WRONG_VERSION_NUMBER",
    }
)

_NO_CERTIFICATE = frozenset(
    {"TLSV13_ALERT_CERTIFICATE_REQUIRED", "PEER_DID_NOT_RETURN_A_CERTIFICATE"}
)

# OpenSSL's reasons if a server refuses the client's certificate.
_CERTIFICATE_REFUSED = frozenset(
    {
        "SSLV3_ALERT_BAD_CERTIFICATE",
        "SSLV3_ALERT_CERTIFICATE_EXPIRED",
        "SSLV3_ALERT_CERTIFICATE_REVOKED",
        "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
        "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
        "TLSV1_ALERT_ACCESS_DENIED",
        "TLSV1_ALERT_UNKNOWN_CA",
    }
)

_HANDSHAKE_FAILURE = "SSLV3_ALERT_HANDSHAKE_FAILURE"
"""Under TLS 1.2, servers send this if the client has no certificate, among others."""

# What to do, by OpenSSL's code (x509_vfy.h).
_UNTRUSTED = (
    "; if you trust its issuer, name a file with the issuer's certificate in ca_file, "
    "or in SSL_CERT_FILE"
)
_OTHER_HOST = "; the certificate is for another host: check the address"
_UNTRUSTED_CODES = {
    2,  # Unable to get issuer certificate.
    18,  # Self-signed certificate.
    19,  # Self-signed certificate in certificate chain.
    20,  # Unable to get local issuer certificate.
    21,  # Unable to verify the first certificate.
}
_ADVICE = dict.fromkeys(_UNTRUSTED_CODES, _UNTRUSTED) | {
    9: "; check the clock of this machine",  # Not yet valid.
    10: "; the server needs a new one, unless the clock of this machine is wrong",
    62: _OTHER_HOST,  # Hostname mismatch.
    64: _OTHER_HOST,  # IP address mismatch.
}


def tls_error(error: BaseException, place: str, where: str = "") -> TurnoutError | None:
    """Return the error for a failure that OpenSSL explains; else None.

    Args:
        error: The error of the request.
        place: The host of the request, for messages.
        where: Where its address is set, as in ` in HTTPS_PROXY`.
    """
    reason = _reason(error)
    if reason in _NO_TLS:
        return _lasting(
            f"cannot reach {place} securely: its port does not speak TLS; use http:// "
            f"in place of https://{where}, or another port"
        )
    if reason in _NO_CERTIFICATE:
        return lacks_certificate(place)
    if reason in _CERTIFICATE_REFUSED:
        cause = reason.partition("ALERT_")[2].lower().replace("_", " ")
        return _lasting(
            f"{place} refused the client certificate: {cause}; check client_certificate"
        )
    return None


def needs_tls(place: str, where: str = "") -> TurnoutError:
    """Return the error for a request without TLS to a port that requires TLS.

    Args:
        place: The host of the request, for messages.
        where: Where its address is set, see `tls_error`.
    """
    return _lasting(
        f"cannot reach {place}: its port speaks TLS; use https:// in place of http://"
        f"{where}"
    )


def lacks_certificate(place: str) -> TurnoutError:
    """Return the error for a server that requires a certificate and got none."""
    return _lasting(
        f"{place} requires a client certificate; set client_certificate and client_key"
    )


def may_lack_certificate(error: BaseException) -> bool:
    """Return whether a missing client certificate may be the cause of an error.

    Under TLS 1.3 a client ends the handshake before the server has checked its
    certificate. If the server sends no alert, or the alert is lost, the error only says
    that the connection was closed.
    """
    if _reason(error) == _HANDSHAKE_FAILURE:
        return True
    cause = getattr(error, "os_error", error)
    if isinstance(cause, ssl.SSLEOFError | aiohttp.ServerDisconnectedError):
        return True
    if isinstance(error, aiohttp.ClientConnectorError):
        return isinstance(cause, ConnectionError) and not isinstance(
            cause, ConnectionRefusedError
        )
    return isinstance(error, aiohttp.ClientOSError | ConnectionError)


def is_untrusted(error: BaseException) -> bool:
    """Return whether the issuer of a server's certificate is not trusted."""
    certificate = getattr(error, "certificate_error", None)
    return getattr(certificate, "verify_code", None) in _UNTRUSTED_CODES


def tls_words(error: BaseException) -> str | None:
    """Return why TLS failed, and what to do; None for other errors."""
    certificate = getattr(error, "certificate_error", None)
    words = getattr(certificate, "verify_message", None)
    if words:
        code: int = getattr(certificate, "verify_code", 0)
        return f"{words.rstrip('.')}{_ADVICE.get(code, '')}"
    # `errno` has OpenSSL's number then, and not the system's.
    reason = _reason(error)
    return None if reason is None else reason.lower().replace("_", " ")


def _lasting(message: str) -> ConnectError:
    failure = ConnectError(message)
    failure.retryable = False
    return failure


def _reason(error: BaseException) -> str | None:
    """Return OpenSSL's reason for an error, such as `WRONG_VERSION_NUMBER`."""
    seen: BaseException | None = error
    while seen is not None:
        for one in (seen, getattr(seen, "os_error", None)):
            # An error that OpenSSL did not make has no reason.
            reason = getattr(one, "reason", None)
            if isinstance(one, ssl.SSLError) and isinstance(reason, str):
                return reason
        seen = seen.__cause__
    return None
