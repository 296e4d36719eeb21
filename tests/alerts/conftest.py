"""A store of the test's own, params, and a channel that is a real HTTP server."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from sqlalchemy import URL

from analytics.settings import Settings
from analytics.store import Store
from analytics.store.engine import make_engine

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def store(database_url: URL) -> Iterator[Store]:
    with Store(make_engine(database_url)) as opened:
        yield opened


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "params").mkdir()
    return Settings(home=tmp_path, params_dir=tmp_path / "params", output_dir=tmp_path / "out", _env_file=None)


@pytest.fixture
def params(settings: Settings) -> Callable[..., None]:
    """Write params files: `params(alerts={...}, platforms={...})`."""

    def write(**files: object) -> None:
        for name, content in files.items():
            (settings.params_dir / f"{name}.yaml").write_text(yaml.safe_dump(content), "utf-8")

    return write


@dataclass
class Channel:
    """What arrived; `answer` is the status it gives."""

    url: str
    answer: int = 200
    messages: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def channel(monkeypatch: pytest.MonkeyPatch) -> Iterator[Channel]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if made.answer == 200:
                made.messages.append(json.loads(body))
            self.send_response(made.answer)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Channel(f"json://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    monkeypatch.setenv("TEAM_CHANNEL", made.url)
    yield made
    server.shutdown()
    server.server_close()
    thread.join()
