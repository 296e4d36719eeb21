"""Settings of one installation: environment variables `ANALYTICS_*` and the file `.env`."""

from __future__ import annotations

import difflib
import os
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from analytics.errors import SettingsError

CHECKOUT = Path(__file__).resolve().parents[2]


def project_root() -> Path:
    """The checkout this package runs from, or the working folder for an installed wheel."""
    return CHECKOUT if (CHECKOUT / "params").is_dir() else Path.cwd()


def demo_params() -> Path:
    """The demo's folder of params; who uses it is the demo."""
    return project_root() / "data" / "sample" / "demo"


def private_folder(path: Path) -> Path:
    """Make a folder whose content only this account reads; one left open to everybody is closed."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = path.stat().st_mode
    if mode & 0o007:  # what a group shares on purpose stays shared
        with suppress(PermissionError):  # another account's: its own to say
            path.chmod(mode & 0o770)
    return path


def private_file(path: str, flags: int) -> int:
    """An `opener` of `open`: a file that is new is this account's alone."""
    return os.open(path, flags, 0o600)


class Settings(BaseSettings):
    """Everything that differs between two installations; no default needs a key or a network."""

    model_config = SettingsConfigDict(env_prefix="ANALYTICS_", env_file=".env", extra="ignore", frozen=True)

    home: Path = Field(default_factory=lambda: project_root() / "data", description="all state lives below it")
    params_dir: Path = Field(default_factory=lambda: project_root() / "params", description="folder of params/*.yaml")
    output_dir: Path = Field(default_factory=lambda: project_root() / "output", description="reports and site")
    database_url: SecretStr | None = Field(None, description="PostgreSQL 16+ or TimescaleDB; unset: embedded server")
    database_pool_size: int = Field(5, ge=1, le=100)
    statement_timeout_s: float = Field(300.0, gt=0)
    secret_key: SecretStr | None = Field(None, description="32 bytes, base64: encrypts credentials in the store")
    platforms_url: str | None = Field(
        None, pattern="^https?://", description="every platform answers below it by its name, as the simulator's do"
    )
    public_url: str | None = Field(None, pattern="^https?://", description="where readers reach the web app, for links")
    allowed_hosts: str = Field(
        "", description="names the web app answers to beside localhost, addresses and public_url's; commas, *.name, *"
    )
    smtp_url: SecretStr | None = Field(
        None, description="mail server for reports: smtp://user:password@host (STARTTLS), smtps://, smtp+plain://"
    )
    mail_from: str | None = Field(None, pattern=r"^[^\r\n]+@[^\r\n]+$", description="sender of the reports")
    archive_url: str | None = Field(None, description="cold tier, as in s3://bucket/prefix; unset: a folder below home")
    log_level: str = Field("WARNING", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
    jobs: int = Field(0, ge=0, description="processes for per-series work; 0: one a core")
    engine: str = Field("loky", pattern="^(loky|dask|ray|spark)$", description="joblib backend")
    reuse: bool = Field(True, description="keep what a report has computed below home, for the next over the same data")
    engine_address: str | None = Field(None, description="the cluster's scheduler; unset: workers on this machine")

    @cached_property
    def server_dir(self) -> Path:
        """Data directory of the embedded PostgreSQL."""
        return self.home.resolve() / "postgres"

    @cached_property
    def landing_dir(self) -> Path:
        """Raw responses as they came."""
        return self.home.resolve() / "landing"

    @cached_property
    def kept_dir(self) -> Path:
        """What reports have computed, for the next run; may be removed at any time."""
        return self.home.resolve() / "cache"

    @cached_property
    def archive_dir(self) -> Path:
        """Cold tier when no object store is named."""
        return self.home.resolve() / "archive"


PREFIX = "ANALYTICS_"
TEST_ONLY = frozenset({"ANALYTICS_TEST_CONTRACTS", "ANALYTICS_TEST_DATABASE_URL"})


def load_settings() -> Settings:
    """Read the environment and `.env`; raise `SettingsError` naming the variable and what was expected."""
    known = {PREFIX + name.upper() for name in Settings.model_fields} | TEST_ONLY
    for name in sorted({*os.environ, *dotenv_values(".env")}):
        if name.startswith(PREFIX) and name not in known:
            nearest = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {nearest[0]}?" if nearest else ""
            raise SettingsError(f"{name}: unknown setting{hint}")
    try:
        return Settings()
    except ValidationError as exc:
        first = exc.errors()[0]
        raise SettingsError(f"{PREFIX}{'_'.join(str(part) for part in first['loc']).upper()}: {first['msg']}") from exc


def environment_of(settings: Settings) -> dict[str, str]:
    """The variables that make another process, in whatever folder, find this very installation."""
    found: dict[str, str] = {}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            found[PREFIX + name.upper()] = value.get_secret_value()
        elif value is not None:
            found[PREFIX + name.upper()] = str(value.resolve() if isinstance(value, Path) else value)
    return found


def credential(name: str) -> SecretStr | None:
    """A platform's key by the name of its environment variable, from the environment or `.env`; None if unset.

    White space around it is not part of it: a key read from a file comes with the file's last newline.
    """
    value = (os.environ.get(name) or dotenv_values(".env").get(name) or "").strip()
    return SecretStr(value) if value else None
