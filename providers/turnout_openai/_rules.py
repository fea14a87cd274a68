"""What the codes of OpenAI's errors mean that come inside of an answer.

Source: the error codes of a response in OpenAI's SDK 3.54.0, read 2026-11-22.
"""

from __future__ import annotations

from turnout.errors import ContentFilterError, InvalidRequestError, ServerError
from turnout.http import StatusRule

__all__ = ["RULES"]

RULES = (
    StatusRule(
        error=ContentFilterError,
        codes={
            "bio_policy",
            "image_content_policy_violation",
            # What is sent of a prompt that may break the usage policy.
            "invalid_prompt",
            "misalignment_policy_violation",
        },
    ),
    StatusRule(
        error=InvalidRequestError,
        codes={
            "data_residency_mismatch",
            "empty_image_file",
            "failed_to_download_image",
            "image_file_not_found",
            "image_file_too_large",
            "image_parse_error",
            "image_too_large",
            "image_too_small",
            "invalid_base64_image",
            "invalid_image",
            "invalid_image_format",
            "invalid_image_mode",
            "invalid_image_url",
            "unsupported_image_media_type",
        },
    ),
    StatusRule(error=ServerError, codes={"vector_store_timeout"}),
)
