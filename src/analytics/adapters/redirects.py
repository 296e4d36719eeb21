"""Where an answer may send us: to the host that was asked, or to one that the platform's `Vendor` names.

A redirect is data from outside. Followed anywhere, it makes this machine ask its own network, and takes what it finds
there for the platform's figures.
"""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterable
from ipaddress import ip_address

import httpx

MOST = 5
Origin = tuple[str, str, int | None]


class Astray(Exception):
    """A redirect that is not followed, and why."""


def followed(
    client: httpx.Client, request: httpx.Request, origins: Collection[Origin], hosts: Iterable[str]
) -> httpx.Response:
    """The response at the end of the redirects, its body unread; the client's sign-in goes to `origins` only.

    Raises:
        Astray: one leads to where `problem` says no, or they do not end.
    """
    response = client.send(request, stream=True)
    for _ in range(MOST):
        following = response.next_request
        if following is None:
            return response
        response.close()
        if why := problem(request.url, following.url, origins, hosts):
            raise Astray(why)
        request = following
        is_ours = origin(request.url) in origins
        response = client.send(request, stream=True, auth=httpx.USE_CLIENT_DEFAULT if is_ours else None)
    response.close()
    raise Astray(f"redirects more than {MOST} times")


def origin(url: httpx.URL) -> Origin:
    """Scheme, host and port (None: the scheme's own)."""
    return url.scheme, url.host.lower(), url.port


def problem(asked: httpx.URL, target: httpx.URL, origins: Collection[Origin], hosts: Iterable[str]) -> str:
    """Why a redirect is not followed, '' if it is.

    Args:
        asked: the address that answered.
        target: where it sends us.
        origins: where the client may ask in any case.
        hosts: names the vendor lets it lead to over https, each with the names below it.

    >>> asked = httpx.URL("http://blog.example/feed")
    >>> problem(asked, httpx.URL("https://blog.example/feed.xml"), [], ())
    ''
    >>> problem(asked, httpx.URL("http://127.0.0.1:9000/"), [], ())
    "redirects to another host, 'http://127.0.0.1:9000'; if that is the account's own, name it in params"
    """
    shown = f"{target.scheme}://{target.netloc.decode('ascii', 'replace').rpartition('@')[2]}"
    is_upgrade = (asked.scheme, target.scheme) == ("http", "https") and asked.host.lower() == target.host.lower()
    if origin(target) == origin(asked) or (is_upgrade and asked.port is None and target.port is None):
        return ""
    is_named = target.scheme == "https" and target.port is None and _is_below(target.host.lower(), hosts)
    if origin(target) not in origins and not is_named:
        return f"redirects to another host, {shown!r}; if that is the account's own, name it in params"
    if not is_public(target.host):
        return f"redirects to {shown!r}, which is an address of a private network or of this machine"
    return ""


def is_public(host: str) -> bool:
    """Whether every address of a host can be reached from anywhere; a name that has none is left to the connection.

    >>> [is_public(host) for host in ("127.0.0.1", "::1", "10.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "1.1.1.1")]
    [False, False, False, False, False, True]
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return True
    addresses = [ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    bare = [getattr(address, "ipv4_mapped", None) or address for address in addresses]
    return all(address.is_global and not address.is_multicast for address in bare)


def _is_below(host: str, names: Iterable[str]) -> bool:
    return any(host == name or host.endswith(f".{name}") for name in names)
