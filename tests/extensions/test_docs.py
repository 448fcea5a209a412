"""The pages about extensions show code that runs: the example's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.test_docs import BLOCK, ROOT

PAGES = sorted(ROOT.glob("docs/extensions/*.md"))
FILES = [
    path
    for folder in ("legacy_flask", "new_fastapi", "tests/contract", "tests/extensions")
    for path in sorted((ROOT / folder).rglob("*.py"))
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_code_is_the_examples(page: Path) -> None:
    """Every Python block stands in the example, unless its first line says `# sketch`."""
    sources = [path.read_text(encoding="utf-8") for path in FILES]
    strange = [
        match[4]
        for match in BLOCK.finditer(page.read_text(encoding="utf-8"))
        if match[2] == "python"
        and not match[4].startswith("# sketch")
        and not any(match[4] in source for source in sources)
    ]
    assert strange == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_index_names_the_page(page: Path) -> None:
    """Who reads the index finds every page."""
    index = (ROOT / "docs/extensions/README.md").read_text(encoding="utf-8")
    assert page.name == "README.md" or f"]({page.name})" in index
