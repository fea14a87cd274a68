"""Refusals of servers that run on one's own machine."""

from __future__ import annotations

from turnout.errors import (
    ContextLengthError,
    InvalidReplyError,
    InvalidRequestError,
    ModelUnavailableError,
    OverloadedError,
    QuotaExceededError,
    ServerError,
    UnsupportedError,
)

from . import Refused, Table, said

__all__ = ["SERVERS"]

OPENCODE = "anomalyco/opencode: provider/error.ts, read 2026-11-30"
PI = "badlogic/pi-mono: overflow.ts, read 2026-11-30"
REPORTS = "public reports, found by these words 2026-11-30"
LLAMA = "ggml-org/llama.cpp: tools/server, read 2026-11-30"
OLLAMA = "ollama/ollama: server and runner, read 2026-11-22"


def flat(message: str, kind: str = "BadRequestError") -> dict[str, object]:
    return {
        "object": "error",
        "message": message,
        "type": kind,
        "param": None,
        "code": 400,
    }


SERVERS: Table = {
    "vLLM": (
        Refused(
            400,
            flat(
                "The decoder prompt (length 40000) is longer than the maximum model "
                "length of 32768."
            ),
            ContextLengthError,
            "Gabesarch/grounded-rl#16",
        ),
        Refused(
            400,
            flat(
                "This model's maximum context length is 32768 tokens. However, you "
                "requested 41648 tokens (37552 in the messages, 4096 in the "
                "completion)."
            ),
            ContextLengthError,
            "HKUSTDial/Alpha-SQL#5",
        ),
        Refused(
            400,
            said(
                "'max_tokens' or 'max_completion_tokens' is too large: 5000. This "
                "model's maximum context length is 4096 tokens and your request has "
                "100 input tokens.",
                type="BadRequestError",
                code=400,
            ),
            ContextLengthError,
            "vllm-project/vllm, read 2026-11-30",
        ),
        Refused(
            400,
            said(
                "You passed 9000 input tokens and requested 100 output tokens. "
                "However, the model's context length is only 8192 tokens.",
                code=400,
            ),
            ContextLengthError,
            OPENCODE,
        ),
        Refused(
            200,
            said(
                "This model's maximum context length is 8192 tokens. However, you "
                "requested 9000 tokens",
                type="BadRequestError",
                param=None,
            ),
            ContextLengthError,
            "vllm-project/vllm, read 2026-11-30",
        ),
        Refused(
            404,
            flat("The model `x` does not exist.", "NotFoundError"),
            ModelUnavailableError,
            REPORTS,
        ),
        Refused(
            400,
            said(
                '"auto" tool choice requires --enable-auto-tool-choice and '
                "--tool-call-parser to be set",
                type="BadRequestError",
                code=400,
            ),
            UnsupportedError,
            REPORTS,
        ),
        Refused(
            500,
            said("unexpected tokens remaining in message header: Some('x')"),
            InvalidReplyError,
            REPORTS,
        ),
        Refused(200, said("no", type="BadRequestError"), InvalidRequestError, REPORTS),
    ),
    "SGLang": (
        Refused(
            400,
            flat(
                "The input (40010 tokens) is longer than the model's context length "
                "(32768 tokens)."
            ),
            ContextLengthError,
            "QwenLM/Qwen3#1321",
        ),
        Refused(
            400,
            flat(
                "Requested token count exceeds the model's maximum context length of "
                "131072 tokens."
            ),
            ContextLengthError,
            PI,
        ),
        Refused(
            400,
            flat("Input length 131393 exceeds the maximum allowed length (131040)."),
            ContextLengthError,
            PI,
        ),
    ),
    "llama.cpp": (
        Refused(
            400,
            said(
                "the request exceeds the available context size, try increasing it",
                code=400,
                type="exceed_context_size_error",
                n_prompt_tokens=9000,
                n_ctx=8192,
            ),
            ContextLengthError,
            LLAMA,
        ),
        Refused(
            500,
            said("Context size has been exceeded.", code=500, type="server_error"),
            ContextLengthError,
            LLAMA,
        ),
        Refused(
            500,
            said(
                "input is too large to process. increase the physical batch size",
                code=500,
                type="server_error",
            ),
            ContextLengthError,
            LLAMA,
        ),
        Refused(
            200,
            said(
                "failed to decode, try again, increasing context size or reducing "
                "parallel",
                code=500,
                type="server_error",
            ),
            ServerError,
            "crmne/ruby_llm: gpustack recording, read 2026-11-22",
        ),
        Refused(
            500,
            said(
                "Failed to parse tool call arguments as JSON: "
                "[json.exception.parse_error.101]",
                code=500,
            ),
            InvalidReplyError,
            REPORTS,
        ),
        Refused(
            500,
            said(
                "image input is not supported - hint: if this is unexpected, you may "
                "need to provide the mmproj",
                code=500,
                type="server_error",
            ),
            UnsupportedError,
            LLAMA,
        ),
        Refused(
            500,
            said("tools param requires --jinja flag", code=500, type="server_error"),
            UnsupportedError,
            LLAMA,
        ),
        Refused(
            501,
            said("This server has no slots", code=501, type="not_supported_error"),
            UnsupportedError,
            LLAMA,
        ),
        Refused(
            503,
            said("Loading model", code=503, type="unavailable_error"),
            OverloadedError,
            LLAMA,
        ),
    ),
    "LMStudio": (
        Refused(
            400,
            {
                "error": "Trying to keep the first 5000 tokens when context the "
                "overflows. However, the model is loaded with context length of only "
                "4096 tokens."
            },
            ContextLengthError,
            REPORTS,
        ),
        Refused(
            400,
            {
                "error": "The number of tokens to keep from the initial prompt is "
                "greater than the context length."
            },
            ContextLengthError,
            OPENCODE,
        ),
        Refused(
            200,
            {"error": "Cannot truncate prompt with n_keep (9000) >= n_ctx (4096)"},
            ContextLengthError,
            REPORTS,
        ),
        Refused(
            400,
            {"error": "Model does not support images. Please use a model that does."},
            UnsupportedError,
            REPORTS,
        ),
    ),
    "Ollama": (
        Refused(
            400,
            {"error": "prompt too long; exceeded max context length by 12 tokens"},
            ContextLengthError,
            OPENCODE,
        ),
        Refused(
            500,
            {"error": "the input length exceeds the context length"},
            ContextLengthError,
            OLLAMA,
        ),
        Refused(
            200,
            {"error": "input length exceeds maximum context length"},
            ContextLengthError,
            OLLAMA,
        ),
        Refused(
            404,
            {"error": "model 'x' not found, try pulling it first"},
            ModelUnavailableError,
            OLLAMA,
        ),
        Refused(
            400,
            {"error": "registry.ollama.ai/library/x:latest does not support tools"},
            UnsupportedError,
            OLLAMA,
        ),
        Refused(
            400,
            {"error": '"x" does not support thinking'},
            UnsupportedError,
            OLLAMA,
        ),
        Refused(
            500,
            {
                "error": "error parsing tool call: raw='{\"a\"', err=unexpected end of "
                "JSON input"
            },
            InvalidReplyError,
            REPORTS,
        ),
        Refused(
            429,
            {"error": "you (x) have reached your weekly usage limit"},
            QuotaExceededError,
            "public reports of ollama.com, read 2026-11-22",
        ),
        Refused(
            500,
            {"error": "model requires more system memory (9.1 GiB) than is available"},
            ServerError,
            REPORTS,
        ),
    ),
    "Ollama by OpenAI": (
        Refused(
            400,
            said(
                "prompt too long; exceeded max context length by 12 tokens",
                type="invalid_request_error",
                param=None,
                code=None,
            ),
            ContextLengthError,
            OPENCODE,
        ),
        Refused(
            404,
            said("model 'x' not found", type="not_found_error"),
            ModelUnavailableError,
            OLLAMA,
        ),
    ),
    "Ollama by Anthropic": (
        Refused(
            400,
            {
                "type": "error",
                "error": {
                    "type": "invalid_request_error",
                    "message": "the input length exceeds the context length",
                },
            },
            ContextLengthError,
            OLLAMA,
        ),
    ),
}
