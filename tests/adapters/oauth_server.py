"""A small OAuth 2 server in a process of its own: codes once, PKCE held to, refresh tokens that rotate.

`/linkedin` is as LinkedIn's usual sign-in: a code that comes with a verifier is refused. `/native` is as its sign-in
for native apps: PKCE and 127.0.0.1 are a must, and a secret is refused.

python oauth_server.py PORT
"""

from __future__ import annotations

import base64
import secrets
import sys
import time
from urllib.parse import parse_qs, urlencode, urlsplit

import uvicorn
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENTS = {"app": "app-secret-of-mine", "public": ""}
codes: dict[str, dict[str, str]] = {}
refresh_tokens: set[str] = set()
access_tokens: set[str] = set()
calls: list[str] = []
ttl_s = {"seconds": 3600}


async def authorize(request: Request) -> Response:
    """Agrees at once, unless the scope is `refuse`."""
    asked = dict(request.query_params) | {"at": request.url.path}
    host = urlsplit(asked.get("redirect_uri", "")).hostname
    if asked["at"] == "/native" and ("code_challenge" not in asked or host != "127.0.0.1"):
        return JSONResponse({"error": "invalid_request"}, 400)
    if asked.get("client_id") not in CLIENTS or asked.get("response_type") != "code":
        return JSONResponse({"error": "invalid_request"}, 400)
    answer = {"state": asked.get("state", "")}
    if "refuse" in asked.get("scope", ""):
        answer |= {"error": "access_denied", "error_description": "The user said no"}
    else:
        code = secrets.token_urlsafe(16)
        codes[code] = asked
        answer["code"] = code
    return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(answer)}", 302)


async def token(request: Request) -> Response:
    """All three grants."""
    form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
    calls.append(form.get("grant_type", ""))
    client, secret = _client(request, form)
    at = codes.get(form.get("code", ""), {}).get("at")
    if (at == "/linkedin" and "code_verifier" in form) or (at == "/native" and secret):
        return JSONResponse({"error": "invalid_client", "error_description": "Client authentication failed"}, 401)
    if at != "/native" and CLIENTS.get(client) != secret:
        return JSONResponse({"error": "invalid_client", "error_description": f"wrong secret {secret}"}, 401)
    if form["grant_type"] == "authorization_code":
        asked = codes.pop(form.get("code", ""), None)
        if asked is None or asked["redirect_uri"] != form.get("redirect_uri"):
            return JSONResponse({"error": "invalid_grant"}, 400)
        wanted = asked.get("code_challenge")
        if wanted and wanted != create_s256_code_challenge(form.get("code_verifier", "")):
            return JSONResponse({"error": "invalid_grant", "error_description": "code_verifier"}, 400)
    elif form["grant_type"] == "refresh_token":
        if form.get("refresh_token") not in refresh_tokens:
            return JSONResponse({"error": "invalid_grant", "error_description": "revoked"}, 400)
        refresh_tokens.discard(form["refresh_token"])
    elif form.get("exchange") not in access_tokens:
        return JSONResponse({"error": {"message": "bad token", "code": 190}}, 400)
    access, refresh = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    access_tokens.add(access)
    refresh_tokens.add(refresh)
    body = {"access_token": access, "refresh_token": refresh, "expires_in": ttl_s["seconds"], "token_type": "bearer"}
    return JSONResponse(body)


async def inspect(request: Request) -> Response:
    """For the tests: what was asked, and what is good."""
    if "ttl" in request.query_params:
        ttl_s["seconds"] = int(request.query_params["ttl"])
    if "revoke" in request.query_params:
        refresh_tokens.clear()
    return JSONResponse({"calls": calls, "good": sorted(access_tokens), "now": time.time()})


def _client(request: Request, form: dict[str, str]) -> tuple[str, str]:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        client, _, secret = base64.b64decode(encoded).decode().partition(":")
        return client, secret
    return form.get("client_id", ""), form.get("client_secret", "")


app = Starlette(
    routes=[
        *(Route(path, authorize) for path in ("/authorize", "/linkedin", "/native")),
        Route("/token", token, methods=["POST"]),
        Route("/inspect", inspect),
    ]
)

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="critical")
