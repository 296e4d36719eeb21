"""What to collect, watch and publish: `params/*.yaml` as frozen models.

An unknown key, a bad cron, a value of the wrong type or a name used twice is refused with
file, key and what was expected. Nothing here reads the clock, the network or the database.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, Field, ValidationError

from analytics.errors import ParamsError
from analytics.params.alerts import Alerts
from analytics.params.baselines import Baselines
from analytics.params.fields import _NAME, _Model, _nearest
from analytics.params.platforms import Operations, Platform
from analytics.params.reports import ReportParams

SECRET_PLACES = frozenset({"credential", "channels"})  # whatever stands below them

M = TypeVar("M", bound=BaseModel)


class Params(_Model):
    """Everything below `params/`."""

    platforms: dict[Annotated[str, Field(pattern=_NAME)], Platform] = Field({})
    baselines: Baselines = Baselines()
    alerts: Alerts = Alerts()
    operations: Operations = Operations()
    reports: dict[str, ReportParams] = Field({})


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
    platforms: dict[Annotated[str, Field(pattern=_NAME)], Platform] = Field({})


def _read(path: Path, model: type[M]) -> M:
    try:
        # a SafeLoader subclass: it builds plain values only
        content = yaml.load(path.read_text("utf-8"), Loader=_Loader) if path.exists() else {}  # noqa: S506
    except yaml.MarkedYAMLError as exc:  # its own words quote the line, which may hold a key
        line = f"line {exc.problem_mark.line + 1}: " if exc.problem_mark else ""
        raise ParamsError(f"{path}: {line}{' '.join((exc.problem or 'is no YAML').split())}") from None
    except yaml.YAMLError as exc:
        raise ParamsError(f"{path}: is no YAML: {type(exc).__name__}") from None
    except (ParamsError, UnicodeDecodeError) as exc:
        raise ParamsError(f"{path}: {' '.join(str(exc).split())}") from exc
    if not isinstance(content or {}, dict):
        raise ParamsError(f"{path}: expected keys and values, found {type(content).__name__}")
    try:
        return model.model_validate(content or {})
    except ValidationError as exc:
        # pydantic's own words repeat the value, and a log of a run writes the whole chain
        raise ParamsError(f"{path}: {'; '.join(explained(exc, model))}") from None


def explained(exc: ValidationError, model: type[BaseModel]) -> Iterator[str]:
    """Each fault as `key: what was expected, found what`."""
    for fault in exc.errors():
        where = ".".join(_part(fault["loc"], place) for place, part in enumerate(fault["loc"]) if part != "[key]")
        if fault["type"] == "extra_forbidden":
            yield f"{where}: unknown key; expected {_nearest(str(fault['loc'][-1]), _fields_at(model, fault['loc']))}"
        else:
            found = (
                "" if fault["type"] in {"missing", "value_error"} else f", found {_shown(fault['loc'], fault['input'])}"
            )
            yield f"{where or 'file'}: {fault['msg'].removeprefix('Value error, ')}{found}"


def _part(location: tuple[int | str, ...], place: int) -> str:
    """A step to the fault; a name below those places only if it can be one of ours."""
    part = str(location[place])
    hides = bool(SECRET_PLACES & set(location[:place]))
    return "…" if hides and isinstance(location[place], str) and not re.fullmatch(_NAME, part) else part


def _shown(location: tuple[int | str, ...], given: object) -> str:
    """What stands there: a plain value as it is, of others the kind, and nothing where a key may have been pasted."""
    if SECRET_PLACES & set(location):
        return "a value that is not shown, as it may be a key"
    return type(given).__name__ if isinstance(given, dict | list | tuple) else f"{given!r:.100}"


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
