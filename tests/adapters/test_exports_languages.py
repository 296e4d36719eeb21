"""The same files in the languages dashboards speak: the same figures, however header, number and date are written."""

from __future__ import annotations

import csv
import io

import pytest

from analytics.adapters.exports.formats import BY_DAY, FORMATS
from analytics.adapters.exports.languages import FOREIGN, NAMES, language_of, normal
from analytics.errors import DataFileError
from tests.adapters.test_exports import figures, read, workbook, zipped

LANGUAGES = ("de", "fr", "es", "pt")

YOUTUBE_VIDEOS = {
    "en": "Content,Video title,Video publish time,Views,Watch time (hours),Subscribers,Impressions,"
    "Impressions click-through rate (%),Average view duration",
    "de": "Videos,Videotitel,Veröffentlichungs\u00adzeitpunkt des Videos,Aufrufe,Wiedergabezeit (Stunden),Abonnenten,"
    "Impressionen,Klickrate der Impressionen (%),Durchschnittliche Wiedergabedauer",
    "fr": "Contenu,Titre de la vidéo,Heure de publication de la vidéo,Vues,Durée de visionnage (heures),Abonnés,"
    "Impressions,Taux de clics par impression (%),Durée moyenne d’une vue",
    "es": "Contenido,Título del vídeo,Hora de publicación del vídeo,Visualizaciones,Tiempo de visualización (horas),"
    "Suscriptores,Impresiones,Porcentaje de clics de las impresiones (%),Duración media de las visualizaciones",
    "es-419": "Contenido,Título del video,Tiempo de publicación del video,Vistas,Tiempo de reproducción (horas),"
    "Suscriptores,Impresiones,Tasa de clics de las impresiones (%),Duración promedio de vistas",
    "pt": "Conteúdo,Título do vídeo,Horário de publicação do vídeo,Visualizações,Tempo de exibição (horas),Inscritos,"
    "Impressões,Taxa de cliques de impressões (%),Duração média da visualização",
}
TOTAL = {"en": "Total", "de": "Ge\u00adsamt", "fr": "Total", "es": "Total", "es-419": "Total", "pt": "Total"}


@pytest.mark.parametrize("language", YOUTUBE_VIDEOS)
def test_youtube_videos(language):
    """YouTube writes decimal dots in every language, and soft hyphens into German words."""
    rows = ',,,1500,62.5,12,40000,4.1,0:02:00\nabc,"Ein, Titel","Oct 3, 2026",1200,50.25,10,31000,4.35,0:02:31\n'

    export = read(f"{YOUTUBE_VIDEOS[language]}\n{TOTAL[language]}{rows}")

    assert {metric: value for (metric, _, _), value in figures(export).items()} == {
        "views": 1200,
        "watch_time_minutes_total": 50.25 * 60,
        "subscribers_net": 10,
        "impressions": 31000,
        "impressions_ctr_pct": 4.35,
        "average_view_duration_s": 151,
    }
    assert {o.content_id for o in export.observations} == {"abc"}
    assert export.unread == ()


YOUTUBE_DAYS = {
    "en": "Date,Views,Watch time (hours)",
    "de": "Datum,Aufrufe,Wiedergabezeit (Stunden)",
    "fr": "Date,Vues,Durée de visionnage (heures)",
    "es": "Fecha,Vistas,Tiempo de reproducción (horas)",
    "pt": "Data,Visualizações,Tempo de exibição (horas)",
}


@pytest.mark.parametrize("language", YOUTUBE_DAYS)
def test_youtube_days_in_a_zip(language):
    raw = zipped(Table=f"{YOUTUBE_DAYS[language]}\n2026-10-31,10,0.5\n2026-11-02,20,0.25\n")

    assert figures(read(raw, "Date 2026-10-31_2026-11-03 Acme.zip")) == {
        ("views_per_day", "", "2026-10-31T07:00:00+00:00"): 10,
        ("watch_time_minutes", "", "2026-10-31T07:00:00+00:00"): 30,
        ("views_per_day", "", "2026-11-02T08:00:00+00:00"): 20,
        ("watch_time_minutes", "", "2026-11-02T08:00:00+00:00"): 15,
    }


# sheets of a page: statistics of contents, followers, visitors, and the posts
LINKEDIN = {
    "en": (
        ["Date", "Impressions (organic)", "Impressions (total)", "Clicks (total)", "Engagement rate (total)"],
        ["Date", "Sponsored followers", "Organic followers", "Auto-invited followers", "Total followers"],
        ["Date", "Total page views (total)", "Total unique visitors (total)"],
        ["Post title", "Post link", "Created date", "Impressions", "Views", "Clicks", "Likes", "Reposts"],
    ),
    "de": (
        ["Datum", "Impressions (organisch)", "Impressions (gesamt)", "Klicks (gesamt)", "Engagement-Rate (gesamt)"],
        ["Datum", "Gesponserte Follower", "Organische Follower", "Automatisch eingeladene Follower", "Follower gesamt"],
        ["Datum", "Seitenaufrufe insgesamt (gesamt)", "Einzelne Besucher insgesamt (gesamt)"],
        ["Beitragstitel", "Beitragslink", "Erstellt am", "Impressions", "Aufrufe", "Klicks", "Gefällt mir", "Reposts"],
    ),
    "fr": (
        ["Date", "Impressions (organiques)", "Impressions (total)", "Clics (total)", "Taux d’engagement (total)"],
        [
            "Date",
            "Abonnés sponsorisés",
            "Abonnés organiques",
            "Abonnés invités automatiquement",
            "Nombre total d’abonnés",
        ],
        ["Date", "Nombre total de vues de la page (total)", "Nombre total de visiteurs uniques (total)"],
        [
            "Titre de la publication",
            "Lien de la publication",
            "Date de création",
            "Impressions",
            "Vues",
            "Clics",
            "J’aime",
            "Republications",
        ],
    ),
    "es": (
        [
            "Fecha",
            "Impresiones (orgánicas)",
            "Impresiones totales",
            "Clics (Totales)",
            "Tasa de interacción (total)",
        ],
        [
            "Fecha",
            "Seguidores patrocinados",
            "Seguidores orgánicos",
            "Seguidores invitados automáticamente",
            "Seguidores totales",
        ],
        ["Fecha", "Visualizaciones totales de la página (total)", "Visitantes únicos totales (total)"],
        [
            "Título de la publicación",
            "Enlace de la publicación",
            "Fecha de creación",
            "Impresiones",
            "Visualizaciones",
            "Clics",
            "Recomendaciones",
            "Veces compartido",
        ],
    ),
    "pt": (
        ["Data", "Impressões (orgânicas)", "Impressões (total)", "Cliques (total)", "Taxa de engajamento (total)"],
        [
            "Data",
            "Seguidores patrocinados",
            "Seguidores orgânicos",
            "Seguidores convidados automaticamente",
            "Total de seguidores",
        ],
        ["Data", "Total de visualizações da página (total)", "Total de visitantes únicos (total)"],
        [
            "Título da publicação",
            "Link da publicação",
            "Criação",
            "Impressões",
            "Visualizações",
            "Cliques",
            "Gostaram",
            "Compartilhamentos",
        ],
    ),
}


def linkedin(language):
    contents, followers, visitors, posts = LINKEDIN[language]
    link = "https://www.linkedin.com/feed/update/urn:li:activity:7123"
    return workbook(
        Metrics=[["A note"], contents, ["10/30/2026", 90, 100, 7, 0.0712], ["10/31/2026", 80, 85, None, 0.05]],
        Followers=[followers, ["10/30/2026", 0, 3, 1, 4], ["10/31/2026", 0, 2, 0, 2]],
        Visitors=[visitors, ["10/30/2026", 40, 12], ["10/31/2026", 41, 13]],
        Posts=[["A note"], posts, ["Hi", link, "10/30/2026", 50, None, 3, 2, 1]],
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_linkedin_page(language):
    """LinkedIn dates as in America in every language; a column of its days tells."""
    export = read(linkedin(language), "acme_content.xlsx")

    assert figures(export) == figures(read(linkedin("en"), "acme_content.xlsx"))
    assert len(export.tables) == 4
    assert len(figures(export)) == 2 * 4 + 2 * 4 + 2 * 2 + 5
    assert export.unread == ()


META = {
    "en": "Post ID,Account ID,Account username,Description,Publish time,Permalink,Date,Views,Reach,Likes,Shares,"
    "Follows,Comments,Saves",
    "de": "Beitrags-ID,Konto-ID,Konto-Benutzername,Beschreibung,Veröffentlichungszeit,Permalink,Datum,Aufrufe,"
    "Reichweite,„Gefällt mir“-Angaben,Mal geteilt,Follows,Kommentare,Mal gespeichert",
    "fr": "Identifiant de la publication,Identifiant du compte,Nom d’utilisateur du compte,Description,"
    "Heure de publication,Lien permanent,Date,Vues,Couverture,J’aime,Partages,Suivis,Commentaires,Enregistrements",
    "es": "Identificador de la publicación,Identificador de la cuenta,Nombre de usuario de la cuenta,Descripción,"
    "Hora de publicación,Enlace permanente,Fecha,Visualizaciones,Alcance,Me gusta,Veces que se compartió,Seguimientos,"
    "Comentarios,Veces que se guardó",
    "pt": "Identificação do post,Identificação da conta,Nome de usuário da conta,Descrição,Horário de publicação,"
    "Link permanente,Data,Visualizações,Alcance,Curtidas,Compartilhamentos,Seguimentos,Comentários,Salvamentos",
}
LIFETIME = {"en": "Lifetime", "de": "Gesamt", "fr": "Total", "es": "Total", "pt": "Total"}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("language", META)
def test_meta_contents(language, encoding, separator):
    """A row of all time may say `Total` where another dashboard has its sum."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator)
    writer.writerow(META[language].split(","))
    post = ["18012", "1784", "club", "Zwei,\nZeilen; 🎉", "11/18/2026 06:08", "https://www.instagram.com/p/x"]
    views = "1,234" if language == "en" else "1.234"
    writer.writerow([*post, LIFETIME[language], views, "--", "61", "2", "", "4", "9"])

    export = read(text.getvalue().encode(encoding), account="")

    assert {metric: value for (metric, _, _), value in figures(export).items()} == {
        "views": 1234,
        "reach": None,
        "likes": 61,
        "shares": 2,
        "follows": None,
        "comments": 4,
        "saves": 9,
    }
    assert {(o.platform, o.author_id, o.content_id) for o in export.observations} == {("instagram", "club", "18012")}


@pytest.mark.parametrize(
    ("title", "header"),
    [
        ("Facebook reach", "Date,Primary"),
        ("Facebook-Reichweite", "Datum,Primär"),
        ("Couverture Facebook", "Date,Principal"),
        ("Couverture sur Facebook", "Date,Principal"),
        ("Alcance de Facebook", "Fecha,Principal"),
        ("Alcance do Facebook", "Data,Primário"),
    ],
)
def test_meta_overviews(title, header):
    names = '","'.join(header.split(","))
    text = f'sep=,\r\n"{title}"\r\n"{names}"\r\n"2026-11-01T00:00:00","123"\r\n'

    export = read(text.encode("utf-16"), "Reach.csv")

    assert [(o.platform, o.metric_type, o.value) for o in export.observations] == [("facebook", "reach_per_day", 123)]


X_DAYS = {
    "en": ("Date,Impressions,Likes,Engagements,New follows,Unfollows,Profile visits", "Thu, Nov 19, 2026"),
    "de": ("Datum,Impressions,Gefällt mir,Interaktionen,Neue Follower,Entfolgt,Profilbesuche", "Do., 19. Nov. 2026"),
    "fr": (
        "Date,Impressions,J’aime,Engagements,Nouveaux abonnés,Désabonnements,Visites du profil",
        "jeu. 19 nov. 2026",
    ),
    "es": (
        "Fecha,Impresiones,Me gusta,Interacciones,Nuevos seguidores,Dejaron de seguir,Visitas al perfil",
        "jue, 19 nov 2026",
    ),
    "pt": (
        "Data,Impressões,Curtidas,Engajamentos,Novos seguidores,Deixaram de seguir,Visitas ao perfil",
        "qui., 19 de nov. de 2026",
    ),
}


@pytest.mark.parametrize("language", X_DAYS)
def test_x_days(language):
    header, day = X_DAYS[language]

    export = read(f'{header}\n"{day}","1.204",9,88,0,2,35\n')

    at = "2026-11-19T00:00:00+00:00"
    assert export.tables == ("X analytics, days",)
    assert {metric: value for (metric, _, _), value in figures(export).items()} == {
        "impressions_per_day": 1204,
        "likes_per_day": 9,
        "private_engagements_per_day": 88,
        "followers_gained": 0,
        "followers_lost": 2,
        "profile_visits_per_day": 35,
    }
    assert {moment for _, _, moment in figures(export)} == {at}


STORIES = {
    "en": ("Title,Link,Views,Reads,Read ratio,Claps,Fans", "28%"),
    "de": ("Titel;Link;Aufrufe;Gelesen;Leserate;Claps;Fans", "28 %"),
    "fr": ("Titre;Link;Vues;Lectures;Taux de lecture;Applaudissements;Fans", "28 %"),
    "es": ("Título;Link;Vistas;Lecturas;Tasa de lectura;Aplausos;Fans", "28 %"),
    "pt": ("Título;Link;Visualizações;Leituras;Taxa de leitura;Aplausos;Fãs", "28 %"),
}


@pytest.mark.parametrize("language", STORIES)
def test_medium_stories_in_a_table_of_ones_own(language):
    """Medium speaks English alone: the table is the writer's, in the writer's words."""
    header, ratio = STORIES[language]
    mark = ";" if ";" in header else ","
    row = ["A story", "https://medium.com/@a/a-story-e1131f7c0355", "1200", "340", ratio, "51", "9"]

    found = figures(read(f"{header}\n{mark.join(row)}\n", platform="medium"))

    assert {metric: value for (metric, content, _), value in found.items() if content == "e1131f7c0355"} == {
        "views": 1200,
        "reads": 340,
        "read_ratio_pct": 28,
        "claps": 51,
        "fans": 9,
    }


LETTERS = {
    "en": "Title,Delivered,Opens,Unique opens,Open rate",
    "de": "Titel,Zugestellt,Öffnungen,Eindeutige Öffnungen,Öffnungsrate",
    "fr": "Titre,Distribués,Ouvertures,Ouvertures uniques,Taux d'ouverture",
    "es": "Título,Entregados,Aperturas,Aperturas únicas,Tasa de apertura",
    "pt": "Título,Entregues,Aberturas,Aberturas únicas,Taxa de abertura",
}


@pytest.mark.parametrize("language", LETTERS)
def test_substack_letters(language):
    found = figures(read(f"{LETTERS[language]}\nFirst,900,700,500,55%\n"))

    assert {metric: value for (metric, content, _), value in found.items() if content == "First"} == {
        "delivered": 900,
        "opens": 700,
        "unique_opens": 500,
        "open_rate_pct": 55,
    }


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("Aufruffe", "'Aufruffe' is most like 'aufrufe'"),
        ("Visualisaciones", "'Visualisaciones' is most like 'visualizaciones'"),
        ("Veiws", "'Veiws' is most like 'views'"),
    ],
)
def test_an_unknown_header_is_refused_with_the_nearest_name_and_what_to_do(name, nearest):
    with pytest.raises(DataFileError) as caught:
        read(f"Kanal,{name}\nacme,3\n")

    said = str(caught.value)
    assert nearest in said
    assert "in English, German, French, Spanish and Portuguese" in said
    assert "rename the columns, or name the platform (--platform)" in said


def test_a_known_table_without_a_known_figure_is_refused():
    """Else it would be read as nothing at all, without a word."""
    with pytest.raises(DataFileError, match="is YouTube Studio, videos, but none of its columns is a known figure"):
        read("Videos,Videotitel,Aufruffe\nabc,Titel,3\n")


def test_a_column_of_figures_nobody_knows_is_named():
    export = read("Videos,Videotitel,Aufrufe,Bleibequote (%),Beschreibung\nabc,Titel,3,41.5,Text\n")

    assert export.unread == ("export.csv: 'bleibequote (%)'",)


def test_a_figure_meta_calls_otherwise_is_refused_with_the_nearest():
    with pytest.raises(DataFileError, match="'reichweide' is most like 'reichweite'"):
        read('"Facebook-Reichweide"\n"Datum","Primär"\n"2026-11-01T00:00:00","3"\n')


def test_every_foreign_header_stands_for_an_english_one_that_is_read():
    """A translation of nothing would be taken for read and be lost; an English word must not mean something else."""
    read_by = {}
    for form in (*FORMATS, *BY_DAY.values()):
        names = {name for need in form.needs for name in need.split("|")}
        read_by.setdefault(form.platform, set()).update(names, form.columns, form.day, form.content, form.account)
    meta = read_by["facebook"] | read_by["instagram"] | read_by["meta"]
    read_by |= dict.fromkeys(("facebook", "instagram", "meta"), meta)

    for platform, table in FOREIGN.items():
        assert {name for name, _ in table.values()} <= read_by[platform]
        assert [word for word, (name, _) in table.items() if word in read_by[platform] and word != name] == []
        assert all(word == normal(word) for word in table)
        assert {language for _, languages in table.values() for language in languages} == set(LANGUAGES)
    assert set(NAMES) == {"en", *LANGUAGES}


def test_a_header_tells_its_language():
    assert language_of("linkedin", ["date", "impressions", "clics", "abonnés organiques"]) == "fr"
    assert language_of("linkedin", ["date", "impressions", "clicks"]) == "en"
