"""AWS Signature Version 4 in headers. No I/O.

Source: AWS IAM User Guide, "Create a signed AWS API request"; botocore 1.44.8,
`auth.SigV4Auth`; read 2026-11-30.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import quote

from turnout import Secret
from turnout.http import UnsignedRequest

__all__ = ["Keys", "sign"]

_ALGORITHM = "AWS4-HMAC-SHA256"


class Keys(NamedTuple):
    """What AWS gives to sign with."""

    access_key_id: str
    secret_access_key: Secret
    session_token: Secret | None = None


def sign(
    request: UnsignedRequest, keys: Keys, *, region: str, service: str, now: datetime
) -> dict[str, str | Secret]:
    """Return the headers that sign a request.

    Signed are `Host`, `Content-Type` and the headers that begin with `X-Amz`.

    Args:
        request: What is about to be sent.
        keys: Whose request it is.
        region: As in `us-east-1`.
        service: The name that AWS signs the service's requests with.
        now: The time, in any time zone.
    """
    time = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    added: dict[str, str | Secret] = {"X-Amz-Date": time}
    if keys.session_token is not None:
        added["X-Amz-Security-Token"] = keys.session_token
    signed = _signed_headers(request, added)
    names = ";".join(signed)
    canonical = "\n".join(
        [
            request.method,
            # The path as it is sent is encoded once more: that is so for each service
            # but S3.
            quote(request.path, safe="/"),
            "&".join(f"{name}={value}" for name, value in _pairs(request.query)),
            *(f"{name}:{value}" for name, value in signed.items()),
            "",
            names,
            sha256(request.body).hexdigest(),
        ]
    )
    scope = f"{time[:8]}/{region}/{service}/aws4_request"
    hashed = sha256(canonical.encode()).hexdigest()
    to_sign = "\n".join([_ALGORITHM, time, scope, hashed])
    key = f"AWS4{keys.secret_access_key.reveal()}".encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    added["Authorization"] = Secret(
        f"{_ALGORITHM} Credential={keys.access_key_id}/{scope}, "
        f"SignedHeaders={names}, Signature={_hmac(key, to_sign).hex()}"
    )
    return added


def _signed_headers(
    request: UnsignedRequest, added: Mapping[str, str | Secret]
) -> dict[str, str]:
    """Return the headers that are signed, by their names in order."""
    headers = {"host": request.host}
    for name, value in {**request.headers, **added}.items():
        lower = name.lower()
        if lower == "content-type" or lower.startswith("x-amz"):
            text = value if isinstance(value, str) else value.reveal()
            headers[lower] = " ".join(text.split())
    return dict(sorted(headers.items()))


def _pairs(query: str) -> list[tuple[str, str]]:
    """Return the names and values of a query in their order."""
    pairs = [pair.partition("=") for pair in query.split("&")] if query else []
    return sorted((name, value) for name, _, value in pairs)


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), sha256)
