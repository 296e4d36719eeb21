"""How each vendor lets a person sign in: addresses, scopes, and in words what to create there first.

As published in November 2026. A scope we do not read with is not asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from analytics.errors import InputError

DEFAULT_PORT = 8765  # vendors that want the exact address registered need one that does not change


@dataclass(frozen=True, slots=True)
class SignIn:
    """One vendor's sign-in.

    Args:
        platform: name on the command line.
        authorize_url: where the browser goes.
        token_url: where codes and refresh tokens are changed.
        scopes: what is asked for, joined by `separator`.
        words: what to create at the vendor, step by step; `{redirect_uri}` stands for ours.
        client_auth: whether the app's secret goes as HTTP Basic or in the form.
        pkce: whether to send PKCE's parameters, which a vendor that does not know them ignores (RFC 6749, 3.1).
        pkce_authorize_url: where the browser goes with PKCE, if it is another address, for apps without a secret.
        pkce_words: why it is off, and what must be so to switch it on.
        empty_secret: HTTP Basic also without a secret (installed apps of Reddit).
        authorize_params: further parameters of the address.
        prolong_grant: the grant type, and parameter, that changes a token for one of weeks (Meta).
        redirect_host: `127.0.0.1`, or `localhost` where the vendor insists on the name.
    """

    platform: str
    authorize_url: str
    token_url: str
    scopes: tuple[str, ...]
    words: str
    client_auth: Literal["basic", "post"] = "post"
    pkce: bool = True
    pkce_authorize_url: str = ""
    pkce_words: str = ""
    empty_secret: bool = False
    separator: str = " "
    authorize_params: Mapping[str, str] = field(default_factory=dict)
    prolong_grant: str = ""
    redirect_host: str = "127.0.0.1"

    @property
    def takes_secret(self) -> bool:
        """Whether the app's secret is sent: not at an address of its own for apps that cannot keep one."""
        return not (self.pkce and self.authorize_url == self.pkce_authorize_url)


META = "https://www.facebook.com/v25.0/dialog/oauth"
META_TOKEN = "https://graph.facebook.com/v25.0/oauth/access_token"  # noqa: S105 - an address
META_WORDS = """1. developers.facebook.com → My Apps → Create app → type Business.
2. Add the product "Facebook Login for Business"; below its settings, Valid OAuth Redirect URIs: {redirect_uri}
3. App settings → Basic: app id and app secret are what is asked for below.
4. While the app is in development mode, people with a role in it may sign in; others need App Review."""

VENDORS = (
    SignIn(
        "youtube",
        "https://accounts.google.com/o/oauth2/v2/auth",
        "https://oauth2.googleapis.com/token",
        (
            "https://www.googleapis.com/auth/youtube.readonly",
            "https://www.googleapis.com/auth/yt-analytics.readonly",
        ),
        """1. console.cloud.google.com → new project → APIs & Services → Library: enable "YouTube Data API v3" and
   "YouTube Analytics API".
2. OAuth consent screen: External; add yourself as a test user. In "Testing" a sign-in ends after 7 days: publish it.
3. Credentials → Create credentials → OAuth client ID → type "Desktop app". Any loopback port is allowed.
4. Sign in with the Google account that owns the channel.""",
        authorize_params={"access_type": "offline", "prompt": "consent"},
    ),
    SignIn(
        "linkedin",
        "https://www.linkedin.com/oauth/v2/authorization",
        "https://www.linkedin.com/oauth/v2/accessToken",
        ("r_organization_social", "rw_organization_admin", "r_member_postAnalytics", "r_member_profileAnalytics"),
        """1. linkedin.com/developers → Create app, linked to your company page; verify the page.
2. Products: request "Community Management API". LinkedIn reviews this, and may refuse.
3. Auth → Authorized redirect URLs: {redirect_uri}
4. Sign in as an administrator of the page. A sign-in lasts 60 days; only some apps get refresh tokens.""",
        # with a code_verifier LinkedIn's usual flow answers 401 invalid_client: UsefulSoftwareCo/executor#2087
        pkce=False,
        pkce_authorize_url="https://www.linkedin.com/oauth/native-pkce/authorization",
        pkce_words="""LinkedIn describes PKCE for native apps alone: at another address, back to 127.0.0.1, without a
secret, and only once LinkedIn has enabled it for your app. Its usual sign-in refuses a code that comes with it; there
the app's secret binds the code. Where LinkedIn has enabled it: --pkce.""",
        redirect_host="localhost",
    ),
    SignIn(
        "instagram",
        META,
        META_TOKEN,
        ("instagram_basic", "instagram_manage_insights", "pages_show_list", "pages_read_engagement"),
        META_WORDS + "\n5. The Instagram account must be professional and linked to a Facebook page of yours.",
        separator=",",
        prolong_grant="fb_exchange_token",
        redirect_host="localhost",
    ),
    SignIn(
        "facebook",
        META,
        META_TOKEN,
        ("pages_show_list", "pages_read_engagement", "pages_read_user_content", "read_insights"),
        META_WORDS,
        separator=",",
        prolong_grant="fb_exchange_token",
        redirect_host="localhost",
    ),
    SignIn(
        "x",
        "https://x.com/i/oauth2/authorize",
        "https://api.x.com/2/oauth2/token",
        ("tweet.read", "users.read", "offline.access"),
        """1. developer.x.com → a project with an app; reading costs per use, see `analytics budget plan`.
2. User authentication settings: permissions Read, type "Native App" (no secret) or "Web App" (with one),
   callback URI: {redirect_uri}
3. Client ID, and the secret of a Web App, are what is asked for below.""",
        client_auth="basic",
    ),
    SignIn(
        "reddit",
        "https://www.reddit.com/api/v1/authorize",
        "https://www.reddit.com/api/v1/access_token",
        ("identity", "read", "history"),
        """1. Since November 2025 new apps need Reddit's approval first (Responsible Builder Policy); commercial use a
   contract.
2. reddit.com/prefs/apps → create app → "web app" (with a secret) or "installed app" (without);
   redirect uri: {redirect_uri}""",
        client_auth="basic",
        empty_secret=True,
        authorize_params={"duration": "permanent"},
    ),
    SignIn(
        "producthunt",
        "https://api.producthunt.com/v2/oauth/authorize",
        "https://api.producthunt.com/v2/oauth/token",
        ("public", "private"),
        """1. producthunt.com/v2/oauth/applications → Add an application; redirect URI: {redirect_uri}
2. API key and API secret are what is asked for below. Commercial use needs Product Hunt's permission.""",
    ),
)
ALIASES = {"twitter": "x", "product-hunt": "producthunt"}


def with_pkce(vendor: SignIn, on: bool | None) -> SignIn:
    """The vendor with PKCE on or off; None: as the vendor has it."""
    if on is None or on == vendor.pkce:
        return vendor
    if on and vendor.pkce_authorize_url:
        return replace(vendor, pkce=True, authorize_url=vendor.pkce_authorize_url, redirect_host="127.0.0.1")
    return replace(vendor, pkce=on)


def vendor_of(platform: str) -> SignIn:
    """The sign-in of a platform; raise `InputError` if it has none."""
    name = ALIASES.get(platform.lower(), platform.lower())
    found = next((vendor for vendor in VENDORS if vendor.platform == name), None)
    if found is None:
        raise InputError(
            f"sign-in {platform!r}: expected one of {', '.join(vendor.platform for vendor in VENDORS)}; "
            "other platforms need no sign-in, or take a key (`analytics credentials set`)"
        )
    return found
