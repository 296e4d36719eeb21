"""What dashboards call their figures, and what we call them: headers by platform."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["count", "number", "percent", "seconds"]


@dataclass(frozen=True, slots=True)
class Column:
    """One figure: its metric as a total so far, how it is written, a factor to our unit.

    A figure of a day is `…_per_day`, or `per_day` where the platform's API calls it otherwise: both are one series.
    """

    metric: str
    kind: Kind = "count"
    unit: str = ""
    scale: float = 1.0
    level: bool = False
    per_day: str = ""

    def name(self, *, daily: bool) -> str:
        """The metric's name for a figure of one day, or of all time."""
        if not daily or self.level or self.kind in ("percent", "seconds"):
            return self.metric
        return self.per_day or f"{self.metric}_per_day"


def _counts(**metrics: str) -> dict[str, Column]:
    """Columns that count, by metric: their headers separated by `|`."""
    return {header: Column(metric) for metric, headers in metrics.items() for header in headers.split("|")}


YOUTUBE = _counts(
    views="views",
    impressions="impressions",
    likes="likes",
    dislikes="dislikes",
    comments="comments added|comments",
    shares="shares",
    unique_viewers="unique viewers",
) | {
    "engaged views": Column("engaged_views_total", unit="views", per_day="engaged_views"),
    "subscribers gained": Column("subscribers_gained_total", unit="users", per_day="subscribers_gained"),
    "subscribers lost": Column("subscribers_lost_total", unit="users", per_day="subscribers_lost"),
    "subscribers": Column("subscribers_net"),
    "watch time (hours)": Column("watch_time_minutes_total", "number", "minutes", 60, per_day="watch_time_minutes"),
    "watch time (minutes)": Column("watch_time_minutes_total", "number", "minutes", per_day="watch_time_minutes"),
    "average view duration": Column("average_view_duration_s", "seconds", "seconds"),
    "average percentage viewed (%)": Column("average_viewed_pct", "percent"),
    "impressions click-through rate (%)": Column("impressions_ctr_pct", "percent"),
    "likes (vs. dislikes) (%)": Column("likes_vs_dislikes_pct", "percent"),
    "your estimated revenue (usd)": Column("estimated_revenue_usd", "number", "USD"),
    "estimated revenue (usd)": Column("estimated_revenue_usd", "number", "USD"),
}
X = _counts(
    impressions="impressions",
    likes="likes",
    private_engagements="engagements",
    bookmarks="bookmarks",
    shares="shares",
    replies="replies",
    reposts="reposts|retweets",
    profile_visits="profile visits",
    profile_clicks="user profile clicks",
    link_clicks="url clicks|link clicks",
    hashtag_clicks="hashtag clicks",
    detail_expands="detail expands",
    permalink_clicks="permalink clicks",
    video_views="video views",
    media_views="media views",
    posts="create post|posts published|tweets published",
) | {
    "new follows": Column("follows", unit="users", per_day="followers_gained"),
    "follows": Column("follows", unit="users", per_day="followers_gained"),
    "unfollows": Column("unfollows", unit="users", per_day="followers_lost"),
    "engagement rate": Column("engagement_rate_by_impressions_pct", "percent"),
}
LINKEDIN = _counts(
    views="impressions (total)|impressions",
    views_organic="impressions (organic)",
    views_sponsored="impressions (sponsored)",
    reach="unique impressions (organic)|members reached",
    clicks="clicks (total)|clicks",
    clicks_organic="clicks (organic)",
    clicks_sponsored="clicks (sponsored)",
    reactions="reactions (total)|reactions|likes",
    reactions_organic="reactions (organic)",
    reactions_sponsored="reactions (sponsored)",
    comments="comments (total)|comments",
    comments_organic="comments (organic)",
    comments_sponsored="comments (sponsored)",
    shares="reposts (total)|reposts|shares",
    shares_organic="reposts (organic)",
    shares_sponsored="reposts (sponsored)",
    engagement="engagements",
    new_followers="new followers|total followers",
    organic_new_followers="organic followers",
    paid_new_followers="sponsored followers",
    auto_invited_followers="auto-invited followers",
    page_views="total page views (total)|total page views",
    page_visitors="total unique visitors (total)|total unique visitors",
    video_views="views",
) | {
    "engagement rate (total)": Column("engagement_rate_by_impressions_pct", "percent"),
    "engagement rate": Column("engagement_rate_by_impressions_pct", "percent"),
    "click through rate (ctr)": Column("click_through_rate_pct", "percent"),
}
META = _counts(
    views="views",
    impressions="impressions",
    reach="reach|viewers",
    likes="likes",
    reactions="reactions",
    comments="comments",
    shares="shares",
    saves="saves",
    clicks="total clicks",
    engagement="reactions, comments and shares|total interactions",
    video_views="3-second video views",
    link_clicks="link clicks",
) | {"follows": Column("follows", unit="users", per_day="new_followers_per_day")}
MEDIUM = _counts(
    presentations="presentations|impressions",
    views="views",
    reads="reads",
    claps="claps",
    fans="fans",
    comments="responses|comments",
) | {
    **dict.fromkeys(
        ("new followers", "followers gained", "follows"), Column("follows", unit="users", per_day="followers_gained")
    ),
    "followers": Column("followers", level=True),
    "total followers": Column("followers", level=True),
    "subscribers": Column("email_subscribers", level=True),
    "email subscribers": Column("email_subscribers", level=True),
    "read ratio": Column("read_ratio_pct", "percent"),
}
SUBSTACK = _counts(
    delivered="delivered|sent|recipients|delivers",
    opens="opens|total opens",
    unique_opens="unique opens|opened|unique_opens",
    clicks="clicks|total clicks",
    unique_clicks="unique clicks|clicked|unique_clicks",
    views="views",
    likes="likes",
    comments="comments",
    subscribers_gained="new subscribers|signups|subscriptions",
) | {
    "subscribers": Column("subscribers", level=True),
    "total subscribers": Column("subscribers", level=True),
    "paid subscribers": Column("paid_subscribers", level=True),
    "open rate": Column("open_rate_pct", "percent"),
}
# Meta writes the figure's name in a line of its own above `Date, Primary`: by metric, in English, German, French,
# Spanish and Portuguese; the platform's name and small words around it do not count
META_TITLES = {
    title: Column(metric)
    for metric, titles in {
        "views": "views|aufrufe|vues|visualizaciones|visualizações",
        "reach": "viewers|reach|page reach|reichweite|couverture|alcance|betrachter|spectateurs|espectadores",
        "engagement": "content interactions|interactions|interaktionen mit inhalten|content-interaktionen"
        "|interactions avec le contenu|interacciones con el contenido|interacciones"
        "|interações com o conteúdo|interações",
        "link_clicks": "link clicks|link-klicks|linkklicks|clics sur un lien|clics sur le lien|clics en el enlace"
        "|cliques no link",
        "page_views": "visits|page visits|besuche|seitenbesuche|visites|visites de la page|visitas|visitas a la página"
        "|visitas à página",
        "profile_views": "profile visits|profile|profilbesuche|visites du profil|visitas al perfil|visitas ao perfil",
        "new_followers": "follows|new followers|new page likes|neue follower|nouveaux followers|nouveaux abonnés"
        "|seguimientos|nuevos seguidores|seguimentos|novos seguidores",
        "lost_followers": "unfollows|verlorene follower|désabonnements|dejaron de seguir|deixaram de seguir",
        "impressions": "impressions|impressionen|impresiones|impressões",
    }.items()
    for title in titles.split("|")
}
