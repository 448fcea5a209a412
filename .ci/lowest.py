"""Print the project's lower bounds as pip constraints: `fastapi>=0.144.0` gives `fastapi==0.144.0`.

python .ci/lowest.py pyproject.toml > lowest.txt
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

# Every quoted requirement with a lower bound, in dependencies and in extras alike.
_REQUIREMENT = re.compile(r'"([A-Za-z0-9_.-]+)(?:\[[^]]*\])?>=([0-9.]+)')


def constraints(pyproject: str) -> list[str]:
    """Return one `name==version` for each lower bound."""
    project = pyproject[pyproject.index("[project]") : pyproject.index("[tool.")]
    return sorted({f"{name}=={version}" for name, version in _REQUIREMENT.findall(project)})


if __name__ == "__main__":
    sys.stdout.write("\n".join(constraints(Path(sys.argv[1]).read_text(encoding="utf-8"))) + "\n")
