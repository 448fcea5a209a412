"""The words by which names are judged: data, and how a name is taken apart.

Facts taken from the lists of Sentry's EventScrubber and Relay, Rails' `filter_parameters`, Django's
SafeExceptionReporterFilter, Bugsnag, Rollbar, Datadog's query obfuscation, OWASP's logging cheat
sheet, and the HAR sanitizers of Cloudflare and Google. E-mail and IP addresses, which some of them
have, are no credentials: a team names them in `record.secrets`.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

_LETTERS: Final = str.maketrans(
    {"ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "\u0131": "i", "ß": "ss", "æ": "ae"}
)
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")


@lru_cache(4096)  # the names of a service's headers and fields are few, and asked for each request
def words_of(name: str) -> tuple[str, ...]:
    """The words of a name, without accents: `newPassword`, `new_password` → `new`, `password`."""
    plain = unicodedata.normalize("NFKD", name.translate(_LETTERS))
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    return tuple(word.lower() for word in _WORD.findall(plain))


def _set(text: str) -> frozenset[str]:
    return frozenset("".join(words_of(word)) for word in text.split())


SECRET: Final = _set("""
    password passwords passwd passphrase passcode passkey pswd psw pwd pw
    secret secrets token tokens jwt jws jwe bearer authorization authentication
    credential credentials creds apikey apikeys csrf xsrf otp totp hotp mfa psk
    cvv cvv2 cvc cvc2 cvn csc iban ssn cookie cookies sig signature signatures hmac
    sid sessid phpsessid jsessionid sessionid sessionids sessionkey aspsessionid cfid cftoken
    saml samlresponse samlrequest samlart assertion wresult verifier codeverifier dpop
    cardnumber cardnum cardno cardnr creditcard creditcards debitcard ccnumber ccnum ccno ccnr
    trackdata magstripe accountnumber bankaccount routingnumber
    socialsecurity socialsecuritynumber socialinsurance nationalid nationalinsurance
    passportnumber passportno driverslicense driverlicense driverslicence driverlicence taxpayerid
    pan pwhash captcharesponse recaptcharesponse turnstileresponse
    crypt bcrypt salt mnemonic seedphrase recoveryphrase securityanswer securityquestionanswer
    privkey prvkey keystore dsn connectionstring connstr databaseurl symfony
    clientdata clientdatajson authenticatordata attestationobject facetid
    serverdata fcparams shdf usg vses2 hdnts hdnea codechallenge
    passwort passwoerter kennwort kennwoerter geheim geheimnis geheimzahl zugangscode zugangsdaten
    zugangsschlüssel zugangsschluessel apischlüssel apischluessel anmeldedaten signatur
    kreditkarte kreditkartennummer kartennummer kartenprüfnummer kartenpruefnummer prüfziffer
    pruefziffer prüfnummer pruefnummer kontonummer sicherheitscode bestätigungscode
    bestaetigungscode freischaltcode tan smstan mtan
    motdepasse mdp jeton codesecret cartebancaire numerocarte numérodecarte
    contraseña contrasenya clave secreto tarjeta numerotarjeta tarjetadecredito tarjetacredito
    senha segredo cartaodecredito numerocartao
    segreto cartadicredito numerocarta paroladordine
    wachtwoord toegangscode lösenord passord adgangskode kodeord salasana
    hasło heslo geslo lozinka jelszó parola parool slaptazodis şifre sifre šifra
    matkhau katasandi kodikos κωδικός пароль парола токен секрет parol
    パスワード 暗証番号 密码 密碼 口令 비밀번호 암호 סיסמה पासवर्ड
""")
"""Secret wherever they stand in a name as a word of their own, or as neighbours: `api_key`."""

INSIDE: Final = _set("""
    password passwd passwort passphrase passcode passw kennwort secret token apikey credential
    sessionid contraseña wachtwoord motdepasse lösenord adgangskode salasana пароль
    パスワード 密码 密碼 비밀번호
""")
"""Secret inside of another word as well: `userpassword`."""

SECRET_ENDS: Final = ("pwd", "passwd", "pswd", "senha", "sessid", "pw", "cvc", "cvv")
"""Secret at the end of a longer word: `userpwd`."""

LAST: Final = _set("pass pin session auth certificate certificates cert certs pem")
"""Secret as the last word of a name: `user_pass` is, `pass_rate` is not."""

AFTER: Final = _set("""
    again confirm confirmation confirmed repeat repeated retype verify verification check new old
    current previous original hash hashed digest word phrase code key keys id ids uuid value val
    text data string str field input plain raw encrypted enc base64 b64 hex bytes pem body chain
    number no num nr cookie header secret token store wiederholung wiederholen bestätigen
    bestaetigen bestätigung bestaetigung neu alt confirmar confirmacion repetir conferma confirmer
""")
"""What may follow such a word without making it harmless: `pass_confirm`."""

ORDINARY_PASSES: Final = _set("bypass compass encompass surpass trespass overpass underpass impass")
"""Words that end in `pass` and are none: every other one is, `dbpass`."""

OF_ANOTHER_PASS: Final = _set(
    "boarding season bus ski rail guest day event render first second next low high band hall by"
)

HARMLESS: Final = _set("""
    secretary secretaries secretariat secretarial undersecretary secretion tokenizer tokenize
    tokenized tokenization tokenomics tokenise tokeniser
""")
"""Words that hold a secret one and are none."""

ABOUT: Final = _set("""
    type types count counts total limit limits length len size min max expires expiry expiration
    expire ttl lifetime age enabled disabled required optional allowed policy policies strength
    rule rules url uri endpoint at date time timestamp version algorithm alg method methods mode
    status format name provider issuer scope scopes owner source consent banner notice preference
    preferences settings usage used remaining budget price cost symbol address contract decimals
    supply balance index position title speaker room description label language model country
    accepted
""")
"""As the last word they tell something about a secret: `token_type`, `password_length`."""

BEFORE_NUMBERS: Final = _set(
    "max min num is has total avg prompt completion input output cached reasoning"
)
"""As the first word of a plural or of a flag: `max_tokens`, `has_password`."""

OF_PAGES: Final = _set("page next nextpage continuation sync pagination cursor")
"""Tokens that only lead to the next page: `page_token`."""

ORDINARY_KEYS: Final = _set("""
    primary foreign sort partition idempotency cache surrogate routing object translation i18n
    locale message meta unique natural composite index row column lookup map config setting feature
    flag project issue hot arrow enter shortcut group order route router react list item field form
    property param type tag label category document file image media bucket path s3 blob asset
    resource entity node parent child record event metric dimension dict range search filter query
    facet state step stage section page view menu screen role region zone country language lang
    currency color theme style icon music song legend chart answer public websocket
""")
"""What makes a `key` an ordinary one: `sort_key`. With any other word before it, it is secret."""

SECRET_CODES: Final = _set("""
    otp mfa 2fa fa auth oauth authorization authentication verification verify security access
    confirmation confirm reset recovery backup activation sms pass pin login device user secret
    unlock totp scratch gift time factor magic challenge pairing invite invitation email zugangs
    sicherheits
""")
"""What makes a `code` a secret one: `reset_code`. With none of them its neighbours tell."""

OAUTH: Final = _set("""
    state redirecturi clientid granttype codeverifier clientsecret responsetype sessionstate
    idtoken codechallenge authuser
""")
"""Neighbours that show that a `code`, `state` or `nonce` is one of OAuth's."""

CARD: Final = _set("""
    cvc cvv cvn expmonth expyear expiry expirymonth expiryyear expirationmonth expirationyear
    cardholder
""")

EXPIRY: Final = _set("expires expire exp expiry e deadline")

SIGNED: Final = _set("keypairid signature xamzsignature")

FLOW: Final = _set("""
    reset forgot forgotten recover recovery verify verification confirm confirmation activate
    activation invite invitation unsubscribe optout magic login signin logon sso oauth oauth2 oidc
    saml callback auth authorize 2fa mfa otp totp password passwort token unlock
    zuruecksetzen zurücksetzen bestaetigen bestätigen reinitialiser restablecer
""")
"""Words of a path along which one-time tokens travel: `/password-reset/<uid>/<key>`."""

IDENTIFIERS: Final = _set("""
    id ids uid uuid guid ref reference slug etag rev revision version commit sha sha1 sha256 digest
    checksum md5 hash filename file cursor after before offset
""")
"""Last words of names whose values are random and no secrets."""

LABELS: Final = _set("name key field id label type param parameter variable header attribute")
CONTENTS: Final = _set("value val values content data text answer default string")
"""`{"name": "password", "value": …}`: a member of LABELS says what those of CONTENTS are."""
