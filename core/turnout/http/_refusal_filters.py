"""General rows for prompts and answers that a filter blocked.

See `_refusal_general` for what general rows are.
"""

from __future__ import annotations

from turnout.errors import ContentFilterError
from turnout.http._refusal_general import any_of, general_row
from turnout.http._status import INSIDE

__all__ = ["FILTERED"]

_CONTENT = any_of(
    r"content (?:polic|filter|moderation|safety|guideline|restriction|check|security|"
    r"standard|rule|review|violation)",
    r"safety (?:polic|filter|system|check|guideline|reason|violation|concern|"
    r"classifier|"
    r"guard|rule|review)",
    r"(?:usage|use|acceptable use|ai|community|our|trust and safety|platform|google\S*|"
    r"openai\S*|provider) (?:\w+ )?(?:polic|guidelines|standards|rules|practices|"
    r"terms)",
    r"\bmoderat(?:ion|ed|or)|\bguard ?rail|responsible ai|prohibited use",
    r"\bsensitive|inappropriate|\bharmful|\bunsafe|\boffensive|prohibited content|"
    r"\bnsfw|"
    r"polic(?:y|ies) violation|(?:prohibited|forbidden|banned|blocked) (?:words?|"
    r"topics?|"
    r"terms?)|(?:content|prompt|input)\b[^;]{0,30} polic",
    r"flagged as |violating polic|profan|sexual|violen(?:ce|t)|self[ -]harm|hate "
    r"(?:speech)?|\billeg?al|disallowed "
    r"content|jailbreak|prompt injection|cybersecurity|high[ -]risk|\bcsam\b|harass|"
    r"toxic",
)

_BLOCKED = any_of(
    r"violat|block|\bflag|reject|filter|trigger|prohibit|refus|disallow|den(?:y|ied)|"
    r"interven|breach|unable|declin|censor|stopped",
    r"not (?:be )?(?:allowed|permitted|comply|processed|submitted|acceptable|pass|"
    r"meet)|"
    r"against|fail|detect|contain|contrary|\bsensitive (?:content|information|topic)",
)

_NOT_CONTENT = any_of(
    r"(?:account|organi[sz]ation|user|project|team|\bip\b|key|access|region|country) "
    r"(?:\w+ ){0,3}(?:banned|suspended|disabled|terminated|blocked|deactivated|flagged|"
    r"restricted)",
    r"not supported|unsupported|unknown|unrecogni[sz]ed|must be|expected|data policy",
    r"case[ -](?:in)?sensitive|sensitive data|unsafe (?:url|character)|\bcors\b|csrf|"
    r"content[ -]type|tls|firewall|certificate|moderation (?:service|model|endpoint|"
    r"api)",
    r"\bmodels?\b (?:\S+ ){0,3}(?:blocked|restricted|disabled|not allowed|not enabled)",
    r"rate[ -]?limit|api[ -]key|quota",
)

FILTERED = (
    general_row(
        ContentFilterError,
        {INSIDE, 400, 403, 422, 451},
        _NOT_CONTENT,
        _CONTENT,
        _BLOCKED,
    ),
    general_row(
        ContentFilterError,
        {INSIDE, 400, 403, 422, 451},
        _NOT_CONTENT,
        r"\b(?:content|prompt|input|output|response|text|answer)(?: (?:you|was|is|has|"
        r"been|"
        r"were|submitted|sent|the))* (?:blocked|prohibited|censored|filtered|flagged|"
        r"moderated|disallowed)\b|blocked:? content",
    ),
    general_row(
        ContentFilterError,
        {INSIDE, 400, 403, 422, 451, 500},
        r"密钥|令牌|签名|账号|账户|证书|\bip\b|不区分大小写|频率|模型",
        any_of(
            r"(?:内容|输入|输出|提示词|提示|文本|请求|图片|消息).{0,20}(?:敏感|违规|"
            r"不安全|不当|违法|"
            r"审核|风控|安全|不合规|色情|暴力|政治|风险)",
            r"(?:敏感|违规|不安全|不当|违法|不合规|高风险).{0,12}(?:内容|信息|词|文本|"
            r"输入|拦截)|"
            r"风控|审核.{0,4}(?:不通过|未通过|失败|拦截)|未通过.{0,6}审核|"
            r"安全.{0,6}(?:拦截|策略)",
            r"违禁|敏感(?:话题|词|内容|信息)|违反.{0,16}(?:规定|政策|法律|法规|规范|"
            r"准则|协议|条款)",
        ),
    ),
)
