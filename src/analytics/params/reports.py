"""`reports/*.yaml`: a report's defaults and its brand."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from analytics.params.fields import _NAME, Colour, Cron, Names, Timezone, _Model


class Brand(_Model):
    """How a report presents its publisher."""

    name: str = "Analytics"
    logo: str | None = Field(
        None, pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*\.(svg|png)$", description="below params/"
    )
    accent: Colour = "#1c5fb0"
    language: Literal["en", "de", "fr", "es"] = "en"


class ReportParams(_Model):
    """One file below `params/reports/`: a report's defaults; each may be given anew for a rerun."""

    title: str = "Platform traffic report"
    notebook: str = Field("traffic", pattern=_NAME)
    platforms: Names = ()
    metrics: Names = ()
    accounts: Names = ()
    timezone: Timezone = "UTC"
    algorithm: Literal["ewma", "stl", "mstl", "prophet", "seasonal_naive", "profile"] = "profile"
    window_days: int = Field(30, ge=1, le=400)
    sources: bool = Field(False, description="queries and commands of the figures also at the PDF's end")
    sections: Names = Field((), description="which, in order; needs notebook: custom")
    schedule: Cron = "0 6 1 * *"
    settled_schedule: Cron | None = Field("0 6 5 * *", description="the same month again, once figures have settled")
    provisional_schedule: Cron | None = Field("0 6 * * 1", description="the current month so far")
    recipients: tuple[str, ...] = Field((), description="mail addresses, and channels of alerts.yaml")
    brand: Brand = Brand()
