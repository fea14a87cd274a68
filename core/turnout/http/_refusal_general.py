"""General rows: classify a refusal by typical words, if no row of a service matches.

Services reword their errors, and new services appear. These rows match words that stay
when a message is reworded: a noun ("context window", "balance") and what is wrong with
it ("exceed", "insufficient"). They come after all rows of services. Each has `unless`:
words that show that the message means something else.

The patterns are compared with plain words (`turnout.http._status.plain`): lower-case,
with " " for `_`, without quotes, with "not" for "n't" and ";" for a full stop.
Repetitions are short and bounded, so that the time is linear.

Source: the words of the other rows, and own variations of them, 2026-11-30.
"""

from __future__ import annotations

from turnout.errors import (
    ContextLengthError,
    ProviderError,
    QuotaExceededError,
    RequestTooLargeError,
)
from turnout.http._status import INSIDE, StatusRule

__all__ = [
    "NO_MONEY",
    "NO_MONEY_BUT_LIMITED",
    "TOO_LONG",
    "any_of",
    "general_row",
]


def general_row(
    error: type[ProviderError], statuses: set[int], unless: str, *patterns: str
) -> StatusRule:
    """Return a row that matches if all patterns are found and `unless` is not."""
    return StatusRule(
        error=error,
        statuses=statuses,
        patterns=patterns,
        unless=unless,
        service="any",
        source="own variations of the other rows, 2026-11-30",
    )


def any_of(*parts: str) -> str:
    """Return a pattern that matches any of these."""
    return f"(?:{'|'.join(parts)})"


_RATE = any_of(
    r"per (?:min|sec|hour)",
    r"/ ?(?:min|sec|hour|hr)\b",
    r"\b[rt]p[mhs]\b",
    r"\brate[ -]?limit(?! error)",
    r"too many requests",
    r"concurren",
    r"throttl",
    r"please retry|retry (?:after|in)|try again (?:in|after)",
    r"每分钟|每秒|频率|速率|并发|分钟",
)
"""Words for a limit that ends soon."""


# Too long.

_CONTEXT = any_of(
    r"context[ -]?(?:length|window|size|limit|budget|capacity|overflow)",
    r"context (?:is |was )?(?:too|full)",
    r"\bcontext (?:\w+ )?exceed|\bin context\b|tokens? (?:of )?context",
    r"exceed\S* (?:\S+ ){0,3}context\b",
    r"max(?:imum)? ?(?:model|seq|sequence|position|context|prompt|input)[ -]?"
    r"(?:len|size|token)",
    r"max(?:imum)? context\b",
    r"n ctx\b|num ctx\b|\bkv[ -]cache (?:size|capacity)",
)

_MUCH = any_of(
    r"exceed|surpass|overflow|overr[au]n|outgr[eo]w",
    r"too (?:long|large|big|many|much|full)|\bfull\b",
    r"long(?:er)? than|larg(?:er)? than|great(?:er)? than|bigger|more than|(?:less|"
    r"fewer) "
    r"than|higher than|beyond|above|over (?:the|its|our|your)|\bover\b",
    r"\bmax(?:imum)?\b|\blimit|at most|up to|reached",
    r"not fit|not enough room|but (?:the|your) (?:request|prompt|input)|\bfit(?:s|"
    r"ting)?\b|out of room|r[au]n out|no (?:more )?room",
    r"reduce|shorten|trim|truncat|compress|compact|summari[sz]e",
    r"you (?:requested|passed|sent|provided|asked)|but (?:got|received|requested)|"
    r"\bgot \d",
    r" > \d| >= \d",
)

_OUTPUT_ALONE = any_of(
    r"(?:output|completion|generated|generation|thinking|reasoning|budget|stop) "
    r"tokens?",
    r"max (?:new |output |completion |generated )?tokens?\b(?! allowed)",
    r"maxoutputtokens|maxtokens|token budget|num predict|n predict",
    r"maximum tokens (?:you )?requested|输出",
)

_INPUT_TOKENS = any_of(
    r"(?:input|prompt|context|total|request(?:ed)?|messages?|sequence|conversation|"
    r"text|your) tokens?\b",
    r"\btokens? (?:count|length|limit|size|number)|(?:number|amount|count) of \S* "
    r"?tokens",
    r"tokens? (?:in|of|from|for) (?:the |your |this |all |a )?"
    r"(?:input|prompt|messages?|request|conversation|context|history|text)",
    r"too many \S* ?tokens|\d[,\d]*k? tokens|sequence length|prompt length|input "
    r"length",
    r"(?:length|size) of (?:the |your |all )?(?:input|prompt|messages|conversation)",
    r"max seq(?:uence)? len|model (?:input |prompt |token )?limit|prompt (?:limit|"
    r"size)",
    r"(?:input|prompt|conversation|messages) (?:token )?(?:limit|size|length)",
)

_TEXTS = (
    r"(?:input|prompt|conversation|chat|history|messages?|context|query|question|"
    r"request|"
    r"text|content|document|transcript|dialogue?|instructions?)s?"
)

_TEXT_TOO_LONG = any_of(
    rf"\b{_TEXTS}(?: \w+){{0,4}} too (?:long|large|big)\b",
    rf"too (?:long|large|big) (?:an? )?(?:of )?(?:an? )?{_TEXTS}\b",
    rf"\b{_TEXTS} (?:\w+ ){{0,3}}(?:exceed|surpass|overflow)\w*",
    rf"\b{_TEXTS} (?:\w+ ){{0,3}}(?:longer|larger|bigger|greater) than",
    rf"\b{_TEXTS} (?:\w+ ){{0,4}}(?:does not|do not|can not|did not|not) fit",
    rf"\b(?:shorter|smaller) {_TEXTS}\b",
    rf"\b{_TEXTS} (?:\w+ ){{0,3}}over (?:the |its )?(?:limit|maximum)",
    rf"(?:shorten|reduce|trim|truncate) (?:the (?:length|size) of )?(?:the |your |this "
    rf")?"
    rf"(?:\w+ )?{_TEXTS}\b",
    r"\btoo (?:long|large|big) for (?:the |this |our |any )?(?:\w+ )?model",
)

_OTHER_LENGTHS = any_of(
    r"\bstring|\barray|\blist\b|\bitems?\b|\belements?\b|\bentries\b|\bmetadata",
    r"image|picture|photo|audio|video|\bfiles?\b|upload|attachment|\bpdf\b|pixel|"
    r"dimension|resolution|base64|\burls?\b|\bfps\b|duration",
    r"\bbytes?\b|\b[kmg]i?b\b|\d[kmg]i?b\b|megabyte|kilobyte|payload|\bbody\b|"
    r"\bentity\b",
    r"\bnames?\b|\bids?\b|identifier|description|\bkeys?\b|\btitle|\bvalue\b|\bheader|"
    r"\bcookie|\buri\b|\bquery (?:string|param)",
    r"\btools?\b|\bfunctions?\b|\bschema|\benum\b|\bstop\b|\bnumber of messages|"
    r"\bdepth|\bnest|\btemperature",
    r"\btime\b|timed? ?out|deadline|\btook\b|response (?:is|was)|output|completion",
    r"图片|图像|文件|名称|音频|视频",
)

_ZH_TEXT = (
    r"(?:上下文|输入|提示词|提示|prompt|消息|对话|会话|文本|请求|内容|token|字数)"
)
_ZH_LONG = r"(?:过长|超长|太长|过大|超出|超过|超限|过多|大于|溢出|太大)"
_ZH_TOO_LONG = any_of(
    rf"{_ZH_TEXT}.{{0,24}}{_ZH_LONG}",
    r"(?:超出|超过|大于|超了).{0,24}(?:上下文|token|长度|输入|窗口)",
    r"上下文.{0,12}(?:限制|上限|最大|不足|压缩|已满)|(?:压缩|缩短|减少|精简).{0,8}"
    r"(?:上下文|输入|消息|对话|提示)",
)
_ZH_OTHERS = (
    r"输出|频率|速率|分钟|并发|额度|余额|配额|图片|图像|文件|名称|次数|max tokens|音频|"
    r"视频|"
    r"过期|令牌|敏感|违规|超时|时间|每日|每天|频繁"
)

_INVALID = {INSIDE, 400, 413, 422}

TOO_LONG = (
    general_row(
        ContextLengthError,
        _INVALID | {500},
        any_of(
            _RATE,
            r"max(?:imum)? (?:value|allowed)[^;]* max tokens",
            r"max (?:completion |output )?tokens[^;]* (?:must|should) be",
            r"not supported|unsupported|unknown|unrecognized|beta|must be an? ",
            r"minimum|too (?:small|short|few)|time ?out|timed out|deadline|cancell?ed",
        ),
        _CONTEXT,
        _MUCH,
    ),
    general_row(
        ContextLengthError,
        _INVALID | {500},
        any_of(_RATE, r"minimum|too (?:small|short|few)|time ?out|timed out"),
        r"(?:input|prompt|messages?|`?inputs`?)(?: \w+)?(?: \([^)]*\))? (?:and|\+|"
        r"plus) "
        r".{0,40}(?:output|completion|max (?:new )?tokens|generat|response)",
        _MUCH,
    ),
    general_row(
        ContextLengthError,
        _INVALID | {500},
        any_of(
            _RATE,
            _OUTPUT_ALONE,
            r"minimum|too (?:small|short|few)|time ?out|timed out|per (?:day|month|"
            r"week)|quota|\bt?pd\b",
            r"(?:access|api|auth\w*|bearer|refresh|id|session|device) tokens?\b",
            r"image|logit|cache|expire",
        ),
        _INPUT_TOKENS,
        _MUCH,
    ),
    general_row(
        RequestTooLargeError,
        {INSIDE, 400, 413},
        r"image|audio|video|\bfile|\bpdf\b|attachment",
        r"\b(?:request|payload|body|entity|content|messages?)\b",
        r"too (?:large|big|long)|exceed|larger than|over the limit|\blimit",
        r"\bbytes?\b|\b[kmg]i?b\b|\d[kmg]i?b\b|megabyte|kilobyte|payload|\bbody\b",
    ),
    general_row(
        ContextLengthError,
        {INSIDE, 400, 422},
        any_of(_RATE, _OUTPUT_ALONE, _OTHER_LENGTHS, r"quota|balance|credit"),
        _TEXT_TOO_LONG,
    ),
    general_row(ContextLengthError, _INVALID | {500}, _ZH_OTHERS, _ZH_TOO_LONG),
)


# No money.

_LACK = (
    r"(?:insufficient|not (?:have )?(?:any |have )?(?:enough|sufficient|any)|\bno "
    r"(?:more |"
    r"remaining |available |usable )?|out of|r[au]n out|lack|exhaust|deplet|used up|"
    r"(?:used|consumed|spent) all|too low|\blow\b|negative|\bzero\b|\bempty\b|exceed|"
    r"reached|\bhit\b|all used|\bspent\b|expired|ran dry|maxed)"
)
_MONEY = (
    r"(?:\bbalance\b|\bcredits?\b|\bfunds?\b|\bprepa(?:id|yment)|\ballowance|\bwallet|"
    r"\bmoney\b|\bneurons\b)"
)
_PERIOD = (
    r"(?:daily|weekly|monthly|yearly|annual|hourly|billing|plan|subscription|free|"
    r"trial|"
    r"total|account|lifetime|usage|\d+[ -]?(?:h|d|hour|day)|session|package|premium|"
    r"key|"
    r"week|month|day|/monthly|today|cycle|included)"
)
_ALLOWED = r"(?:limit|cap|allowance|allocation|quota|usage|budget|requests)"
_GONE = (
    r"(?:exceed|exhaust|reached|used up|deplet|\bhit\b|consumed|ran out|run out|is "
    r"over|"
    r"maxed|expired|insufficient|not enough)"
)

_NO_MONEY_WORDS = any_of(
    rf"{_LACK}[^;]{{0,40}}{_MONEY}",
    rf"{_MONEY}[^;]{{0,60}}{_LACK}",
    r"billing account (?:\w+ )?(?:closed|disabled|not found|missing)|"
    r"(?:daily|weekly|monthly) spend|used up your|used all your",
    r"(?:payment|billing)(?: \w+){0,4} (?:required|failed|declined|overdue|past due|"
    r"needed|inactive|disabled|suspended|not enabled|not active|not set up|issue|"
    r"problem)",
    r"(?:add|enter|update|requires?|enable|set up|missing|no|need|valid|attach) (?:an? "
    r"|"
    r"your |the )?(?:valid )?(?:payment|billing|credit card|card\b)",
    r"\barrear|\brecharge your|please recharge|\boverdue|past[ -]due|\bunpaid\b|"
    r"\bdelinquent|outstanding (?:balance|"
    r"invoice|payment)",
    r"\bno (?:active|valid|current) (?:subscription|plan|payment)|non-?payment",
    r"\bbalance(?: \w+)?:? ?\W?0(?:\.0+)?\b|credits? (?:are |is )?(?:required|gone|"
    r"needed)",
    r"(?:purchase|buy) (?:an? |the )?(?:plan|subscription|package)",
    r"(?:used (?:up )?all|r[au]n out|out) of (?:\w+ ){0,3}(?:tokens|messages|requests|"
    r"usage)\b",
    rf"(?:usage|limit|quota)[^;]{{0,20}} (?:for|of|this|per) (?:the |this |your "
    rf")?(?:day|"
    rf"week|month|billing|today)[^;]{{0,24}}{_GONE}",
    r"\bspend(?:ing)?(?: \w+)? (?:limit|cap|budget)",
    rf"\bbudget[^;]{{0,30}}{_GONE}|{_GONE}[^;]{{0,30}}\bbudget",
    rf"\bquota[^;]{{0,40}}{_GONE}|{_GONE}[^;]{{0,40}}\bquota|\bno (?:remaining )?quota|"
    r"out of quota",
    rf"\b{_PERIOD} (?:\S+ )?(?:\S+ )?{_ALLOWED}[^;]{{0,30}}{_GONE}",
    rf"{_GONE}\S*(?: \S+){{0,3}} {_PERIOD}(?: \S+){{0,2}} {_ALLOWED}",
    r"(?:subscription|free trial|trial|(?:coding|token) plan|package)\b[^;]{0,30}"
    r"(?:expired|required|inactive|ended|lapsed|cancel|not active|is over|used up)",
    r"(?:purchase|buy|top[ -]?up|recharge|refill|add) (?:more |your |some |additional |"
    r"the |\d+ )?(?:account |api )?(?:credits?|balance|funds?|account|wallet|quota)",
    r"(?:余额|余量|额度|配额|限额|资源包|资源点|点数|积分|费用|算力).{0,12}(?:不足|"
    r"用尽|"
    r"用完|耗尽|"
    r"已用|超出|超限|不够|透支|为0|为零|达到|达上限)",
    r"(?:余额|额度|配额|资源).{0,4}(?:不足|不够)|欠费|充值|续费|账户.{0,4}透支",
    r"套餐.{0,10}(?:到期|过期|用尽|用完|耗尽|失效)|(?:用尽|用完|耗尽|达到|超过|超出|"
    r"没有).{0,12}"
    r"(?:额度|限额|配额|余额|资源包)|(?:每日|每天|每周|每月|当日|本月|今日|日|月).{0,8}"
    r"(?:上限|限额|次数).{0,8}(?:用|达|超|满|尽)?",
)

_NOT_MONEY = any_of(
    _RATE,
    r"load[ -]?balanc",
    r"no credits (?:were|was|have been|will be)|not (?:be |been )?charged",
    r"(?:thinking|reasoning|token|output) budget|budget tokens?|context budget",
    r"(?:hour|current) allocated|allocated quota exceeded, please|e\.g\. check quota|"
    r"current quota",
    r"requests? limit\b|request quota|\bquota[ -]?project|billing ?project",
    r"card numbers?|unsupported|not supported|capacity",
)

NO_MONEY_BUT_LIMITED = (
    general_row(QuotaExceededError, {INSIDE, 429}, _NOT_MONEY, _NO_MONEY_WORDS),
)
"""They come before the rows of rate limits, because Anthropic has the code
`rate_limit_error` for both."""

NO_MONEY = (
    general_row(
        QuotaExceededError,
        {400, 402, 403, 412, 422, 500, 503},
        _NOT_MONEY,
        _NO_MONEY_WORDS,
    ),
)
