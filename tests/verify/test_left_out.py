"""Tests that a run left out, and receipts that would show less: neither passes unsaid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crossfade.contract.receipts.left_out import Contract, contract_of, files_with_contracts
from crossfade.contract.receipts.proven import Ledger
from crossfade.contract.receipts.store import Basis, Folder, Proof, Receipt
from tests.verify.kit import crossfade, edit, run_pytest, verify
from tests.verify.test_run import FLAG, ITEM, receipts

pytestmark = [pytest.mark.slow, pytest.mark.newest_versions]

# --- whole runs -----------------------------------------------------------------------------------

FAILING = """\
import pytest


def test_items_fail(contract):
    assert contract.get("/items/2").json() == {}
"""

STOPPING = """\
def test_items_first(contract):
    contract.get("/items/1")


def test_items_stop():
    assert 0
"""

LEFT_OUT = {
    "deselected by a word": ("", ("-k", "not fail")),
    "deselected by name": ("", ("--deselect", "test_more.py::test_items_fail")),
    "deselected by a marker": ("@pytest.mark.slow\n", ("-m", "not slow")),
    "skipped": ("@pytest.mark.skip\n", ()),
    "expected to fail": ("@pytest.mark.xfail\n", ()),
    "not run at all": ("@pytest.mark.xfail(run=False)\n", ()),
    "another file": ("", ("test_shop.py",)),
    "another test": ("", ("test_shop.py::test_items",)),
    "ignored": ("", ("--ignore", "test_more.py")),
    "after the first failure": (
        "",
        ("-x", "test_stop.py", "test_more.py"),
    ),
    "skipped as a file": ("pytest.importorskip('nothing_of_that_name')\n\n\n", ()),
}


@pytest.mark.parametrize("way", LEFT_OUT)
def test_receipts_first_run_without_a_test_of_the_route_writes_none(shop: Path, way: str) -> None:
    """Whichever way it was left out: what it would have shown is that the route differs."""
    before, options = LEFT_OUT[way]
    text = FAILING.replace("def test", f"{before}def test")
    (shop / "test_more.py").write_text(text, encoding="utf-8")
    (shop / "pytest.ini").write_text("[pytest]\nmarkers = slow\n", encoding="utf-8")
    (shop / "test_stop.py").write_text(STOPPING if "-x" in options else "", encoding="utf-8")
    edit(shop, "test_shop.py", '    contract.get("/page")', '    contract.get("/items/1")')
    result = run_pytest(shop, FLAG, *options)
    assert receipts(shop) == {}, result.stdout
    assert f"{ITEM}: no receipt: " in result.stdout
    # One that ran and did not pass is counted, any other is named.
    assert (
        "1 exchange of tests that failed" if "xfail\n" in before else "test_more.py"
    ) in result.stdout


def test_receipts_tests_of_other_routes_may_be_left_out(shop: Path) -> None:
    """What a test asks for is read from it: `/page` says nothing of `/items`."""
    assert run_pytest(shop, FLAG, "-k", "items").returncode == 0
    assert set(receipts(shop)) == {ITEM}


def test_receipts_asked_for_and_none_written_is_red(shop: Path) -> None:
    """A pipeline that was to prove something has proven nothing."""
    skipped = "@pytest.mark.skip\ndef test_items("
    edit(shop, "test_shop.py", "def test_items(", f"import pytest\n\n\n{skipped}")
    result = run_pytest(shop, FLAG, "-k", "items")
    assert result.returncode == 1
    assert "--crossfade-receipts: no route is proven by this run" in result.stdout
    assert run_pytest(shop, "-k", "items").returncode == 0


def test_cutover_whose_tests_are_left_out_is_refused(shop: Path) -> None:
    """The map stays, and the receipt that would have been too easy is not there."""
    edit(shop, "migration_map.toml", '= "native"', '= "legacy"')
    (shop / "test_more.py").write_text(FAILING, encoding="utf-8")
    before = (shop / "migration_map.toml").read_bytes()
    plain = ("-p", "no:hypothesispytest", "-p", "no:anyio")
    result = crossfade(shop, "cutover", ITEM, "--", *plain, "-k", "not fail")
    assert result.returncode == 1
    assert "test_more.py::test_items_fail" in result.stderr
    assert (shop / "migration_map.toml").read_bytes() == before
    assert receipts(shop) == {}


def test_cutover_of_another_route_leaves_receipts_alone(proven: Path) -> None:
    """What a test by hand shows of it is less than what its receipt says, or nothing at all."""
    edit(proven, "test_shop.py", '    contract.get("/items/2")\n    contract.get("/items/3")\n', "")
    edit(proven, "shop/tax.py", "2 * number", "3 * number")
    (file,) = (proven / "contract-receipts").iterdir()
    before = file.read_bytes()
    crossfade(proven, "cutover", "GET /page", "--", "-p", "no:hypothesispytest", "-p", "no:anyio")
    assert file.read_bytes() == before
    assert verify(proven)[1][ITEM]["state"] == "stale"


def test_receipts_weaker_one_needs_the_option(proven: Path) -> None:
    """It is said how, and what would be lost."""
    edit(proven, "test_shop.py", '    contract.get("/items/2")\n', "")
    edit(proven, "shop/tax.py", "2 * number", "3 * number")
    result = run_pytest(proven, FLAG, "-k", "items")
    assert (
        f"{ITEM}: receipt left as it was: this run shows less than its receipt: 2 cases, not 3; "
        "1 answered 2xx or 3xx, not 2. --crossfade-weaker-receipts replaces it all the same"
    ) in result.stdout
    assert verify(proven)[0] == 1
    result = run_pytest(proven, FLAG, "-k", "items", "--crossfade-weaker-receipts")
    assert "receipt written: 1 route" in result.stdout
    assert verify(proven)[0] == 0


def test_receipts_workers_know_what_was_left_out(shop: Path) -> None:
    """pytest-xdist's main process collects no test itself."""
    pytest.importorskip("xdist")
    (shop / "test_more.py").write_text(FAILING, encoding="utf-8")
    result = run_pytest(shop, FLAG, "-n", "2", "-k", "items and not fail")
    assert "test_more.py::test_items_fail" in result.stdout, result.stdout
    assert receipts(shop) == {}


# --- what is read of a test -----------------------------------------------------------------------

TESTS = """
import pytest

def test_literal(contract):
    contract.get("/a/1?x=2")
    contract.request("PUT", "/a/2")

def test_sequence(contract):
    with contract.sequence():
        number = contract.post("/a").json()["id"]
        contract.delete(f"/a/{number}")

def test_handed_on(contract):
    check(contract)

@pytest.mark.parametrize("path", ["/a", "/b"])
def test_given(contract, path):
    contract.get(path)

@pytest.mark.parametrize("name", ["contract", "tmp_path"])
def test_by_value(request, name):
    request.getfixturevalue(name)

def test_by_word(request):
    request.getfixturevalue("contract").get("/a")

def test_prove(contract_routes):
    contract_routes.prove("/a/*", "GET /b")

def test_all(contract_routes):
    contract_routes.prove()

def test_nothing(tmp_path):
    pass

@pytest.fixture
def client(contract):
    return contract

def test_by_a_fixture(client):
    client.get("/a")

def check(contract): ...
"""

READ: dict[str, tuple[tuple[str, ...], tuple[str, ...]] | None] = {
    "test_literal": (("GET /a/1?x=2", "PUT /a/2"), ()),
    "test_sequence": (("POST /a", "DELETE /a/*"), ()),
    "test_handed_on": (("* *",), ()),
    "test_given[/a]": (("GET /a",), ()),
    "test_given[/b]": (("GET /b",), ()),
    "test_by_value[contract]": (("* *",), ()),
    "test_by_value[tmp_path]": None,
    "test_by_word": (("* *",), ()),
    "test_prove": ((), ("/a/*", "GET /b")),
    "test_all": ((), ("*",)),
    "test_nothing": None,
    "test_by_a_fixture": (("* *",), ()),
}


class _Items:
    items: list[Any]

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Keep what was collected."""
        self.items = list(items)


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Contract | None]:
    """Return what is read of each test."""
    folder = tmp_path_factory.mktemp("read")
    (folder / "test_them.py").write_text(TESTS, encoding="utf-8")
    plugin = _Items()
    options = ["-q", "--collect-only", "-p", "no:cacheprovider", f"--rootdir={folder}"]
    pytest.main([*options, "-c", "/dev/null", str(folder)], plugins=[plugin])
    return {item.name: contract_of(item) for item in plugin.items}


@pytest.mark.parametrize("name", READ)
def test_contract_of_a_test_is_read(read: dict[str, Contract | None], name: str) -> None:
    """Literals, what a test is given, and `*` for what can't be told."""
    found = read[name]
    expected = READ[name]
    seen = None if found is None else (set(found.requests), found.patterns)
    assert seen == (None if expected is None else (set(expected[0]), expected[1]))


@pytest.mark.parametrize(
    ("requests", "route", "concerns"),
    [
        (("GET /users/1",), "GET /users/<int:user_id>", True),
        (("GET /users/1",), "POST /users/<int:user_id>", False),
        (("HEAD /users/1",), "GET /users/<int:user_id>", True),
        (("GET /users/1/",), "GET /users/<int:user_id>", True),
        (("GET /users/ada",), "GET /users/<int:user_id>", False),
        (("GET /users/ada",), "GET /users/<name>", True),
        (("GET /users/1?a=/b",), "GET api.example.com/users/<int:n>", True),
        (("GET /files/a/b",), "GET /files/<path:name>", True),
        (("GET /*",), "GET /users/<int:user_id>", True),
        (("GET /teams/*",), "GET /users/<int:user_id>", False),
        (("* *",), "DELETE /anything", True),
        ((), "GET /users", False),
    ],
)
def test_contract_concerns_routes_that_it_may_ask(
    requests: tuple[str, ...], route: str, concerns: bool
) -> None:
    """What can't be told apart may be of the route."""
    assert Contract("test", requests).concerns(route) is concerns


def test_contract_of_all_routes_concerns_those_that_were_not_reported() -> None:
    """`prove()` that was stopped has said what it has said."""
    every = Contract("test", (), ("*",))
    assert every.concerns("GET /a")
    assert not every.concerns("GET /a", {"GET /a"})


def test_files_with_contracts_follow_fixtures() -> None:
    """A file that was not collected is read; its fixtures may stand in another."""
    around = ["import pytest\n@pytest.fixture\ndef api(contract): return contract\n"]
    files = {
        "test_a.py": "def test_a(contract): pass\n",
        "test_b.py": "def test_b(api): api.get('/')\n",
        "test_c.py": "def test_c(request): request.getfixturevalue('contract_routes')\n",
        "test_d.py": "def test_d(other): contract = 1\n",
        "test_e.py": "def test_e(contract:\n",
        "test_f.py": "def test_f(:\n",
    }
    found = [each.test for each in files_with_contracts(files, around)]
    assert found == ["test_a.py", "test_b.py", "test_c.py", "test_e.py"]


# --- what is weaker -------------------------------------------------------------------------------

STRONG = Proof(57, 57, 40, 1000, 1000, (), 50)


@pytest.mark.parametrize(
    ("proof", "less"),
    [
        (Proof(57, 57, 40, 900, 900, (), 50), []),
        (Proof(60, 60, 41, 1000, 1000, (), 50), []),
        (Proof(1, 1, 1, 30, 30, (), 0), ["1 case, not 57", "1 answered", "none of the cases"]),
        (Proof(60, 60, 60, 1000, 1000, (), 0), ["none of the cases that contract_routes.prove()"]),
        (Proof(57, 57, 40, 1000, 990, (), 50), ["strength 99.0%, not 100.0%"]),
    ],
)
def test_proof_is_weaker_where_it_shows_less(proof: Proof, less: list[str]) -> None:
    """Cases, answers, strength, and whether they are only those that somebody wrote."""
    found = proof.weaker_than(STRONG)
    assert len(found) == len(less)
    assert all(text.startswith(start) for text, start in zip(found, less, strict=True))


def exchange(case: str = "200 GET /a 1", **more: Any) -> dict[str, Any]:
    """Return what is noted of one exchange that agrees."""
    return {
        "route": "GET /a",
        "case": case,
        "native_status": int(case[:3]),
        "differences": [],
        "mutations": [["shape", 10, []]],
        **more,
    }


def account(*exchanges: dict[str, Any], folder: Path, **more: Any) -> dict[str, Any]:
    """Return what one test has seen."""
    grounds = {
        "folder": str(folder / "receipts"),
        "base": str(folder),
        "min_strength": 0.5,
        "bases": {"GET /a": {"code": {}, "packages": [], "rules": {}, "versions": {}, "entry": []}},
        "files": {"everywhere": [], "by_route": {}},
    }
    return {"exchanges": list(exchanges), "remark": "", "receipts": grounds, **more}


def written(folder: Path, *accounts: dict[str, Any]) -> tuple[str, Receipt | None]:
    """Return what is said of the route after these tests, and its receipt."""
    ledger = Ledger()
    for each in accounts:
        ledger.add(each)
    ledger.remarks()
    ((_, text, _),) = ledger.write()
    return text, Folder(folder / "receipts").read("GET /a")


def test_ledger_skipped_prove_does_not_veto_contracts_by_hand(tmp_path: Path) -> None:
    """What `prove()` could not show, a test has: the route is served, and alike."""
    refused = exchange("401 GET /a 2", made=True)
    proved = account(refused, folder=tmp_path, passed=True, route={"route": "GET /a"})
    text, receipt = written(tmp_path, account(exchange(), folder=tmp_path), proved)
    assert text == "receipt written"
    assert receipt is not None
    assert (receipt.proof.cases, receipt.proof.succeeded, receipt.proof.probes) == (2, 1, 1)


@pytest.mark.parametrize(("killed", "is_written"), [(0, False), (4, False), (5, True), (10, True)])
def test_ledger_strength_has_a_floor(tmp_path: Path, killed: int, is_written: bool) -> None:
    """Rules that let every broken answer live prove nothing."""
    survivors = [[f"mutant {n}", "GET /a: body"] for n in range(10 - killed)]
    weak = exchange(mutations=[["shape", 10, survivors]])
    text, receipt = written(tmp_path, account(weak, folder=tmp_path))
    assert (receipt is not None) is is_written
    if not is_written:
        assert f"{killed} of 10 broken answers noticed" in text
        assert "less than min_strength = 0.5 of the map's [contracts]" in text


@pytest.mark.parametrize(
    ("effects", "remark"), [([False, False], True), ([False, True], False), ([], False)]
)
def test_ledger_state_that_never_changes_is_a_remark(
    tmp_path: Path, effects: list[bool], remark: bool
) -> None:
    """A POST that succeeds and changes nothing: the state may be of another database."""
    posts = [exchange(f"201 POST /a {n}", took_effect=each) for n, each in enumerate(effects)]
    _, receipt = written(tmp_path, account(exchange(), *posts, folder=tmp_path))
    assert receipt is not None
    found = [text for text in receipt.proof.remarks if "changed contract_state" in text]
    assert bool(found) is remark


@pytest.mark.parametrize(
    ("logins", "remark"),
    [([{"ada": False}, {"ada": False}], True), ([{"ada": False}, {"ada": True}], False)],
)
def test_ledger_login_without_effect_is_a_remark(
    tmp_path: Path, logins: list[dict[str, bool]], remark: bool
) -> None:
    """A dead token: on no route is anybody answered otherwise than a stranger."""
    tests = [
        account(exchange(), folder=tmp_path, route={"route": "GET /a"}, logins=each)
        for each in logins
    ]
    _, receipt = written(tmp_path, *tests)
    assert receipt is not None
    assert ("the login 'ada' of contract_logins made no difference" in str(receipt)) is remark


def test_ledger_unreadable_receipt_is_replaced(tmp_path: Path) -> None:
    """A merge conflict shows nothing, so nothing is lost."""
    text, receipt = written(tmp_path, account(exchange(), folder=tmp_path))
    (file,) = (tmp_path / "receipts").iterdir()
    file.write_text("<<<<<<<\n", encoding="utf-8")
    assert written(tmp_path, account(exchange(), folder=tmp_path)) == (text, receipt)


def test_receipt_is_read_as_it_was_written() -> None:
    """Every field comes back; one of a wrong type is refused."""
    rules, found = {"hooks": "flask"}, {"f": "2"}
    basis = Basis({"flask": {"a:b": "1"}}, ("a",), rules, {"flask": "3"}, ("g",), found)
    receipt = Receipt("GET /a", STRONG, basis, ("200 GET /a 1",))
    text = receipt.to_toml()
    back = Receipt.from_toml(text)
    assert back.to_toml() == text
    assert (back.proof, back.basis.files) == (STRONG, {"f": "2"})
    for old, new in (("cases = 57", 'cases = "57"'), ('f = "2"', "f = 2")):
        with pytest.raises(ValueError, match=r"wrong type|something else than text"):
            Receipt.from_toml(text.replace(old, new))
