"""Where vendors' own payloads and descriptions lie: beside the checkout, or where ANALYTICS_TEST_CONTRACTS says.

They are other people's and not in this repository; a test that needs one skips where it is not there.
"""

from __future__ import annotations

import os
from pathlib import Path

CONTRACTS = Path(
    os.environ.get("ANALYTICS_TEST_CONTRACTS") or Path(__file__).resolve().parents[2] / "shared" / "contracts"
)
