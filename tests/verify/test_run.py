"""A pytest run that writes receipts: which routes get one, which don't, which lose theirs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from crossfade.contract.receipts.store import Folder, Receipt
from tests.verify.kit import edit, run_pytest, verify

pytestmark = [pytest.mark.slow, pytest.mark.newest_versions]

ITEM = "GET /items/<int:number>"
FLAG = "--crossfade-receipts"


def receipts(folder: Path) -> dict[str, Receipt]:
    """Return the receipts of a project by route."""
    files = (folder / "contract-receipts").glob("*")
    found = [Receipt.from_toml(file.read_text(encoding="utf-8")) for file in files]
    return {receipt.route: receipt for receipt in found}


def test_nothing_is_written_unasked(shop: Path) -> None:
    """A test run leaves files alone, but for pytest's own cache."""
    before = {path for path in shop.rglob("*") if ".pytest_cache" not in path.parts}
    result = run_pytest(shop, "-k", "items")
    assert result.returncode == 0, result.stdout
    assert {path for path in shop.rglob("*") if ".pytest_cache" not in path.parts} == before
    assert "receipt" not in result.stdout


def test_what_passes_gets_one_and_the_rest_says_why_not(shop: Path) -> None:
    """Red routes, and those of which only errors were seen, are not proven."""
    edit(
        shop, "migration_map.toml", "[routes]", '[contracts]\nreceipts = "proofs/http"\n\n[routes]'
    )
    result = run_pytest(shop, FLAG)
    assert result.returncode == 1
    lines = result.stdout.splitlines()
    assert "receipt written: 1 route" in lines
    assert "GET /page: no receipt: 1 exchange of 1 differ" in lines
    errors = (
        "all of them errors (4xx, 5xx) or redirects to a login: what the route is for is not proven"
    )
    assert f"GET /teapot: no receipt: {errors}" in lines
    (file,) = (shop / "proofs" / "http").iterdir()
    receipt = Folder(file.parent).read(ITEM)
    assert receipt is not None
    assert (receipt.proof.cases, receipt.proof.native, receipt.proof.succeeded) == (3, 3, 2)
    assert receipt.proof.killed == receipt.proof.mutants > 30
    assert receipt.basis.packages == ("api", "gateway", "shop")
    assert [case.rpartition(" ")[0] for case in receipt.cases] == [
        "200 GET /items/1",
        "200 GET /items/2",
        "404 GET /items/3",
    ]


def test_the_same_proof_is_the_same_file(proven: Path) -> None:
    """A second run changes nothing, with workers or without."""
    pytest.importorskip("xdist")
    (file,) = (proven / "contract-receipts").iterdir()
    before = file.read_bytes(), file.stat().st_mtime_ns
    for arguments in ([], ["-n", "2"]):
        result = run_pytest(proven, FLAG, "-k", "items", *arguments)
        assert "receipt unchanged: 1 route" in result.stdout, result.stdout + result.stderr
        assert (file.read_bytes(), file.stat().st_mtime_ns) == before


def test_the_ini_option_is_the_switch_too(shop: Path) -> None:
    """For teams that always want them."""
    (shop / "pytest.ini").write_text("[pytest]\ncrossfade_receipts = true\n", encoding="utf-8")
    run_pytest(shop, "-k", "items")
    assert set(receipts(shop)) == {ITEM}


def test_a_red_contract_takes_the_receipt_back(proven: Path) -> None:
    """Whatever the code, a route whose contract fails is not proven."""
    edit(proven, "api/models.py", "price: int", "price: str")
    result = run_pytest(proven, FLAG, "-k", "items")
    assert f"{ITEM}: no receipt: 1 exchange of 1 differ; its receipt is withdrawn" in result.stdout
    assert receipts(proven) == {}
    assert verify(proven)[0] == 1


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ("assert contract.get('/items/2').json() == {}", "of tests that failed or were skipped"),
        ("contract.get('/items/2'); import pytest; pytest.skip('later')", "were skipped"),
    ],
)
def test_all_of_a_routes_cases_have_to_pass(shop: Path, broken: str, why: str) -> None:
    """One test of a route that does not pass is enough."""
    test = f"\n\ndef test_items_again(contract):\n    {broken}\n"
    path = shop / "test_shop.py"
    path.write_text(path.read_text(encoding="utf-8") + test, encoding="utf-8")
    result = run_pytest(shop, FLAG, "-k", "items")
    assert f"{ITEM}: no receipt: 1 exchange {why}" in result.stdout or why in result.stdout
    assert receipts(shop) == {}


def test_a_part_of_the_cases_does_not_replace_all(proven: Path) -> None:
    """A run of one test proves less than the receipt says: it stays, and is as stale as it was."""
    text = "def test_one_item(contract):\n    contract.get('/items/1')\n"
    (proven / "test_one.py").write_text(text, encoding="utf-8")
    edit(proven, "shop/tax.py", "2 * number", "3 * number")
    result = run_pytest(proven, FLAG, "-k", "one_item")
    assert "receipt left as it was: 1 contract test that may be of it did not run" in result.stdout
    assert verify(proven)[0] == 1
    assert "receipt written: 1 route" in run_pytest(proven, FLAG, "-k", "item").stdout
    assert verify(proven)[0] == 0


def test_a_test_that_never_began_counts(proven: Path) -> None:
    """What it would have shown of its route is not known."""
    edit(proven, "test_shop.py", "def test_items(contract)", "def test_items(contract, nothing)")
    text = "def test_more_items(contract):\n    contract.get('/items/1')\n"
    (proven / "test_more.py").write_text(text, encoding="utf-8")
    result = run_pytest(proven, FLAG, "-k", "items")
    assert "did not run or did not pass: test_shop.py::test_items" in result.stdout


def test_verdicts_for_scripts(shop: Path) -> None:
    """What the run showed of each route, as JSON."""
    run_pytest(shop, "--crossfade-verdicts=out.json")
    found = json.loads((shop / "out.json").read_text(encoding="utf-8"))
    assert set(found) == {ITEM, "GET /page", "GET /teapot"}
    assert (found[ITEM]["proven"], found[ITEM]["doubt"], found[ITEM]["cases"]) == (True, "", 3)
    assert found["GET /page"]["proven"] is False
    assert found["GET /page"]["differences"][0].startswith("GET /page: ")
    assert found["GET /teapot"]["doubt"].startswith("all of them errors")


def test_the_summary_says_how_strong_the_contracts_are(shop: Path) -> None:
    """In short, and per route with -v."""
    short = run_pytest(shop, "-k", "items").stdout
    assert "broken answers noticed (100%)" in short
    assert f"  {ITEM}: " not in short
    assert f"  {ITEM}: " in run_pytest(shop, "-k", "items", "-vv").stdout


def test_a_contract_that_cannot_fail_fails(shop: Path) -> None:
    """A comparison that looks away from headers is found out, whatever passes."""
    (shop / "conftest.py").write_text(
        """
import crossfade.contract.engine.comparison as judge

whole = judge.compare
judge.compare = lambda *pair: [d for d in whole(*pair) if d.kind.value != "header"]
""",
        encoding="utf-8",
    )
    result = run_pytest(shop, FLAG, "-k", "items")
    assert result.returncode == 1
    assert "this contract can't fail: GET /items/1" in result.stdout
    assert "    header.content-type dropped" in result.stdout
    assert " not noticed, and no rule says why: header." in result.stdout
    assert receipts(shop) == {}


def test_a_rule_that_lets_broken_answers_live_is_named(shop: Path) -> None:
    """In the summary and in the receipt, which is written all the same."""
    ignoring = '{ stage = "native", ignore = ["body.price"] } #'
    edit(shop, "migration_map.toml", '"native"    #', ignoring)
    edit(shop, "api/__init__.py", '"price": price(number)', '"price": price(number) + 1')
    test = "def test_items(contract_routes):\n    contract_routes.prove('GET /items*')\n"
    (shop / "test_shop.py").write_text(test, encoding="utf-8")
    result = run_pytest(shop, FLAG)
    assert result.returncode == 0, result.stdout
    hides = rf" not noticed because of {re.escape(ITEM)}: body\.price: .*body\.price changed"
    assert re.search(hides, result.stdout)
    proof = receipts(shop)[ITEM].proof
    assert f"body.price changed: {ITEM}: body.price" in proof.survivors
    assert 0.5 < proof.strength < 1
