"""What is reached with a browser or by machines: published reports, health, metrics."""
