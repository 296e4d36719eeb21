"""Jobs that make, close, verify, publish and send reports."""
