"""One module a platform: `fetch_*` does the I/O with the client it is given, `parse_*` is pure.

`base` holds the contract every adapter keeps, `http` the client with its one mapping of
errors, `registry` finds an adapter by name, entry point or dotted path.
"""
