"""From stored readings to what was expected and what stood out, series by series."""
