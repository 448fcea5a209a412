"""The plugin in a pytest run of its own: fixtures, options, outcomes, the account."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugin import fake_gateway, test_client

pytestmark = pytest.mark.slow

pytest_plugins = ["pytester"]

# What is imported here need not be imported, and rewritten, by each of the runs inside this one.
PRELOADED = (fake_gateway, test_client)
QUIET = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")

GATEWAY = """
from tests.plugin.fake_gateway import Answer, FakeGateway

def ok(asked):
    return Answer(200, b"{}\\n")

def bad(asked):
    return Answer(400, b"{}\\n")

def other(asked):
    return Answer(200, b"[]\\n")

def broken(asked):
    raise LookupError("native is broken")

app = FakeGateway({
    "GET /ok": (ok, ok), "POST /ok": (ok, ok), "GET /bad": (bad, bad), "GET /other": (ok, other),
    "GET /broken": (ok, broken), "POST /login": (ok, None),
})
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with a gateway of its own."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]), prepend=os.pathsep)
    pytester.makepyfile(gateway=GATEWAY)
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    return pytester


def run(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run pytest in the project; in this process, because a start takes its time."""
    return project.runpytest_inprocess(*QUIET, *arguments)


def test_a_project_that_does_not_use_it_pays_nothing(pytester: pytest.Pytester) -> None:
    """Loading the plugin imports neither frameworks nor httpx, and says nothing."""
    pytester.makepyfile(
        """
        import sys

        def test_nothing_is_imported():
            heavy = {"fastapi", "starlette", "flask", "httpx", "sqlalchemy", "a2wsgi", "werkzeug",
                     "crossfade.contract"}
            assert "crossfade.pytest.plugin" in sys.modules
            assert not heavy & set(sys.modules)
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:anyio")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*contracts*")


def test_importing_the_plugin_imports_only_pytest() -> None:
    """The same from the side of the import system: what it adds to pytest is itself."""
    code = (
        "import pytest, sys; before = set(sys.modules); import crossfade.pytest.plugin; "
        "print(*sorted(set(sys.modules) - before))"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    added = ["crossfade", "crossfade.pytest", "crossfade.pytest.plugin"]
    assert output.decode().split() == added


def test_agreement_passes_and_is_accounted_for(project: pytest.Pytester) -> None:
    """One line per route, with the number of exchanges."""
    project.makepyfile(
        """
        def test_ok(contract):
            assert contract.get("/ok").json() == {}
            contract.post("/ok")

        def test_ok_again(contract):
            contract.get("/ok")
            contract.get("/missing")
        """
    )
    result = run(project)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "*= contracts =*",
            "GET /ok   2 exchanges",
            "POST /ok  1 exchange",
            "1 stay Flask's: by its URL map, or because the test says so",
            "nothing is reset between the two sides:*",
        ]
    )


def test_a_difference_fails_the_test_at_its_line(project: pytest.Pytester) -> None:
    """The line of the test is shown, and none of the library."""
    project.makepyfile(
        """
        def test_other(contract):
            contract.get("/ok")
            contract.get("/other")
        """
    )
    result = run(project)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            '>*contract.get("/other")',
            "E*Flask and FastAPI answer differently: GET /other",
            "E*Flask    200 application/json, 3 bytes*gateway.ok*",
            "E*FastAPI  200 application/json, 3 bytes*gateway.other*",
            "E*body: Flask {}, FastAPI []",
            "*= contracts =*",
            "GET /other  1 exchange, 1 differ*",
        ]
    )
    result.stdout.no_fnmatch_line("*client.py*")


def test_a_native_exception_is_shown_with_its_traceback(project: pytest.Pytester) -> None:
    """The failure holds what the developer needs."""
    project.makepyfile('def test_broken(contract):\n    contract.get("/broken")\n')
    result = run(project)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["E*status: Flask 200, FastAPI 500", "E*FastAPI raised:", "E*LookupError: native is broken"]
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("pass", "*sends no request: nothing was compared"),
        ('contract.get("/missing")', "nothing was proven: Flask answered both sides*"),
        ('contract.options("/ok")', "nothing was proven: Flask answered both sides*"),
        ('contract.post("/login")', "E*no native implementation answered: POST /login"),
    ],
)
def test_a_test_that_proves_nothing_fails(
    project: pytest.Pytester, body: str, message: str
) -> None:
    """Never green without cause."""
    project.makepyfile(f"def test_nothing(contract):\n    {body}\n")
    result = run(project)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([message])


def test_a_skipped_test_stays_skipped(project: pytest.Pytester) -> None:
    """Only a test that passed has to have proven something."""
    project.makepyfile('import pytest\ndef test_s(contract):\n    pytest.skip("later")\n')
    run(project).assert_outcomes(skipped=1)


def test_what_stays_flasks_can_be_held_by_a_test(project: pytest.Pytester) -> None:
    """A test may say that Flask has to answer; it then passes."""
    project.makepyfile('def test_404(contract):\n    contract.get("/no", answered_by="flask")\n')
    run(project).assert_outcomes(passed=1)


def test_routes_that_only_fail_are_named(project: pytest.Pytester) -> None:
    """A route whose cases are all 4xx is not proven."""
    project.makepyfile(
        """
        def test_bad(contract):
            contract.get("/bad")
            contract.post("/login", answered_by="flask")
        """
    )
    result = run(project)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "GET /bad *1 exchange, all of them errors (4xx, 5xx)*",
            "1 stay Flask's: *",
        ]
    )


def test_the_application_starts_once_and_stops(project: pytest.Pytester) -> None:
    """One lifespan for all tests, ended before the run ends."""
    project.makeconftest(
        """
        def pytest_unconfigure(config):
            import gateway
            print("events:", *gateway.app.events)
        """
    )
    project.makepyfile(
        """
        def test_one(contract):
            contract.get("/ok")

        def test_two(contract):
            contract.get("/ok")
        """
    )
    run(project).stdout.fnmatch_lines(["events: startup shutdown"])


def test_the_application_can_be_a_fixture(project: pytest.Pytester) -> None:
    """`contract_app` and `contract_state` of a conftest.py take the place of the defaults."""
    project.makeconftest(
        """
        import pytest
        from gateway import FakeGateway, ok

        class State:
            def capture(self):
                return {"n": 1}

            def restore(self, captured):
                pass

        @pytest.fixture
        def contract_app():
            return FakeGateway({"GET /mine": (ok, ok)})

        @pytest.fixture
        def contract_state():
            return State()
        """
    )
    project.makepyfile(
        """
        def test_mine(contract):
            contract.get("/mine")

        def test_mine_again(contract):
            contract.get("/mine")
        """
    )
    result = run(project)
    result.assert_outcomes(passed=2)
    result.stdout.no_fnmatch_line("*nothing is reset*")


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("nowhere:app", "crossfade_app = 'nowhere:app' can't be imported: there is no module*"),
        ("gateway:nothing", "crossfade_app = 'gateway:nothing'*: gateway has no 'nothing'."),
    ],
)
def test_a_wrong_application_is_named(project: pytest.Pytester, option: str, message: str) -> None:
    """The option, what is wrong with it, and what to do."""
    project.makepyfile('def test_ok(contract):\n    contract.get("/ok")\n')
    result = run(project, "-o", f"crossfade_app={option}")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([message])


def test_a_gateway_with_a_broken_import_shows_it(project: pytest.Pytester) -> None:
    """A module that is there but fails is not called missing."""
    project.makepyfile(gateway="import not_installed_anywhere\n")
    project.makepyfile('def test_ok(contract):\n    contract.get("/ok")\n')
    result = run(project)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["E*ModuleNotFoundError: No module named 'not_installed_anywhere'"])


def test_a_lifespan_that_fails_is_an_error_with_its_cause(project: pytest.Pytester) -> None:
    """The application's own traceback is shown."""
    project.makepyfile(
        gateway="""
        from contextlib import asynccontextmanager
        from fastapi import FastAPI

        @asynccontextmanager
        async def lifespan(app):
            raise OSError("no database")
            yield

        app = FastAPI(lifespan=lifespan)
        """
    )
    project.makepyfile('def test_ok(contract):\n    contract.get("/ok")\n')
    result = run(project)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["E*crossfade.ContractError:*", "E*OSError: no database"])


def test_a_wrong_state_is_named(project: pytest.Pytester) -> None:
    """Two methods are asked for."""
    project.makeconftest(
        "import pytest\n\n@pytest.fixture\ndef contract_state():\n    return 'database'\n"
    )
    project.makepyfile('def test_ok(contract):\n    contract.get("/ok")\n')
    result = run(project)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*contract_state gave 'database'; it has to give*"])


def test_without_httpx_the_extra_is_named(project: pytest.Pytester) -> None:
    """The plugin loads; only a test that asks for `contract` fails."""
    project.makeconftest("import sys\nsys.modules['httpx'] = None\n")
    project.makepyfile(
        """
        def test_other():
            pass

        def test_ok(contract):
            contract.get("/ok")
        """
    )
    result = run(project)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        ["*needs httpx (the extra `contract`): python3 -m pip install httpx"]
    )


def test_the_account_is_whole_with_xdist(project: pytest.Pytester) -> None:
    """Workers hand over what they saw."""
    pytest.importorskip("xdist")
    project.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("n", range(6))
        def test_ok(contract, n):
            contract.get("/ok")
        """
    )
    result = project.runpytest_subprocess(*QUIET, "-n", "2")
    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines(["GET /ok  6 exchanges"])


def test_an_async_test_can_use_it(project: pytest.Pytester) -> None:
    """The application has a loop of its own, so a running loop is no obstacle."""
    project.makepyfile(
        """
        import pytest

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        @pytest.mark.anyio
        async def test_ok(contract):
            contract.get("/ok")
        """
    )
    run(project).assert_outcomes(passed=1)


def test_many_routes_are_counted_not_listed(project: pytest.Pytester) -> None:
    """Thirty lines and no more, unless a route is worth a warning or -v asks for all."""
    project.makepyfile(
        gateway=GATEWAY
        + """
app.routes |= {f"GET /{n}": (ok, ok) for n in range(40)}
"""
    )
    project.makepyfile(
        """
        def test_all(contract):
            for n in range(40):
                contract.get(f"/{n}")
            contract.get("/bad")
        """
    )
    result = run(project)
    result.stdout.fnmatch_lines(["GET /bad *all of them errors*", "and 40 routes more*"])
    run(project, "-v").stdout.fnmatch_lines(["GET /39 *1 exchange"])
