"""The order in which Werkzeug tries rules, read from a private part of its matcher.

If one of these tests fails after an upgrade of Werkzeug, look at
`werkzeug.routing.matcher.StateMachineMatcher` and mend `crossfade.routing.werkzeug_order`.
"""

from __future__ import annotations

import pytest
from werkzeug.routing import Map, Rule

from crossfade.errors import MountError
from crossfade.routing.werkzeug_order import MatchingRule, rules_in_matching_order


def _matched(url_map: Map, path: str) -> object:
    return url_map.bind("localhost").match(path)[0]


def _copy(url_map: Map) -> Map:
    return Map([rule.empty() for rule in rules_in_matching_order(url_map)])


def test_rules_of_equal_weight_keep_their_order() -> None:
    """`uuid` and `string` weigh the same: the rule that was added first wins, in a copy too."""
    path = "/items/12345678-1234-5678-1234-567812345678"
    uuid, name = "/items/<uuid:key>", "/items/<name>"
    for first, second in [(uuid, name), (name, uuid)]:
        # `iter_rules` groups by endpoint, which here turns the two round.
        url_map = Map(
            [
                Rule("/unrelated", endpoint=second),
                Rule(first, endpoint=first),
                Rule(second, endpoint=second),
            ]
        )
        assert _matched(url_map, path) == first
        assert _matched(_copy(url_map), path) == first


def test_two_rules_for_one_url_keep_their_order() -> None:
    """Of two rules that are spelt alike, the first answers, in a copy too."""
    url_map = Map(
        [
            Rule("/other", endpoint="late"),
            Rule("/same", endpoint="early"),
            Rule("/same", endpoint="late"),
        ]
    )
    assert _matched(_copy(url_map), "/same") == _matched(url_map, "/same") == "early"


def test_every_rule_that_matches_is_there_once() -> None:
    """Nothing is lost or doubled; rules that only build URLs never match and are left out."""
    rules = ["/", "/a", "/a/", "/a/<x>", "/a/<int:x>", "/<path:p>", "/<path:p>/end", "/a/<x>/b"]
    url_map = Map([Rule(rule, endpoint=rule) for rule in rules])
    url_map.add(Rule("/built", endpoint="built", build_only=True))
    assert sorted(rule.rule for rule in rules_in_matching_order(url_map)) == sorted(rules)


def test_another_werkzeug_is_refused() -> None:
    """Where the private part is gone, the gateway says so instead of guessing an order."""

    class Other:
        def update(self) -> None:
            """Do what Map.update does."""

    with pytest.raises(MountError, match="can't read the URL map of Werkzeug 3"):
        rules_in_matching_order(Other())  # type: ignore[arg-type]


def test_matching_rule_matches_without_compiling_url_builders() -> None:
    """If Werkzeug compiles its builders elsewhere, boots of large applications get slow again."""
    url_map = Map([MatchingRule("/users/<int:key>", endpoint="user", methods=["GET"])])
    adapter = url_map.bind("localhost")
    assert adapter.match("/users/7", "GET") == ("user", {"key": 7})
    with pytest.raises(NotImplementedError, match="only matches"):
        adapter.build("user", {"key": 7})
