"""Words and figures in the reader's language: catalogues, formats of numbers and dates, parts of sentences."""
