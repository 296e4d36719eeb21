"""The figures of a period: folding readings into totals, judging them, comparing, evidence and provenance."""
