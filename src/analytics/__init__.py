"""Traffic, social and podcast analytics: collect, learn what is normal, say what is not, publish.

Rooms and the one direction of imports are described in `docs/architecture.md`.
"""

__version__ = "0.1.0"
