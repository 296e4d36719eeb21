"""The embedded PostgreSQL server: install, start, stop, supervise, back up."""
