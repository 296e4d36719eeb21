"""`alerts.yaml`: what is worth telling whom."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, model_validator

from analytics.model import Severity
from analytics.params.fields import _NAME, ClockTime, Timezone, Variable, _Model


class Threshold(_Model):
    """What a rule with `condition: threshold` compares readings with."""

    above: float | None = Field(None, strict=True, allow_inf_nan=False)
    below: float | None = Field(None, strict=True, allow_inf_nan=False)
    for_minutes: float = Field(60.0, strict=True, gt=0, le=7 * 1440, description="every reading of this long is beyond")


class AlertRule(_Model):
    """One entry of `alerts.yaml`: what is worth telling whom."""

    condition: Literal["threshold", "anomaly", "trend"]
    platform: str | None = None
    metric: str | None = None
    config: Threshold = Threshold()
    severity: Severity = "medium"
    channels: tuple[str, ...] = Field(min_length=1)
    escalate_after_minutes: int | None = Field(None, ge=1, description="unacknowledged this long: tell others")
    escalate_to: tuple[str, ...] = ()
    is_active: bool = True

    @model_validator(mode="after")
    def _config_fits(self) -> AlertRule:
        if self.condition != "threshold" and self.config != Threshold():
            raise ValueError(f"config is for the condition threshold; {self.condition} takes none")
        if self.condition == "threshold" and self.config.above is None and self.config.below is None:
            raise ValueError("config: a threshold needs above or below, a number")
        return self


class Alerts(_Model):
    """`alerts.yaml`: channels by name (an environment variable holds each address) and rules by name."""

    channels: dict[Annotated[str, Field(pattern=_NAME)], Variable] = Field({})
    rules: dict[Annotated[str, Field(pattern=_NAME)], AlertRule] = Field({})
    quiet_hours: tuple[ClockTime, ClockTime] | None = Field(None, description="only critical alerts in between")
    silent_after_polls: float = Field(3.0, gt=1, description="polls in a row that may be missing before health is ill")
    timezone: Timezone = "UTC"

    @model_validator(mode="after")
    def _channels_exist(self) -> Alerts:
        for name, rule in self.rules.items():
            for channel in (*rule.channels, *rule.escalate_to):
                if channel not in self.channels:
                    shown = f"{channel!r}" if re.fullmatch(_NAME, channel) else "(not shown, as it may be an address)"
                    raise ValueError(f"rule {name!r} names the channel {shown}, which is not defined")
        return self
