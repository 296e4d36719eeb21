"""The verbs: what the command line, the flows and the notebooks ask for, each one call."""
