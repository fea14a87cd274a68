"""General rows for what a service does not offer: a model, or what a request needs.

See `_refusal_general` for what general rows are.
"""

from __future__ import annotations

from turnout.errors import ModelUnavailableError, UnsupportedError
from turnout.http._refusal_general import any_of, general_row
from turnout.http._status import INSIDE

__all__ = ["NO_MODEL", "UNSUPPORTED"]

_FEATURE = any_of(
    r"\btools?\b|tool ?(?:call|choice|use)|\bfunctions?\b|\bimages?\b|\baudio\b|"
    r"\bvideos?\b|"
    r"\bvision\b|multi ?modal|\bmodalit|\bpdfs?\b",
    r"\bschema|response ?format|structured output|json (?:mode|object|schema)|"
    r"\bgrammar|"
    r"output (?:config|format)",
    r"parameter|(?<!invalid )\bargument|\bfields?\b|\bpropert(?:y|ies)\b|\bkeywords?\b|"
    r"\boptions?\b|"
    r"\bfeatures?\b|\bkwargs?\b|extra (?:input|body)",
    r"temperature|top ?[pk]\b|penalty|\bseed\b|log ?prob|logit ?bias|\bstop\b|\bmax "
    r"tokens|"
    r"max completion tokens|stream|service tier|\bn\b",
    r"thinking|reasoning|\beffort\b|\bverbosity|\bcach(?:e|ing)\b|prefill|web search|"
    r"参数|\bbatch|system (?:prompt|message|instruction|role)|developer (?:message|"
    r"role)|"
    r"\bcontent (?:type|block|part)|\bcitations?\b",
)
"""Words for what a request may need."""

_NAME = r"(?: \S*[^\s.;:,]){0,3}"
_MODEL = (
    r"\b(?:models?|deployment|engine|checkpoint|adapter|lora)\b(?: ids?| names?)?:?"
)
_BE = r"(?: (?:is|was|are|were|has|have|had|been|be|does|do|could|can|did|may|seems))*"

_NOT_THERE = (
    r"(?:found|exist|available|supported|recogni[sz]ed|valid|known|loaded|deployed|"
    r"hosted|accessible|allowed|enabled|active|installed|served|offered|permitted|"
    r"configured|registered|located|resolved|listed|authorized|activated|whitelisted|"
    r"included|provisioned|ready|running)"
)
_GONE = (
    r"(?:unknown|unavailable|invalid|deprecated|retired|decommissioned|discontinued|"
    r"disabled|removed|inactive|restricted|sunset|shut ?down|offline|unsupported|"
    r"deactivated|archived|gated|inaccessible|missing|legacy|eol|end[ -]of[ -]life|"
    r"phased out|forbidden|blocked|denied|non-?existent|obsolete)"
)

_MODEL_WORDS = any_of(
    rf"{_MODEL}{_NAME}{_BE} (?:currently )?(?:not|no longer|never)(?: \S+)?"
    rf"(?: be| a| an| been)? {_NOT_THERE}",
    rf"{_MODEL}{_NAME}{_BE} (?:now |currently |marked as |permanently )?{_GONE}\b",
    r"\b(?:unknown|invalid|unsupported|unrecogni[sz]ed|no such|non-?existent|"
    r"unavailable|unexpected|deprecated|retired|(?:could|can|did|do|was|is) ?not "
    r"(?:find|found|locate|load|resolve|recogni[sz]e)|not found|no|not a valid|not "
    r"have) "
    r"(?:the |a |an |any |this |that )?(?:requested |specified |base |matching |such )?"
    r"(?:model|deployment)\b(?! \w+ (?:was|is|has) )",
    r"\bno (?:\w+ ){0,3}(?:endpoints?|providers?|channels?|deployments?|backends?|"
    r"upstreams?|accounts?|instances?|workers?)\b[^;]{0,40}(?:\bmodel|\bserv|\bsupport|"
    r"\bfor \S*/)",
    r"(?:access to|use of) [^;]{0,40}\bmodel\b[^;]{0,40}(?:denied|forbidden|restricted|"
    r"not (?:granted|allowed|permitted)|disabled)",
    r"access (?:is |was )?(?:denied|forbidden|not granted) (?:to|for) "
    r"[^;]{0,30}\bmodel",
    r"(?:\bno|not have|without|lacks?|requires?|needs?|not granted|request|denied) "
    r"access "
    r"to [^;]{0,30}\bmodel",
    r"\bmodel access (?:is |was )?(?:denied|forbidden|restricted|not)",
    r"not (?:authorized|authorised|allowed|permitted|entitled|eligible|enabled|have "
    r"permission|able) to (?:use|access|call|invoke|query|run)[^;]{0,30}\bmodel",
    r"\bmodel\b[^;]{0,60} requires? (?:an? |the |you )?(?:newer|higher|paid|pro\b|"
    r"premium|"
    r"subscription|upgrad|terms|accept|approv|plan|licen[cs]e|agreement|verif|opt)",
    r"\b(?:plan|subscription|tier|account|package|key|token|group|region)\b[^;]{0,60}"
    r"not (?:\w+ )?(?:include|support|cover|allow|grant|offer)[^;]{0,20}(?:\bmodel|"
    r"access to)",
    r"upgrade [^;]{0,40}to (?:use|access|unlock) [^;]{0,20}\bmodel",
    r"can not (?:use|access|call) (?:this |the |that )?model|(?:check|verify|correct) "
    r"(?:the |your )?"
    r"model (?:name|id|code)|\bmodel (?:name|id) is (?:wrong|incorrect|misspelled)|"
    r"\bmodel (?:is )?not in the list",
    r"\bno models? (?:is |are |was |were )?(?:currently )?(?:loaded|available|found|"
    r"configured|named|match|with)",
    r"(?:supported|available|valid|permitted|allowed) (?:\w+ )?models?(?: names?| "
    r"ids?)? "
    r"?(?:are|is|include|:)|\bmodel must be (?:one of|either)|see available models",
    r"(?:use|choose|select|specify|try|pick|provide) (?:an? |one of the )?(?:another|"
    r"different|valid|supported|available|other|newer|correct) (?:\w+ )?model",
    r"\bnot an? (?:valid|supported|known|recogni[sz]ed|chat|available) (?:\w+ )?model",
    r"\bmodel (?:not|isnt) (?:found|exist|available)|\bmodel (?:name )?(?:typo|"
    r"mismatch)",
    r"模型.{0,24}(?:不存在|未找到|找不到|不可用|已下线|下线|下架|停用|废弃|未开通|"
    r"未授权|无效|弃用|"
    r"无权|未启用|没有权限|未部署|禁用|暂未开放|未开放|停止服务|未上线)",
    r"(?:无权|未知|无效|找不到|没有|未找到|不存在|未开通|无可用|不可用).{0,12}模型",
)

_NOT_MODEL = any_of(
    _FEATURE,
    r"temporar|try again (?:later|in\b|after)|please retry|overload|\bbusy\b|capacity|"
    r"\bloading\b|moment|later|"
    r"currently unavailable|memory|\bgpu\b|timed? ?out",
    r"\bmodel(?:s)? (?:output|response|reply|behaviou?r|settings?|config|kwargs|"
    r"generat|produc|return|call|card|error|provider|context|predict|answer)",
    r"\b(?:file|message|response|thread|conversation|call|prompt|batch|assistant|item|"
    r"dataset|job|user|project|organi[sz]ation|vector store)s?\b(?: \S+){0,3} not "
    r"(?:found|exist)",
    r"must be a string|field required|is required\b",
    r"图片|图像|工具|参数|稍后|繁忙|负载|超时",
)

NO_MODEL = (
    general_row(
        ModelUnavailableError,
        {INSIDE, 400, 403, 422, 424, 500, 502, 503},
        _NOT_MODEL,
        _MODEL_WORDS,
    ),
    # A plan that does not include the model, reported as 429.
    general_row(
        ModelUnavailableError,
        {429},
        any_of(_NOT_MODEL, r"rate[ -]?limit|per (?:min|sec|hour|day)|too many"),
        r"\bnot (?:\w+ )?(?:include|support|cover|allow|grant|offer|available|enabled)",
        r"\b(?:plan|subscription|tier|package)\b",
        r"\bmodel\b|access to",
    ),
)
"""Without 404 and 410, which always mean this, and without 401."""

_NOT_OFFERED = (
    r"(?:supported|permitted|allowed|available|enabled|implemented|compatible|accepted|"
    r"recogni[sz]ed|usable|valid for|applicable)"
)

_UNSUPPORTED_WORDS = any_of(
    rf"(?:\bnot|no longer)(?: \w+)?(?: be)? {_NOT_OFFERED}",
    r"\bnot (?:\w+ )?(?:support|accept|allow|permit|implement|recogni[sz]e|offer|"
    r"handle)\b",
    r"not (?:configurable|adjustable|changeable|optional)|not an? (?:valid|known) "
    r"(?:parameter|field|option|argument|property|key)",
    r"unsupported|unrecogni[sz]ed|\bunknown|incompatible|unavailable|unimplemented|"
    r"\bforbidden|disallowed|deprecated|\bextra\b|\badditional\b|extraneous|unexpected",
    r"(?:no|lacks?|without) (?:\w+ )?support|(?:不被|未被|无法|尚未)支持",
)

_TOGETHER = any_of(
    r"incompatible with|mutually exclusive|not compatible|conflicts? with",
    r"(?:can|may|must|should) not (?:both )?be (?:used|combined|set|specified|enabled|"
    r"passed|provided|mixed)[^;]{0,40}(?:\bwith\b|together|\bwhen\b|simultaneously|"
    r"at the same time|\bin\b|\bfor\b|\bwhile\b|\bif\b|\bboth\b)",
    r"\bonly (?:works?|supports?|available|supported|accepts?|valid|usable|compatible|"
    r"applicable|enabled)\b",
    r"\bonly [^;]{0,40}(?:permitted|allowed|supported|accepted|available)\b",
    r"can not be (?:disabled|turned off|changed|modified)|required (?:for|by|with) "
    r"this model",
    r"tool choice[^;]{0,20}must be (?:auto|none)",
    r"\bmust be (?:set to )?(?:false|true|disabled|enabled|off|on)\b",
    r"at most 0\b|requires? (?:\S+ ){0,3}(?:to be )?(?:enabled|disabled)",
    r"can not (?:specify|use|set|combine|pass|have) both|not possible (?:with|when|"
    r"for)|"
    r"always (?:on|enabled|off|disabled) for",
    r"(?:can not|unable to|not able to) (?:accept|process|handle|see|view|understand) "
    r"(?:\w+ )?(?:images?|audio|videos?|files?|pdfs?|tools?)",
)

_NOT_UNSUPPORTED = any_of(
    r"unknown (?:error|reason|exception|failure|issue|role)|unexpected (?:error|token|"
    r"character|end|value|role|tool use id|format|eof)",
    r"\b(?:api[ -]key|credential|permission|scope|billing|quota|rate[ -]?limit)",
    r"temporar|try again|overload",
    r"\b(?:first|last|position|one system)\b|(?:tool|function) ?(?:call )?(?:use )?id|"
    r"not found|missing|(?:is|field) "
    r"required(?! (?:for|by|with))|"
    r"additional (?:information|details|context)|invalid (?:image|base64|url|json)",
    r"\bcontent polic|not allowed to be empty|should not be empty|must not be empty",
)

UNSUPPORTED = (
    general_row(
        UnsupportedError,
        {INSIDE, 400, 405, 422, 500, 501},
        _NOT_UNSUPPORTED,
        _FEATURE,
        _UNSUPPORTED_WORDS,
    ),
    general_row(
        UnsupportedError,
        {INSIDE, 400, 422, 501},
        _NOT_UNSUPPORTED,
        any_of(_FEATURE, r"\bmodel\b|\bmode\b"),
        _TOGETHER,
    ),
)
