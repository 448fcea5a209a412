"""Mutants: what is made of a response, that all of them are noticed, and what lets some live."""

from __future__ import annotations

import json

import pytest

from crossfade.contract.comparison import mutation as mutation
from crossfade.contract.comparison.mutation import Memory, Survivor, mutants, strength
from crossfade.messages.compare import Difference, compare
from crossfade.messages.exchange import Headers, Response

JSON: Headers = (("content-type", "application/json"), ("content-length", "0"))
COOKIE = ("set-cookie", "theme=dark; Path=/; HttpOnly; SameSite=Lax; Max-Age=60")


def answer(value: object, status: int = 200, *more: tuple[str, str]) -> Response:
    """Return a JSON answer as a server would send it."""
    body = json.dumps(value, ensure_ascii=False).encode() + b"\n"
    length = ("content-length", str(len(body)))
    return Response(status, (("content-type", "application/json"), length, *more), body)


RESPONSES = {
    "a value": answer(1),
    "nothing": answer(None),
    "an object": answer({"id": 1, "name": "Zoë", "tags": ["a", "b"], "age": None, "ok": True}),
    "a list": answer([{"a": 1.5}, {"a": 1e300}, {"a": ""}], 200, ("allow", "GET, HEAD")),
    "empty ones": answer({"a": {}, "b": []}, 201, ("location", "/x/1"), ("vary", "Cookie")),
    "a cookie": answer({}, 200, COOKIE, ("set-cookie", "b=c")),
    "an error": answer({"error": "no"}, 500),
    "a page": Response(200, (("content-type", "text/html; charset=utf-8"),), b"<p>hi</p>"),
    "no body": Response(204, (("date", "now"), ("server", "x"))),
    "bytes": Response(200, (("content-type", "image/png"),), b"\x89PNG\r\n\xff"),
    "bad JSON": Response(200, JSON, b"{"),
    "not JSON": Response(200, JSON, b"NaN"),
    "the same twice": answer([1, 1]),
}


@pytest.mark.parametrize("response", RESPONSES.values(), ids=RESPONSES)
def test_every_mutant_is_another_response_and_is_noticed(response: Response) -> None:
    """The comparison without rules kills all of them."""
    made = list(mutants(response))
    assert len({mutant.name for mutant in made}) == len(made)
    assert all(mutant.response != response for mutant in made)
    result = strength(response, response, compare)
    assert (result.survivors, result.mutants) == ((), len(made))
    assert made == list(mutants(response))


def test_the_kinds_of_mutants() -> None:
    """All that the contract promises to notice is tried."""
    names = {m.name for m in mutants(answer({"b": [2, 1], "a": "x"}, 200, COOKIE))}
    assert names >= {
        "status changed",
        "header.content-type dropped",
        "header.content-type changed",
        "header.content-type charset",
        "header.x-crossfade-mutant added",
        "cookie.theme dropped",
        "cookie.theme changed",
        "cookie.theme.samesite dropped",
        "cookie.theme.samesite changed",
        "cookie.theme.httponly dropped",
        "cookie.theme.secure added",
        "body cut in half",
        "body with more behind it",
        "body whitespace",
        "body key order",
        "body field added",
        "body field dropped",
        "body.b reordered",
        "body.b truncated",
        "body.b[0] changed",
        "body.a changed",
    }


def test_their_number_is_bounded() -> None:
    """However long the answer: its end is tried as its beginning is."""
    few = list(mutants(answer([{"n": n} for n in range(20)])))
    many = list(mutants(answer([{"n": n} for n in range(20_000)])))
    assert len(few) < 70
    assert len(many) < 30
    assert any("[18" in mutant.name for mutant in few)


def blind_to(*places: str) -> mutation.Explain:
    """Return rules that let differences in these places live."""

    def explain(difference: Difference, native: Response) -> str | None:
        return next((f"ignore {p}" for p in places if difference.where.startswith(p)), None)

    return explain


def test_survivors_name_the_rule_that_lets_them_live() -> None:
    """And only those."""
    response = answer({"id": 1, "made_at": "now"})
    result = strength(response, response, compare, blind_to("body.made_at"))
    assert set(result.survivors) == {
        Survivor("body.made_at changed", "ignore body.made_at"),
        Survivor("body.made_at null", "ignore body.made_at"),
        Survivor("body field dropped", "ignore body.made_at"),
    }
    assert result.unexplained == ()
    assert result.killed == result.mutants - 3


def test_a_difference_that_is_there_already_kills_nothing() -> None:
    """What the rules overlook in the pair is not what notices a mutant."""
    legacy, native = answer({"id": 1, "made_at": "1"}), answer({"id": 1, "made_at": "2"})
    result = strength(legacy, native, compare, blind_to("body.made_at"))
    assert {"body.made_at changed", "body.made_at null"} <= {s.mutant for s in result.survivors}
    assert "body.id changed" not in {s.mutant for s in result.survivors}
    assert result.unexplained == ()


def test_what_no_rule_overlooks_is_no_excuse() -> None:
    """A difference that passed by the clock alone lets no other mutant live."""
    legacy, native = answer({"id": 1}), answer({"id": 2})
    result = strength(legacy, native, compare)
    assert {s.mutant for s in result.unexplained} == {"body whitespace"}


def test_a_comparison_that_looks_away_is_found_out() -> None:
    """A survivor without a rule: this contract can't fail."""

    def only_status(legacy: Response, native: Response) -> list[Difference]:
        return [d for d in compare(legacy, native) if d.where == "status"]

    response = answer({"id": 1})
    result = strength(response, response, only_status)
    assert result.killed == 2
    assert len(result.unexplained) == result.mutants - 2 > 10


def test_like_answers_are_tried_once() -> None:
    """Sixty wrong inputs that are answered alike cost what one costs; other rules begin anew."""
    asked = []

    def counting(legacy: Response, native: Response) -> tuple[Difference, ...]:
        asked.append(native)
        return compare(legacy, native)

    memory = Memory()
    for number in range(60):
        response = answer({"error": f"no {number}"}, 400)
        memory.strength(("GET /a",), response, response, counting)
    once = len(asked)
    assert once < 60
    other = answer({"error": "no", "more": 1}, 400)
    shapes = {memory.strength(("GET /a",), r, r, counting)[0] for r in (response, other)}
    assert len(shapes) == 2
    assert len(asked) > once
    before = len(asked)
    memory.strength(("GET /a", "ignore body"), response, response, counting)
    assert len(asked) > before
