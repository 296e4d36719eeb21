"""The platforms that come with the package, one module each; those whose names end in `_answers` read answers."""
