"""What to collect, watch and publish: `params/*.yaml` as frozen models.

An unknown key, a bad cron, a value of the wrong type or a name used twice is refused with
file, key and what was expected. Nothing here reads the clock, the network or the database.
"""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from analytics.errors import InputError, ParamsError
from analytics.model import Aggregation, DataType, Severity, zone_of

_ANY_DAY = datetime(2026, 1, 1, tzinfo=UTC)
_NAME = r"^[a-z][a-z0-9_]*$"
M = TypeVar("M", bound=BaseModel)


def _cron(text: str) -> str:
    try:
        CronSim(text, _ANY_DAY)
    except CronSimError as exc:
        raise ValueError(f"{text!r} is not a cron line ({exc}); expected five fields, as in '*/5 * * * *'") from exc
    return text


def _holiday(text: str) -> str:
    """A country (`DE`), a part of one (`US-CA`), or a date."""
    if text[:1].isdigit():
        date.fromisoformat(text)
        return text
    from holidays import list_supported_countries

    country, _, part = text.partition("-")
    parts = list_supported_countries().get(country)
    if parts is None or (part and part not in parts):
        known = f"one of {', '.join(parts)}" if parts else "a code as in DE, US-CA or 2026-12-24"
        raise ValueError(f"{text!r} is no country or part of one that is known; expected {known}")
    return text


def _timezone(text: str) -> str:
    try:
        zone_of(text)
    except InputError as exc:
        raise ValueError(str(exc)) from exc
    return text


Cron = Annotated[str, AfterValidator(_cron)]
ClockTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="HH:MM")]
Holiday = Annotated[str, AfterValidator(_holiday)]
Timezone = Annotated[str, AfterValidator(_timezone)]
Names = Annotated[tuple[str, ...], BeforeValidator(lambda given: (given,) if isinstance(given, str) else given)]
Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$", description="#rrggbb")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Account(_Model):
    """One account on one platform, ours or a competitor's."""

    id: str = Field(min_length=1, description="what the platform calls it, for example owner/repository")
    name: str | None = None
    kind: Literal["own", "competitor"] = "own"
    credential: str | None = Field(None, pattern=r"^[A-Z][A-Z0-9_]*$", description="environment variable of its key")


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


# what each algorithm can be told; a test compares it with the algorithms themselves
PARAMETERS: dict[str, set[str]] = {
    "profile": {"lead_hours", "transform"},
    "seasonal_naive": {"season_days"},
    "ewma": {"alpha", "season_days"},
    "stl": {"alpha", "robust"},
    "mstl": {"alpha", "robust"},
    "prophet": {"seed", "samples"},
}


class BaselineParams(_Model):
    """How what is normal is learned; the defaults, or one series' own."""

    algorithm: Literal["ewma", "stl", "mstl", "prophet", "seasonal_naive", "profile"] = "profile"
    window_days: int = Field(30, ge=1, le=400)
    coverage: float = Field(0.95, gt=0.5, lt=1, description="share of normal points the band is meant to hold")
    holidays: tuple[Holiday, ...] = Field((), description="countries (DE), parts of them (US-CA), or dates")
    clock: Timezone | None = Field(None, description="zone the audience lives in; None: that of the report or alerts")
    parameters: dict[str, float | int | str | bool] = {}


class Masked(_Model):
    """A stretch of time a baseline must not learn from."""

    start: datetime
    end: datetime
    reason: str

    @model_validator(mode="after")
    def _aware_and_ordered(self) -> Masked:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("start and end need a time zone, as in 2026-03-01T00:00:00Z")
        if self.end <= self.start:
            raise ValueError("end must be after start")
        return self


class SeriesBaseline(BaselineParams):
    """A platform's metric that needs other settings than the defaults."""

    platform: str
    metric: str
    direction: Literal["both", "above", "below"] = "both"
    masked: tuple[Masked, ...] = ()


class Baselines(_Model):
    """`baselines.yaml`."""

    defaults: BaselineParams = BaselineParams()
    min_history_days: float = Field(7, ge=1, description="no point is judged on less history")
    alerts_per_week: float = Field(1.0, gt=0, description="acceptable alerts per series and week")
    series: tuple[SeriesBaseline, ...] = ()

    @model_validator(mode="after")
    def _series_once(self) -> Baselines:
        seen: set[tuple[str, str]] = set()
        for entry in self.series:
            if (entry.platform, entry.metric) in seen:
                raise ValueError(f"series {entry.platform} {entry.metric} is named twice")
            seen.add((entry.platform, entry.metric))
        return self

    @model_validator(mode="after")
    def _parameters_known(self) -> Baselines:
        for entry in (self.defaults, *self.series):
            algorithm = (entry if "algorithm" in entry.model_fields_set else self.defaults).algorithm
            given = (entry if "parameters" in entry.model_fields_set else self.defaults).parameters
            for name in sorted(given.keys() - PARAMETERS[algorithm]):
                whose = f"series {entry.platform} {entry.metric}" if isinstance(entry, SeriesBaseline) else "defaults"
                hint = _nearest(name, PARAMETERS[algorithm])
                raise ValueError(f"{whose}: {algorithm} has no parameter {name!r}; expected {hint}")
        return self


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

    channels: dict[Annotated[str, Field(pattern=_NAME)], str] = {}
    rules: dict[Annotated[str, Field(pattern=_NAME)], AlertRule] = {}
    quiet_hours: tuple[ClockTime, ClockTime] | None = Field(None, description="only critical alerts in between")
    silent_after_polls: float = Field(3.0, gt=1, description="polls in a row that may be missing before health is ill")
    timezone: Timezone = "UTC"

    @model_validator(mode="after")
    def _channels_exist(self) -> Alerts:
        for name, rule in self.rules.items():
            for channel in (*rule.channels, *rule.escalate_to):
                if channel not in self.channels:
                    raise ValueError(f"rule {name!r} names the channel {channel!r}, which is not defined")
        return self


class Operations(_Model):
    """`operations.yaml`: when the product looks after itself (cron, UTC): not when most platforms are asked."""

    detect: Cron = "2-59/5 * * * *"  # two minutes behind the five-minute collectors
    inbox: Cron = "3-59/5 * * * *"  # the web app counts at once; this finishes what it did not come to
    rollup: Cron = "4-59/15 * * * *"
    lifecycle: Cron = "31 2 * * *"
    levels: Cron = "11 4 * * 1"
    budget: Cron = "24 * * * *"
    health: Cron = "6-59/10 * * * *"


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
    sections: Names = Field((), description="which, in order; needs notebook: custom")
    schedule: Cron = "0 6 1 * *"
    settled_schedule: Cron | None = Field("0 6 5 * *", description="the same month again, once figures have settled")
    provisional_schedule: Cron | None = Field("0 6 * * 1", description="the current month so far")
    recipients: tuple[str, ...] = Field((), description="mail addresses, and channels of alerts.yaml")
    brand: Brand = Brand()


class Params(_Model):
    """Everything below `params/`."""

    platforms: dict[Annotated[str, Field(pattern=_NAME)], Platform] = {}
    baselines: Baselines = Baselines()
    alerts: Alerts = Alerts()
    operations: Operations = Operations()
    reports: dict[str, ReportParams] = {}


class _Loader(yaml.SafeLoader):
    """YAML without repeated keys: the second would silently win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: dict[object, int] = {}
        for key_node, _ in node.value:
            key, line = key_node.value, key_node.start_mark.line + 1
            if key in seen:
                raise ParamsError(f"line {line}: {key!r} is named twice (first on line {seen[key]})")
            seen[key] = line
        return super().construct_mapping(node, deep)


def load_params(folder: Path) -> Params:
    """Read and check every file below `folder`; absent files mean defaults.

    Raises:
        ParamsError: naming file, key and what was expected.
    """
    if not folder.is_dir():
        raise ParamsError(f"{folder}: no such folder; ANALYTICS_PARAMS_DIR names the folder of params/*.yaml")
    known = {"platforms.yaml", "baselines.yaml", "alerts.yaml", "operations.yaml"}
    for path in sorted(folder.glob("*.y*ml")):
        if path.name not in known:
            raise ParamsError(f"{path}: unknown file; expected {_nearest(path.name, known)}")
    return Params(
        platforms=_read(folder / "platforms.yaml", _PlatformsFile).platforms,
        baselines=_read(folder / "baselines.yaml", Baselines),
        alerts=_read(folder / "alerts.yaml", Alerts),
        operations=_read(folder / "operations.yaml", Operations),
        reports={path.stem: _read(path, ReportParams) for path in sorted((folder / "reports").glob("*.yaml"))},
    )


def load_platforms(folder: Path) -> Params:
    """Only `platforms.yaml`, for who asks platforms: a slip in a report's file must not end a collection."""
    return Params(platforms=_read(folder / "platforms.yaml", _PlatformsFile).platforms)


class _PlatformsFile(_Model):
    platforms: dict[Annotated[str, Field(pattern=_NAME)], Platform] = {}


def _read(path: Path, model: type[M]) -> M:
    try:
        # a SafeLoader subclass: it builds plain values only
        content = yaml.load(path.read_text("utf-8"), Loader=_Loader) if path.exists() else {}  # noqa: S506
    except (ParamsError, yaml.YAMLError, UnicodeDecodeError) as exc:
        raise ParamsError(f"{path}: {' '.join(str(exc).split())}") from exc
    if not isinstance(content or {}, dict):
        raise ParamsError(f"{path}: expected keys and values, found {type(content).__name__}")
    try:
        return model.model_validate(content or {})
    except ValidationError as exc:
        raise ParamsError(f"{path}: {'; '.join(explained(exc, model))}") from exc


def explained(exc: ValidationError, model: type[BaseModel]) -> Iterator[str]:
    """Each fault as `key: what was expected, found what`."""
    for fault in exc.errors():
        where = ".".join(str(part) for part in fault["loc"] if part != "[key]")
        if fault["type"] == "extra_forbidden":
            yield f"{where}: unknown key; expected {_nearest(str(fault['loc'][-1]), _fields_at(model, fault['loc']))}"
        else:
            found = "" if fault["type"] in {"missing", "value_error"} else f", found {fault['input']!r}"
            yield f"{where or 'file'}: {fault['msg'].removeprefix('Value error, ')}{found}"


def _fields_at(model: type[BaseModel], location: tuple[int | str, ...]) -> set[str]:
    """Names of the fields beside the last part of `location`, for the hint in an error."""
    fields: dict[str, Any] = dict(model.model_json_schema())
    definitions = fields.get("$defs", {})
    for part in location[:-1]:
        options = [fields, *fields.get("anyOf", [])]
        step: Any = next((o["properties"][part] for o in options if part in o.get("properties", {})), None)
        if step is None:
            step = next((o.get("additionalProperties") or o.get("items") for o in options if o), {}) or {}
        if "patternProperties" in fields and step == {}:
            step = next(iter(fields["patternProperties"].values()))
        fields = definitions.get(str(step.get("$ref", "")).rsplit("/", 1)[-1], step)
    return set(fields.get("properties", {}))


def _nearest(name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"{close[0]!r}?" if close else "one of " + ", ".join(sorted(known))
