"""Root, other users and folders that the server's account cannot pass through."""

from __future__ import annotations

import os
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from analytics.errors import ServerError
from analytics.store.server import install as server_install
from analytics.store.server.account import DEDICATED_UIDS, Account, can_reach, server_account
from analytics.store.server.config import fits_socket, socket_dir
from analytics.store.server.install import program
from analytics.store.server.supervisor import EmbeddedServer
from tests.store.server_forks import fork

NOBODY = 65534
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture
def open_dir() -> Iterator[Path]:
    """A folder every account can pass through, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="analytics-test-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def select_1(folder: Path, uid: int) -> subprocess.CompletedProcess[str]:
    command = [str(program("psql")), "-h", str(folder), "-U", "postgres", "-d", "analytics", "-Atc", "SELECT 'in'"]
    return subprocess.run(
        command, user=uid, group=uid, extra_groups=[], cwd="/", env={}, capture_output=True, text=True, check=False
    )


@only_root
def test_for_root_the_server_is_an_account_without_a_name_that_alone_reaches_the_socket(open_dir: Path) -> None:
    """Access by socket is trusted, so the folder must keep every other user out."""
    server = EmbeddedServer(open_dir / "home" / "postgres")
    before = stat.S_IMODE(open_dir.stat().st_mode)

    server.start()
    folder = server.status().socket_dir
    inside, outside = select_1(folder, server.account.uid), select_1(folder, NOBODY)
    process_owner = Path(f"/proc/{server.status().pid}").stat().st_uid
    server.stop()

    assert inside.stdout == "in\n"
    assert (outside.stdout, "Permission denied" in outside.stderr) == ("", True)
    assert process_owner == server.account.uid == DEDICATED_UIDS[0]
    assert {path.stat().st_uid for path in server.data_dir.rglob("*")} == {server.account.uid}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert (stat.S_IMODE(open_dir.stat().st_mode), open_dir.stat().st_uid) == (before, 0)


@only_root
def test_an_ordinary_user_starts_a_server_that_root_then_finds_and_keeps_theirs(open_dir: Path) -> None:
    """`sudo analytics …` once must not lock the user out of their own data."""
    home = open_dir / "home"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    data_dir = home / "data" / "postgres"

    started = fork(lambda: str(EmbeddedServer(data_dir).start()), uid=NOBODY).result()
    found = EmbeddedServer(data_dir)
    assert (f"{found.url()}\n", found.account.uid) == (started, NOBODY)
    assert found.stop() is True
    assert f"{found.start()}\n" == started
    stopped = fork(lambda: str(EmbeddedServer(data_dir).stop()), uid=NOBODY).result()

    assert stopped == "True\n"
    assert {path.stat().st_uid for path in home.rglob("*")} == {NOBODY}
    assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700


@only_root
def test_a_user_is_told_that_the_folder_is_roots(open_dir: Path) -> None:
    """The reverse: one line that says what to do, no traceback."""
    server = EmbeddedServer(open_dir / "postgres")
    server.start()

    told = fork(lambda: str(EmbeddedServer(server.data_dir).start()), uid=NOBODY).result()
    server.stop()

    assert "ServerError" in told
    assert "belongs to another account" in told
    assert "ANALYTICS_HOME" in told


@only_root
def test_below_a_private_folder_of_root_the_files_go_elsewhere_and_no_mode_is_changed(
    open_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clone in /root: the server cannot pass, and opening /root would be worse."""
    monkeypatch.setattr(server_install, "REACHABLE", open_dir / "var")
    private = open_dir / "root"
    private.mkdir(mode=0o700)
    server = EmbeddedServer(private / "data" / "postgres")

    url = server.start()
    again = EmbeddedServer(server.data_dir)
    assert again.start() == url
    where = again.status().cluster
    server.stop()

    assert where.parent.parent == open_dir / "var"
    assert (server.data_dir / "cluster").readlink() == where
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert not can_reach(server.account, private / "data")


@only_root
def test_programs_that_the_account_cannot_run_are_copied_whole(open_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment in /root, installed under umask 077."""
    monkeypatch.setattr(server_install, "REACHABLE", open_dir / "var")
    wheel = program("postgres").parents[2]
    target = open_dir / "var" / "copy" / wheel.name

    server_install._copy_programs(wheel, target)
    postgres = target / program("postgres").relative_to(wheel)
    done = Account(NOBODY, NOBODY).run([str(postgres), "--version"], cwd=Path("/"), env={})

    assert done.stdout.startswith("postgres (PostgreSQL) 18.")
    assert [path.name for path in (open_dir / "var").iterdir()] == ["copy"]


def test_an_ordinary_users_server_is_theirs(tmp_path: Path) -> None:
    """Nothing to decide without root; root goes by the folder."""
    account = server_account(tmp_path / "not" / "yet")

    assert account.is_self == (os.geteuid() != 0)


def test_a_lost_link_target_is_said_not_replaced_by_an_empty_database(tmp_path: Path) -> None:
    """The files were moved or their disk is not mounted: a fresh cluster would hide that."""
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "cluster").symlink_to(tmp_path / "gone")

    with pytest.raises(ServerError, match=r"gone, which is gone: restore it or remove the link"):
        EmbeddedServer(tmp_path / "postgres").start()


def test_a_squatted_socket_folder_is_left_alone(tmp_path: Path) -> None:
    """The name in /tmp can be guessed, so another user may be there first, with a folder or a link."""
    account = server_account(tmp_path)
    cluster = tmp_path / ("x" * 100)
    cluster.mkdir()
    wanted = socket_dir(cluster, account)
    assert wanted == socket_dir(cluster, account)

    wanted.chmod(0o777)
    instead_of_open = socket_dir(cluster, account)
    wanted.rmdir()
    wanted.symlink_to(tmp_path)
    instead_of_link = socket_dir(cluster, account)
    wanted.unlink()

    for folder in (instead_of_open, instead_of_link):
        assert folder != wanted
        assert fits_socket(folder)
        assert (stat.S_IMODE(folder.lstat().st_mode), folder.stat().st_uid) == (0o700, account.uid)
        folder.rmdir()
