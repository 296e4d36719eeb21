"""`platforms.yaml` and `operations.yaml`: what to collect, and when the product looks after itself."""

from __future__ import annotations

import unicodedata
from datetime import date
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from analytics.model import Aggregation, DataType
from analytics.params.fields import Cron, Variable, _Model

LONGEST_ID = 255


class Account(_Model):
    """One account on one platform, ours or a competitor's."""

    id: str = Field(min_length=1, description="what the platform calls it, for example owner/repository")
    name: str | None = None
    kind: Literal["own", "competitor"] = "own"
    credential: Variable | None = Field(None, description="environment variable of its key")

    @field_validator("id", "name", mode="before")
    @classmethod
    def _in_sight(cls, text: Any) -> Any:
        """A control or half character is written out, so that it is seen and stored and stops no other account."""
        return "".join(map(_written_out, text)) if isinstance(text, str) else text

    @property
    def problem(self) -> str:
        """Why no platform can have an account of this id; '' for nothing."""
        if "\\" in self.id:
            return f"the account id {self.id!r} contains a control character or a backslash"
        if len(self.id) > LONGEST_ID:
            return f"the account id {self.id[:40]!r}… has {len(self.id)} characters; expected at most {LONGEST_ID}"
        if "://" not in self.id and {".", ".."} & set(self.id.split("/")):
            return f"the account id {self.id!r} is a path; expected a name"
        return ""


def _written_out(char: str) -> str:
    r"""The character, or its code where it is no letter, sign or mark of a script.

    >>> _written_out("\x00"), _written_out("é")
    ('\\x00', 'é')
    """
    return char.encode("unicode_escape").decode() if unicodedata.category(char) in {"Cc", "Cs"} else char


class Budget(_Model):
    """What a platform may cost; None: no limit of ours."""

    units_per_day: int | None = Field(None, ge=0)
    usd_per_month: float | None = Field(None, ge=0)


class Policy(_Model):
    """How long each tier may keep this platform's data; None: as the defaults say."""

    raw_days: int | None = Field(None, ge=1)
    hourly_days: int | None = Field(None, ge=1)
    keep_cold: bool = True
    archive_raw: bool = Field(True, description="raw readings go to Parquet when they leave the database")
    amendment_accepted: bool = Field(False, description="the vendor accepted keeping derived metrics longer")


class Definition(_Model):
    """The meaning of a metric that no adapter defines, or defines differently here."""

    metric: str
    display_name: str
    unit: str
    data_type: DataType = "gauge"
    aggregation: Aggregation = "last"
    description: str = ""
    valid_from: date | None = None


class Platform(_Model):
    """One entry of `platforms.yaml`."""

    adapter: str = Field(min_length=1, description="built-in name, entry point or dotted module path")
    display_name: str
    category: Literal["social", "content", "professional", "podcast", "other"] = "other"
    schedule: Cron = "*/15 * * * *"
    accounts: tuple[Account, ...] = ()
    metrics: tuple[str, ...] = ()
    definitions: tuple[Definition, ...] = ()
    base_url: str | None = None
    is_active: bool = True
    calls_per_second: float | None = Field(None, gt=0, le=1000, description="for all workers together; unset: no limit")
    burst: int = Field(5, ge=1, description="calls that may come at once where calls_per_second is set")
    priority: int = Field(1, ge=1)
    budget: Budget = Budget()
    policy: Policy = Policy()

    @model_validator(mode="after")
    def _accounts_once(self) -> Platform:
        for what, names in (("account", [a.id for a in self.accounts]), ("metric", list(self.metrics))):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{what} {twice[0]!r} is named twice")
        return self


class Operations(_Model):
    """`operations.yaml`: when the product looks after itself (cron, UTC): not when most platforms are asked."""

    detect: Cron = "2-59/4 * * * *"  # two minutes behind the four-minute collectors
    inbox: Cron = "3-59/5 * * * *"  # the web app counts at once; this finishes what it did not come to
    rollup: Cron = "4-59/15 * * * *"
    lifecycle: Cron = "31 2 * * *"
    levels: Cron = "11 4 * * 1"
    budget: Cron = "24 * * * *"
    health: Cron = "6-59/10 * * * *"
