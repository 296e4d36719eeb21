"""The command line: `analytics …`. Each subject is one module; the work is done in `analytics.jobs`."""

from analytics.cli.app import main

__all__ = ["main"]
