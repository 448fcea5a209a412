"""Each rule speaks where its evidence holds, and is silent before what only looks like it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from crossfade.contract.diagnosis import RULES, Doctor
from crossfade.contract.engine.runner import Outcome
from crossfade.model import Side
from tests.diagnosis import answers, statuses
from tests.diagnosis.document import page_of_causes
from tests.diagnosis.kit import Seen, crash, facts, get, json, post, said

FITS = {**statuses.FITS, **answers.FITS}
LOOKS_LIKE = {**statuses.LOOKS_LIKE, **answers.LOOKS_LIKE}
ALSO = [(code, (seen, words)) for code, seen, words in (*statuses.ALSO, *answers.ALSO)]
PAGE = Path(__file__).parents[2] / "docs" / "causes.md"


@pytest.mark.parametrize(
    ("code", "row"), [*FITS.items(), *ALSO], ids=[*FITS, *(f"{code} also" for code, _ in ALSO)]
)
def test_a_rule_with_its_evidence_names_the_cause(
    code: str, row: tuple[Seen, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cause, evidence and fix are there, and say what the row says."""
    seen, words = row
    if code == "XF400":
        monkeypatch.setattr("crossfade.contract.diagnosis.body.unread", lambda response: "br")
    found = said(seen)
    assert code in found, found
    cause, evidence, fix = found[code].split(" | ")
    assert all((cause, evidence, fix))
    assert words in found[code]


@pytest.mark.parametrize(
    ("code", "seen"),
    [(code, seen) for code, rows in LOOKS_LIKE.items() for seen in rows],
    ids=[f"{code} {n}" for code, rows in LOOKS_LIKE.items() for n in range(len(rows))],
)
def test_a_rule_without_its_evidence_is_silent(code: str, seen: Seen) -> None:
    """The look-alike has another cause, or none that is known."""
    found = said(seen)
    assert code not in found, found[code]


def test_every_rule_has_both_rows() -> None:
    """A new rule comes with what it explains and with what only looks like it."""
    codes = [rule.code for rule in RULES]
    assert codes == sorted(FITS) == sorted(LOOKS_LIKE)
    assert len(set(codes)) == len(codes)
    assert all(rows for rows in LOOKS_LIKE.values())


def test_two_causes_that_both_fit_are_both_said() -> None:
    """Neither is chosen."""
    seen = Seen(
        json(401),
        json(200),
        facts=facts(missing_guards=("roles_required",), hooks=False, around=("before_request a",)),
    )
    assert "roles_required" in said(seen)["XF120"]
    assert "before_request a" in said(seen)["XF120"]


def test_a_general_rule_speaks_only_where_no_other_does() -> None:
    """What is known in particular is not said once more in general."""
    assert set(said(Seen(json(201), json(200)))) == {"XF130"}
    assert set(said(Seen(json(201), json(202)))) == {"XF131"}


def test_a_crash_is_the_only_cause_of_what_differs_with_it() -> None:
    """Whatever the request and the answers look like."""
    seen = Seen(
        json(200),
        json(500),
        request=post("{"),
        errors={Side.NATIVE: crash("KeyError: 'a'")},
        facts=facts(reads_json=True),
    )
    assert set(said(seen)) == {"XF101"}


def test_what_the_good_request_shows_is_the_cause_in_its_variations() -> None:
    """A doctor that knows the base gives no variation a cause of its own for the same place."""
    base = Seen(json(200, '{"a":"x"}'), json(200, '{"a":"y"}'), "body.a").view()
    twice = Seen(
        json(200, '{"a":"first"}'), json(200, '{"a":"second"}'), "body.a", get("/?q=first&q=second")
    ).view()
    outcomes = [Outcome(each.legacy, each.native, (each.difference,)) for each in (base, twice)]
    doctor = Doctor(base=outcomes[0])
    assert doctor.causes(outcomes[1], twice.difference) == ()
    assert Doctor().causes(outcomes[1], twice.difference)[0].rule.code == "XF161"


# --- the page -------------------------------------------------------------------------------------


def test_the_page_of_causes_is_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every code with its title, its evidence and an example, as the rules have them.

    To write it anew: CROSSFADE_WRITE_SNAPSHOTS=1 pytest tests/diagnosis/test_rules.py
    """
    monkeypatch.setattr("crossfade.contract.diagnosis.body.unread", lambda response: "br")
    text = page_of_causes({code: seen for code, (seen, _) in FITS.items()})
    if os.environ.get("CROSSFADE_WRITE_SNAPSHOTS"):
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == text
    for rule in RULES:
        assert f"### {rule.code}\n" in text  # what the anchor leads to
        assert rule.anchor == f"docs/causes.md#{rule.code.lower()}"
