"""What a channel says when it takes nothing, and what is never repeated of it."""

from __future__ import annotations

import socket

from pydantic import SecretStr

from analytics.alerts.delivery import push


def test_a_channel_that_cannot_be_reached_says_so_without_its_address():
    """`analytics alerts test` said only that nothing was delivered; the reason lay in a log that was dropped."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # taken, and nobody listens
        address = f"json://ana:hunter22@127.0.0.1:{closed.getsockname()[1]}/hidden"

        said = push("team", {"team": "CHANNEL"}, lambda _: SecretStr(address), title="t", body="b")

    assert said.startswith("channel team: not delivered: A Connection error occurred")
    assert not any(part in said for part in ("ana", "hunter22", "127.0.0.1", "hidden"))
