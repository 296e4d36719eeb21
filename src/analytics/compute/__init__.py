"""Per-series work on one machine or a cluster, and a cache of results of pure functions on disk."""
