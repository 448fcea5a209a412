"""Names that are secret, in the spellings and languages of headers, fields and variables."""

from __future__ import annotations

import pytest

from crossfade.contract.recording.redaction import Redaction
from crossfade.contract.recording.secrets.names import Names, beside

# The denylists that reporters of errors, loggers and HAR sanitizers ship with, PII left out.
LISTS = {
    "Sentry": "password passwd secret api_key apikey auth credentials mysql_pwd privatekey "
    "private_key token session csrftoken sessionid x_csrftoken set_cookie cookie authorization "
    "x_api_key aiohttp_session connect.sid csrf_token csrf _csrf _csrf_token PHPSESSID _session "
    "symfony user_session _xsrf XSRF-TOKEN",
    "Rails": "passw secret token api_key encryption_key crypt salt certificate otp ssn cvv cvc",
    "Django": "SECRET_KEY DATABASE_PASSWORD AWS_SIGNATURE API_KEY GITHUB_TOKEN EMAIL_HOST_PASSWORD",
    "Rollbar": "pw passwd password secret confirm_password confirmPassword password_confirmation "
    "passwordConfirmation access_token accessToken auth authentication authorization",
    "Datadog": "pwd pass_phrase apiKey private-key access_key secretKey consumer_key token signed_"
    "signature bearer jsessionid asp.net-sessionid jwt",
    "HAR sanitizers": "shdf usg password code_verifier client_secret code_challenge access_token "
    "authenticity_token id_token facetID assertion fcParams serverData Authorization x-client-data "
    "SAMLRequest SAMLResponse vses2 refresh_token",
    "forms": "pass pw pass2 passwort passwort_wiederholen kennwort user_pass passConfirm dbpass "
    "newpw PaSsWoRd pIn oTP creditCard card_no ccNumber card[number][cvc] securityCode resetCode "
    "verification-code 2fa_code two_factor_code pairingCode one_time_code cardCvc "
    "g-recaptcha-response cf-turnstile-response "
    "pan pwhash client.pem security_question_answer",
    "other languages": "contraseña contrasena mot_de_passe motDePasse senha novaSenha wachtwoord "
    "hasło heslo lösenord passord salasana şifre пароль 密码 パスワード 비밀번호 clave mdp",
    "headers": "X-Auth-Token Proxy-Authorization X-Amz-Security-Token X-Amz-Signature "
    "x-goog-api-key Ocp-Apim-Subscription-Key x-functions-key X-Hub-Signature-256 "
    "X-Shopify-Hmac-Sha256 X-Vault-Token Private-Token DPoP "
    "X-SSL-Client-Cert X-CSRFToken X-Webhook-Secret",
}
SECRET = [(source, name) for source, names in LISTS.items() for name in names.split()]


@pytest.mark.parametrize(("source", "name"), SECRET, ids=[f"{s}-{n}" for s, n in SECRET])
def test_names_of_known_lists_are_secret(source: str, name: str) -> None:
    """What others leave out, a case leaves out."""
    assert Redaction().is_secret(name), source


EVERYDAY = (
    "name author authority shipping spinner keyboard opinion page card key keys monkey pinned "
    "token_type max_tokens prompt_tokens password_length next_page_token session_title pass_rate "
    "boardingPass compass bypass passenger passport passage s_id sort_key primary_key "
    "Idempotency-Key country_code zip_code error_code promo_code code state hash number policy "
    "secretary is_secret has_password author_id tokenizer signal design signed_at username email "
    "cookies_accepted company japan distance "
    "cookie_consent keywords user_id session_count auth_type assignee discard postcard scorecard "
    "signup significant total salty If-None-Match Content-Type"
)


@pytest.mark.parametrize("name", EVERYDAY.split())
def test_everyday_names_are_not_secret(name: str) -> None:
    """A case whose every field is redacted is of no use."""
    assert not Redaction().is_secret(name)


@pytest.mark.parametrize(
    ("name", "near", "secret"),
    [
        ("code", {"redirect_uri": "https://a"}, True),
        ("code", {"state": "a8f5f167"}, True),
        ("code", {"state": "CA", "city": "Davis"}, False),
        ("code", {"country": "Germany"}, False),
        ("state", {"code": "a1b2", "state": "x1y2z3"}, True),
        ("state", {"status": "open"}, False),
        ("md5", {"expires": "1700000000"}, True),
        ("md5", {"file": "a.iso"}, False),
        ("number", {"expMonth": "12"}, True),
        ("number", {"street": "Main"}, False),
        ("Policy", {"Key-Pair-Id": "APK"}, True),
    ],
)
def test_ambiguous_names_go_by_their_neighbours(
    name: str, near: dict[str, str], secret: bool
) -> None:
    """A country has a code as well."""
    assert Names().is_secret(name, beside(near.items())) is secret


def test_code_in_a_login_is_secret() -> None:
    """What a person was sent to log in, or to reset a password."""
    assert Names().is_secret("code", flow=True)


def test_kept_name_is_not_secret() -> None:
    """A team knows better."""
    names = Names(also=("e-mail",), keep=("pin", "sessionToken"))
    assert not names.is_secret("pin")
    assert not names.is_secret("session_token")
    assert names.is_secret("userEMail")
    assert not names.is_secret("mail")
