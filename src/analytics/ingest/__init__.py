"""What comes in: checking readings, reading import files, landing raw answers. No database."""

from analytics.ingest.check import Checked, check, observations_to_frame
from analytics.ingest.files import read_frames
from analytics.ingest.spec import ImportSpec

__all__ = ["Checked", "ImportSpec", "check", "observations_to_frame", "read_frames"]
