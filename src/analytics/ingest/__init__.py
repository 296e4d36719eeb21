"""What comes in: checking readings, reading import files, landing raw answers. No database."""

from analytics.ingest.check import Checked, check, observations_to_frame
from analytics.ingest.files import ImportSpec, read_frames

__all__ = ["Checked", "ImportSpec", "check", "observations_to_frame", "read_frames"]
