"""Which values are secret, whatever their name: known forms of keys and tokens, and chance.

The forms are those that their issuers publish for secret scanners (GitHub's and GitLab's partner
patterns, gitleaks, detect-secrets).
"""

from __future__ import annotations

import math
import re
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final

Span = tuple[int, int]
"""Where a secret stands in a text: the first character, and the one after the last."""

_PEM: Final = r"-----BEGIN[ ][A-Z0-9 ]+-----.*?(?:-----END[ ][A-Z0-9 ]+-----|\Z)"
_AMAZON: Final = r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"
_JWT: Final = r"\.?\be[yJ][\w-]{6,}(?:\.[\w-]*){1,4}"  # JWS, JWE, Flask's sessions
_STRIPE: Final = r"\b[sr]k_(?:live|test)_\w{10,}"
_HASH: Final = r"\$(?:2[abxy]|argon2\w*|scrypt|[156])\$[\w$./,=+-]{8,}"

_FORMS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = tuple(
    (mark, re.compile(form, re.DOTALL))
    for mark, form in (
        ("-----BEGIN ", _PEM),
        ("PuTTY-User-Key-File-", r"PuTTY-User-Key-File-\d:.*\Z"),
        ("AGE-SECRET-KEY-", r"\bAGE-SECRET-KEY-1\w+"),
        ("ey", _JWT),
        ("eJ", _JWT),
        *((mark, _AMAZON) for mark in ("AKIA", "ASIA", "ABIA", "ACCA")),
        ("AIza", r"\bAIza[\w-]{35}"),  # Google
        ("ya29.", r"\bya29\.[\w-]{10,}"),
        ("GOCSPX-", r"\bGOCSPX-[\w-]{20,}"),
        ("1//0", r"\b1//0[\w-]{20,}"),
        *((f"gh{kind}_", rf"\bgh{kind}_\w{{30,}}") for kind in "pousr"),  # GitHub
        ("github_pat_", r"\bgithub_pat_\w{22,}"),
        ("gl", r"\bgl(?:pat|dt|rt|ptt|cbt|ft|soat|agent|imt|oas)-[\w.-]{16,}"),  # GitLab
        ("glsa_", r"\bglsa_[\w=+/]{20,}"),  # Grafana
        ("glc_", r"\bglc_[\w=+/]{20,}"),
        ("xox", r"\bxox[abeoprs]-[\w-]{10,}"),  # Slack
        ("xapp-", r"\bxapp-\d-[\w-]{10,}"),
        ("hooks.slack.com/", r"hooks\.slack\.com/(?:services|workflows|triggers)/[\w/-]{16,}"),
        ("/api/webhooks/", r"discord(?:app)?\.com/api/webhooks/\d+/[\w-]+"),
        ("k_live_", _STRIPE),
        ("k_test_", _STRIPE),
        ("whsec_", r"\bwhsec_[\w+/=]{16,}"),
        ("SG.", r"\bSG\.[\w-]{16,}\.[\w-]{16,}"),  # SendGrid
        ("SK", r"\bSK[0-9a-f]{32}\b"),  # Twilio
        ("key-", r"\bkey-[0-9a-zA-Z]{32}\b"),  # Mailgun
        ("-us", r"\b[0-9a-f]{32}-us\d{1,2}\b"),  # Mailchimp
        ("npm_", r"\bnpm_\w{36}"),
        ("pypi-", r"\bpypi-[\w-]{16,}"),
        ("sk-", r"\bsk-[\w-]{20,}"),  # OpenAI, Anthropic
        ("hf_", r"\bhf_\w{30,}"),  # Hugging Face
        *((f"do{kind}_v1_", rf"\bdo{kind}_v1_[a-f0-9]{{64}}") for kind in "opr"),  # DigitalOcean
        ("shp", r"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),  # Shopify
        ("sq0", r"\bsq0[a-z]{3}-[\w-]{22,}"),  # Square
        ("EAA", r"\bEAA[A-Za-z0-9]{30,}"),  # Facebook
        (":AA", r"\b\d{8,10}:AA[\w-]{33}"),  # Telegram
        ("dapi", r"\bdapi[a-f0-9]{32}"),  # Databricks
        ("hv", r"\bhv[sbr]\.[\w-]{20,}"),  # Vault
        ("ATATT3", r"\bATATT3[\w=-]{20,}"),  # Atlassian
        ("lin_api_", r"\blin_api_\w{20,}"),
        ("ntn_", r"\bntn_\w{20,}"),
        ("PMAK-", r"\bPMAK-[\w-]{20,}"),
        ("NRAK-", r"\bNRAK-\w{20,}"),
        ("sntr", r"\bsntr[yu]s_[\w=+/-]{20,}"),
        ("sbp_", r"\bsbp_[a-f0-9]{40}"),
        ("dp.", r"\bdp\.\w{2,5}\.[\w.]{20,}"),
        *(
            (f"{kind}-", rf"\b{kind}-\d+-[\w.-]{{10,}}")
            for kind in ("ST", "PT", "LT", "TGT", "PGT")
        ),  # CAS
        *((f"${kind}", _HASH) for kind in ("2", "a", "s", "1", "5", "6")),  # crypt(3)
        ("pbkdf2:", r"\bpbkdf2:\w+[:\d]*\$\S{8,}"),  # Werkzeug
        ("scrypt:", r"\bscrypt:\d+[:\d]*\$\S{8,}"),
    )
)
"""What has to stand in a text for a form to be looked for, and the form."""

_SIGNED: Final = re.compile(  # by itsdangerous and Django, whatever is signed
    r"(?<![\w.-])[\w-]{2,}[.:](?:[\w-]{4,8}[.:])?(?:[\w-]{86}|[\w-]{43}|[\w-]{27})(?![\w-])"
)
_OF_URL: Final = re.compile(r"(?<=://)[^\s/?#@\"'<>]+(?=@)")
_CURL: Final = re.compile(r"\s(?:-u|--user|--proxy-user)[ =]?[\"']?[^\s:\"']+:([^\s\"']+)")
_SCHEME: Final = re.compile(r"\b(bearer|basic|negotiate|digest)\s+([\w.~+/=-]{6,})", re.IGNORECASE)
_DIGITS: Final = re.compile(
    r"(?<![\w.])(?:(?:\d[ \-\u00a0\u2009]?){12,18}\d|\d{4}\.\d{4}\.\d{4}\.\d{4})(?!\w|\.\d)"
)
_IBAN: Final = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}(?!\w)")


def secret_spans(text: str) -> list[Span]:
    """Where values of a secret form stand in a text, in their order, without overlaps."""
    if len(text) < _SHORTEST:
        return []
    found = sorted(_all_spans(text))
    kept: list[Span] = []
    for start, end in found:
        if kept and start < kept[-1][1]:
            kept[-1] = (kept[-1][0], max(end, kept[-1][1]))
        else:
            kept.append((start, end))
    return kept


_SHORTEST: Final = 8  # the credentials of `x://a:b@c`; every other form is longer


def _all_spans(text: str) -> Iterator[Span]:
    for mark, form in _FORMS:
        if mark in text:
            yield from (found.span() for found in form.finditer(text))
    if "://" in text:
        yield from _in_urls(text)
    if " -" in text:
        yield from (found.span(1) for found in _CURL.finditer(text))
    if " " in text:
        for found in _SCHEME.finditer(text):
            if _is_credential(found[1].lower(), found[2]):
                yield found.span(2)
    for some, form, holds in _CHECKED:
        if some.search(text):
            yield from (found.span() for found in form.finditer(text) if holds(found[0]))


def _in_urls(text: str) -> Iterator[Span]:
    """The password in a URL, or what stands there alone and is random."""
    for found in _OF_URL.finditer(text):
        user, colon, _ = found[0].partition(":")
        if colon:
            yield found.start() + len(user) + 1, found.end()
        elif is_random(user):
            yield found.span()


def _is_credential(scheme: str, text: str) -> bool:
    """Whether this is what follows a scheme of HTTP's, and no word of prose."""
    if scheme == "basic":
        try:
            return b":" in urlsafe_b64decode(text.replace("+", "-").replace("/", "_") + "==")
        except ValueError:
            return False
    return any(char.isdigit() for char in text) or not text.isalpha() or not text.islower()


_CARDS: Final = re.compile(
    r"4\d{12}|4\d{15}|4\d{18}"  # Visa
    r"|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"  # Mastercard
    r"|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11,16}|35(?:2[89]|[3-8]\d)\d{12,15}"  # Amex, Diners, JCB
    r"|(?:6011|64[4-9]\d|65\d\d|62\d\d|81\d\d|82\d\d|508\d|220[0-4])\d{12,15}"
    r"|(?:50|5[6-9]|6[0-9])\d{10,17}"  # Maestro
)


def is_card(text: str) -> bool:
    """Whether digits, with blanks or dashes among them, are a card's number (ISO/IEC 7812)."""
    digits = [int(char) for char in text if char.isdecimal()]
    if _CARDS.fullmatch("".join(map(str, digits))) is None or len(set(digits)) == 1:
        return False
    doubled = (sum(divmod(2 * each, 10)) for each in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _is_iban(text: str) -> bool:
    plain = re.sub(r"[ -]", "", text)
    return int("".join(str(int(char, 36)) for char in plain[4:] + plain[:4])) % 97 == 1


def _is_signed(text: str) -> bool:
    *before, signature = re.split("[.:]", text)
    return len(before) > 1 or is_random(signature)  # with the time between, or by its look


_CHECKED: Final[tuple[tuple[re.Pattern[str], re.Pattern[str], Callable[[str], bool]], ...]] = (
    (re.compile(r"\d(?:[\d.]|[ \-\u00a0\u2009]\d){11}"), _DIGITS, is_card),
    (re.compile(r"[A-Z]{2}\d{2}"), _IBAN, _is_iban),
    (re.compile(r"[.:][\w-]{27}"), _SIGNED, _is_signed),
)
"""What shows quickly that a form may stand in a text, the form, and what tells that it is one."""

# --- chance ------------------------------------------------------------------------------------

_ONE_WORD: Final = re.compile(r"[A-Za-z0-9+/_=.~:-]{20,512}")
_UUID: Final = re.compile(
    r"(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}"
)
_HEX: Final = re.compile(r"(?i)[0-9a-f]{32,}")
_PLAIN_DIGITS: Final = re.compile(r"[\d.:TZ+_/-]+")
_OF_30_BYTES: Final = re.compile(  # in base64, as Amazon's secret keys are
    r"(?=.*[a-z].*[a-z])(?=.*[A-Z].*[A-Z])(?=.*\d)[A-Za-z0-9+/]{40}"
)
_PICTURES: Final = ("iVBORw0KGgo", "/9j/", "R0lGOD", "JVBERi0", "UEsDB", "UklGR", "PHN2Zy")
_LEAST_ENTROPY: Final = 3.4  # bits a character; 20 random ones of base64 have 4
_LEAST_CHANGES: Final = {0: 0.5, 1: 0.5, 2: 0.28}
"""By how many groups of digits there are: the share of neighbours that are of two kinds, such as a
letter and a digit. CamelCase has up to 0.45, random base64 0.6, base36 0.4, base32 0.3."""
_FEWEST_CHANGES: Final = 0.2


def is_random(text: str) -> bool:
    """Whether a text was drawn by lot, as tokens are: not a UUID, a path, a date, a picture."""
    if _ONE_WORD.fullmatch(text) is None or _UUID.fullmatch(text) or _PLAIN_DIGITS.fullmatch(text):
        return False
    if _HEX.fullmatch(text):
        return True
    if text.startswith(_PICTURES) or "://" in text:
        return False
    if _OF_30_BYTES.fullmatch(text) and _entropy(text) > _LEAST_ENTROPY:
        return True
    parts = [part for part in re.split(r"[^A-Za-z0-9]+", text) if part]
    in_words = sum(len(part) for part in parts if _WORD.fullmatch(part))
    if in_words > len(text) / 2:
        return False  # a slug, a path, a name with dots
    return _changes(parts) and _entropy(text) >= _LEAST_ENTROPY


_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")


def _changes(parts: list[str]) -> bool:
    kinds = ["".join(map(_kind, part)) for part in parts]
    pairs = sum(len(part) - 1 for part in kinds)
    changed = sum(a != b for part in kinds for a, b in pairwise(part))
    runs = sum(len(re.findall("d+", part)) for part in kinds)
    return pairs > 0 and changed / pairs >= _LEAST_CHANGES.get(runs, _FEWEST_CHANGES)


def _kind(char: str) -> str:
    return "d" if char.isdigit() else "u" if char.isupper() else "l"


def _entropy(text: str) -> float:
    size = len(text)
    return -sum(n / size * math.log2(n / size) for n in Counter(text).values())
