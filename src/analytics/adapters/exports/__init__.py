"""Files that platforms' dashboards let people download, for figures no API gives."""

from analytics.adapters.exports.formats import definitions
from analytics.adapters.exports.reading import Export, Reading, read_export

__all__ = ["Export", "Reading", "definitions", "read_export"]
