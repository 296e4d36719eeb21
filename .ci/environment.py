"""Print `environment.yml` for conda users from the lock: the same names and versions."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEAD = """\
# Made from requirements.lock by `make lock`; the same names and versions as pip users get.
#   conda env create -f environment.yml && conda activate analytics && analytics demo
name: analytics
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python=3.12
  - pip
  - git
  - make
  - pip:
"""


def pinned(lock: str) -> list[str]:
    """The lock's requirements without hashes: `name==version ; marker`."""
    return [line.rstrip(" \\") for line in lock.splitlines() if re.match(r"[A-Za-z0-9]", line)]


if __name__ == "__main__":
    print(HEAD, end="")
    for requirement in pinned((ROOT / "requirements.lock").read_text("utf-8")):
        print(f'      - "{requirement}"')
    print("      - --editable=.")
