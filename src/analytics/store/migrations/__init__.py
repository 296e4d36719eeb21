"""Schema versions, oldest first; each file says what it adds and runs on PostgreSQL and TimescaleDB."""
