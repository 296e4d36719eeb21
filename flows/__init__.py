"""Everything on schedule: thin Prefect flows over `analytics.jobs`, their deployments made from params.

`python -m flows.up` (or `analytics up`) runs all of it on one machine. Flows hold names, retries and order; what
happens to data is decided in `src/analytics`, which never imports Prefect.
"""
