"""Headers of dashboards in German, French, Spanish and Portuguese, by the English ones.

A row is an English header, then the four languages; `;` parts wordings that are in use side by side. Which of them were
seen in a file, and which are known from the dashboards' pages alone, stands in docs/exports.md.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping

LANGUAGES = ("de", "fr", "es", "pt")
NAMES = {"en": "English", "de": "German", "fr": "French", "es": "Spanish", "pt": "Portuguese"}
_QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "\u00ad": None})

YOUTUBE = """
date | Datum | Date | Fecha | Data
content | Videos; Inhalte | Contenu | Contenido; ID del vídeo; ID del video | Conteúdo
video title | Videotitel | Titre de la vidéo | Título del vídeo; Título del video | Título do vídeo
views | Aufrufe | Vues | Visualizaciones; Vistas | Visualizações
engaged views | Aktive Wiedergaben | Vues intentionnelles | Vistas interesadas | Visualizações engajadas
impressions | Impressionen; Thumbnail-Impressionen | Impressions | Impresiones | Impressões
likes | "Mag ich"-Bewertungen; Mag ich | J'aime; Mentions "J'aime" | Me gusta | Marcações "Gostei"; Gostei
dislikes | "Mag ich nicht"-Bewertungen | Je n'aime pas | No me gusta | Marcações "Não gostei"
comments added | Hinzugefügte Kommentare; Kommentare | Commentaires ajoutés; Commentaires \
| Comentarios agregados; Comentarios añadidos; Comentarios | Comentários adicionados; Comentários
shares | Geteilte Inhalte | Partages | Elementos compartidos; Compartidos; Veces que se compartió | Compartilhamentos
subscribers gained | Neue Abonnenten | Nouveaux abonnés; Abonnés gagnés \
| Suscriptores obtenidos; Suscriptores ganados | Inscritos obtidos
subscribers lost | Verlorene Abonnenten | Abonnés perdus | Suscriptores perdidos | Inscritos perdidos
subscribers | Abonnenten | Abonnés | Suscriptores | Inscritos
unique viewers | Einzelne Zuschauer | Spectateurs uniques | Espectadores únicos | Espectadores únicos
watch time (hours) | Wiedergabezeit (Stunden) | Durée de visionnage (heures) \
| Tiempo de visualización (horas); Tiempo de reproducción (horas) | Tempo de exibição (horas)
watch time (minutes) | Wiedergabezeit (Minuten) | Durée de visionnage (minutes) \
| Tiempo de visualización (minutos); Tiempo de reproducción (minutos) | Tempo de exibição (minutos)
average view duration | Durchschnittliche Wiedergabedauer | Durée moyenne d'une vue; Durée moyenne de visionnage \
| Duración media de las visualizaciones; Duración media de la visualización; Duración promedio de vistas \
| Duração média da visualização
average percentage viewed (%) | Durchschnittliche Wiedergabedauer in Prozent (%); Durchschnittlich angesehen (%) \
| Pourcentage moyen de vidéo regardé (%); Pourcentage moyen regardé (%) \
| Porcentaje medio visto (%); Porcentaje medio reproducido (%); Porcentaje promedio reproducido (%) \
| Porcentagem visualizada média (%)
impressions click-through rate (%) | Klickrate der Impressionen (%); Thumbnail-Klickrate (%) \
| Taux de clics par impression (%) \
| Porcentaje de clics de las impresiones (%); CTR de las impresiones (%); Tasa de clics de las impresiones (%) \
| Taxa de cliques de impressões (%)
estimated revenue (usd) | Geschätzter Umsatz (USD) | Revenus estimés (USD) | Ingresos estimados (USD) \
| Receita estimada (USD)
your estimated revenue (usd) | Dein geschätzter Umsatz (USD) | Vos revenus estimés (USD) \
| Tus ingresos estimados (USD) | Sua receita estimada (USD)
"""

LINKEDIN = """
date | Datum | Date | Fecha | Data
impressions (total) | Impressions (gesamt) | Impressions (total) | Impresiones totales; Impresiones (total) \
| Impressões (total)
impressions (organic) | Impressions (organisch) | Impressions (organiques) | Impresiones (orgánicas) \
| Impressões (orgânicas)
impressions (sponsored) | Impressions (gesponsert) | Impressions (sponsorisées) | Impresiones (patrocinadas) \
| Impressões (patrocinadas)
unique impressions (organic) | Eindeutige Impressions (organisch) | Impressions uniques (organiques) \
| Impresiones únicas (orgánicas) | Impressões únicas (orgânicas)
clicks (total) | Klicks (gesamt) | Clics (total) | Clics (totales) | Cliques (total)
clicks (organic) | Klicks (organisch) | Clics (organiques) | Clics (orgánicos) | Cliques (orgânicos)
clicks (sponsored) | Klicks (gesponsert) | Clics (sponsorisés) | Clics (patrocinados) | Cliques (patrocinados)
reactions (total) | Reaktionen (gesamt) | Réactions (total) | Reacciones (total) | Reações (total)
reactions (organic) | Reaktionen (organisch) | Réactions (organiques) | Reacciones (generales) | Reações (orgânicas)
reactions (sponsored) | Reaktionen (gesponsert) | Réactions (sponsorisées) | Reacciones (patrocinadas) \
| Reações (patrocinadas)
comments (total) | Kommentare (gesamt) | Commentaires (total) | Comentarios (totales) | Comentários (total)
comments (organic) | Kommentare (organisch) | Commentaires (organiques) | Comentarios (orgánicos) \
| Comentários (orgânicos)
comments (sponsored) | Kommentare (gesponsert) | Commentaires (sponsorisés) | Comentarios (patrocinados) \
| Comentários (patrocinados)
reposts (total) | Reposts (gesamt) | Republications (total); Partages (total) | Veces compartido (total) \
| Compartilhamentos (total)
reposts (organic) | Reposts (organisch) | Republications (organiques); Partages (organiques) \
| Veces compartido (orgánico) | Compartilhamentos (orgânicos)
reposts (sponsored) | Reposts (gesponsert) | Republications (sponsorisées); Partages (sponsorisés) \
| Veces compartido (patrocinado) | Compartilhamentos (patrocinados)
engagement rate (total) | Engagement-Rate (gesamt) | Taux d'engagement (total) | Tasa de interacción (total) \
| Taxa de engajamento (total)
engagement rate | Engagement-Rate | Taux d'engagement | Tasa de interacción | Taxa de engajamento
organic followers | Organische Follower | Abonnés organiques | Seguidores orgánicos | Seguidores orgânicos
sponsored followers | Gesponserte Follower | Abonnés sponsorisés | Seguidores patrocinados | Seguidores patrocinados
auto-invited followers | Automatisch eingeladene Follower | Abonnés invités automatiquement \
| Seguidores invitados automáticamente | Seguidores convidados automaticamente
total followers | Follower insgesamt; Follower gesamt | Nombre total d'abonnés; Total des abonnés \
| Seguidores totales; Total de seguidores | Total de seguidores
total page views (total) | Seitenaufrufe insgesamt (gesamt) | Nombre total de vues de la page (total) \
| Visualizaciones totales de la página (total) | Total de visualizações da página (total)
total unique visitors (total) | Einzelne Besucher insgesamt (gesamt) | Nombre total de visiteurs uniques (total) \
| Visitantes únicos totales (total) | Total de visitantes únicos (total)
post title | Beitragstitel; Titel des Beitrags | Titre du post; Titre de la publication \
| Título de la publicación | Título da publicação
post link | Beitragslink; Link zum Beitrag | Lien du post; Lien de la publication \
| Enlace de la publicación | Link da publicação
impressions | Impressions | Impressions | Impresiones | Impressões
views | Aufrufe | Vues | Visualizaciones | Visualizações
clicks | Klicks | Clics | Clics | Cliques
click through rate (ctr) | Klickrate (CTR) | Taux de clics (CTR) | Porcentaje de clics; Tasa de clics (CTR) \
| Taxa de cliques (CTR)
likes | "Gefällt mir"-Angaben; Gefällt mir | J'aime | Recomendaciones | Gostaram
comments | Kommentare | Commentaires | Comentarios | Comentários
reposts | Reposts | Republications; Partages | Veces compartido | Compartilhamentos
engagements | Engagements; Interaktionen | Engagements; Interactions | Interacciones | Engajamentos
new followers | Neue Follower | Nouveaux abonnés | Nuevos seguidores | Novos seguidores
members reached | Erreichte Mitglieder | Membres touchés | Miembros alcanzados | Membros alcançados
post url | Beitrags-URL; URL des Beitrags | URL du post; URL de la publication | URL de la publicación \
| URL da publicação
post publish date | Veröffentlichungsdatum des Beitrags | Date de publication du post; Date de publication \
| Fecha de publicación | Data de publicação
"""

META = """
date | Datum | Date | Fecha | Data
primary | Primär | Principal; Primaire | Principal; Primario | Principal; Primário
post id | Beitrags-ID | Identifiant de la publication; ID de publication | Identificador de la publicación \
| Identificação do post
account id | Konto-ID | Identifiant du compte; ID du compte | Identificador de la cuenta | Identificação da conta
account username | Konto-Benutzername; Benutzername des Kontos | Nom d'utilisateur du compte \
| Nombre de usuario de la cuenta | Nome de usuário da conta
page id | Seiten-ID | Identifiant de la Page; ID de la Page | Identificador de la página | Identificação da Página
page name | Seitenname; Name der Seite | Nom de la Page | Nombre de la página | Nome da Página
permalink | Permalink | Permalien; Lien permanent | Enlace permanente | Link permanente
publish time | Veröffentlichungszeit | Heure de publication | Hora de publicación | Horário de publicação
views | Aufrufe | Vues | Visualizaciones | Visualizações
impressions | Impressionen | Impressions | Impresiones | Impressões
reach | Reichweite | Couverture | Alcance | Alcance
viewers | Betrachter; Zuschauer | Spectateurs | Espectadores | Espectadores
likes | "Gefällt mir"-Angaben; Gefällt mir | J'aime; Mentions J'aime | Me gusta | Curtidas
reactions | Reaktionen | Réactions | Reacciones | Reações
comments | Kommentare | Commentaires | Comentarios | Comentários
shares | Geteilte Inhalte; Mal geteilt; Geteilt | Partages | Veces que se compartió | Compartilhamentos
saves | Mal gespeichert; Gespeichert | Enregistrements | Veces que se guardó | Salvamentos
follows | Follows; Neue Follower | Followers; Suivis | Seguimientos | Seguimentos
total clicks | Klicks insgesamt | Total de clics; Nombre total de clics | Total de clics; Clics totales \
| Total de cliques
reactions, comments and shares | Reaktionen, Kommentare und geteilte Inhalte \
| Réactions, commentaires et partages | Reacciones, comentarios y veces que se compartió \
| Reações, comentários e compartilhamentos
total interactions | Interaktionen; Interaktionen insgesamt | Interactions; Total des interactions \
| Interacciones; Total de interacciones | Interações; Total de interações
3-second video views | 3-sekündige Videoaufrufe | Vues de vidéo de 3 secondes \
| Visualizaciones de video de 3 segundos; Reproducciones de vídeo de 3 segundos \
| Visualizações de vídeo de 3 segundos
link clicks | Link-Klicks; Linkklicks | Clics sur un lien; Clics sur le lien | Clics en el enlace | Cliques no link
"""

X = """
date | Datum | Date | Fecha | Data
impressions | Impressions; Impressionen | Impressions | Impresiones | Impressões
likes | Gefällt mir; "Gefällt mir"-Angaben | J'aime | Me gusta | Curtidas
engagements | Interaktionen | Engagements; Interactions | Interacciones | Engajamentos
bookmarks | Lesezeichen | Signets | Guardados; Elementos guardados | Itens salvos
shares | Geteilt | Partages | Compartidos; Veces compartido | Compartilhamentos
new follows | Neue Follower | Nouveaux abonnés; Nouveaux abonnements | Nuevos seguidores | Novos seguidores
unfollows | Entfolgt | Désabonnements | Dejaron de seguir | Deixaram de seguir
replies | Antworten | Réponses | Respuestas | Respostas
reposts | Reposts | Reposts; Republications | Reposts; Republicaciones | Reposts
profile visits | Profilbesuche | Visites du profil | Visitas al perfil | Visitas ao perfil
create post | Beiträge erstellt; Beitrag erstellen | Créer un post | Crear post | Criar post
video views | Videoaufrufe | Vues de vidéos | Visualizaciones de vídeos; Visualizaciones de videos \
| Visualizações de vídeo
media views | Medienaufrufe | Vues de médias | Visualizaciones multimedia | Visualizações de mídia
post id | Beitrags-ID; Post-ID | ID du post | ID del post | ID do post
post text | Beitragstext; Post-Text | Texte du post | Texto del post | Texto do post
url clicks | URL-Klicks | Clics sur l'URL | Clics en la URL | Cliques na URL
hashtag clicks | Hashtag-Klicks | Clics sur le hashtag | Clics en hashtags | Cliques em hashtags
detail expands | Detailerweiterungen | Ouvertures des détails | Ampliaciones de detalles | Expansões de detalhes
permalink clicks | Permalink-Klicks | Clics sur le permalien | Clics en enlaces permanentes \
| Cliques em links permanentes
user profile clicks | Profilklicks | Clics sur le profil | Clics en el perfil | Cliques no perfil
engagement rate | Interaktionsrate | Taux d'engagement | Tasa de interacción | Taxa de engajamento
"""

MEDIUM = """
date | Datum; Tag | Date; Jour | Fecha; Día | Data; Dia
title | Titel | Titre | Título | Título
presentations | Einblendungen | Présentations | Presentaciones | Apresentações
views | Aufrufe | Vues | Visualizaciones; Vistas | Visualizações
reads | Gelesen; Lesevorgänge | Lectures | Lecturas | Leituras
claps | Claps; Klatscher | Claps; Applaudissements | Aplausos | Aplausos
fans | Fans | Fans | Fans | Fãs
responses | Antworten; Kommentare | Réponses; Commentaires | Respuestas; Comentarios | Respostas; Comentários
followers | Follower | Abonnés | Seguidores | Seguidores
new followers | Neue Follower | Nouveaux abonnés | Nuevos seguidores | Novos seguidores
email subscribers | E-Mail-Abonnenten | Abonnés par e-mail | Suscriptores por correo | Assinantes por e-mail
read ratio | Leserate | Taux de lecture | Tasa de lectura | Taxa de leitura
"""

SUBSTACK = """
date | Datum; Tag | Date; Jour | Fecha; Día | Data; Dia
title | Titel | Titre | Título | Título
delivered | Zugestellt; Empfänger | Distribués; Destinataires | Entregados; Destinatarios | Entregues; Destinatários
opens | Öffnungen | Ouvertures | Aperturas | Aberturas
unique opens | Eindeutige Öffnungen | Ouvertures uniques | Aperturas únicas | Aberturas únicas
open rate | Öffnungsrate | Taux d'ouverture | Tasa de apertura | Taxa de abertura
clicks | Klicks | Clics | Clics | Cliques
unique clicks | Eindeutige Klicks | Clics uniques | Clics únicos | Cliques únicos
views | Aufrufe | Vues | Visualizaciones; Vistas | Visualizações
likes | Gefällt mir; Likes | J'aime | Me gusta | Curtidas
comments | Kommentare | Commentaires | Comentarios | Comentários
new subscribers | Neue Abonnenten | Nouveaux abonnés | Nuevos suscriptores | Novos assinantes
subscribers | Abonnenten | Abonnés | Suscriptores | Assinantes
paid subscribers | Zahlende Abonnenten | Abonnés payants | Suscriptores de pago | Assinantes pagos
"""


def normal(text: str) -> str:
    """A header as it is compared: small, with single spaces, one kind of quotes, without marks around it.

    >>> normal(" Watch  time (hours)"), normal("Impressions:"), normal("Mentions « J’aime »")
    ('watch time (hours)', 'impressions', 'mentions "j\\'aime"')
    """
    plain = unicodedata.normalize("NFKC", text).translate(_QUOTES).lower()
    plain = re.sub(r'"\s*([^"]*?)\s*"', r'"\1"', re.sub(r"\s+", " ", plain))
    return plain.strip(" :*\u200b\u200e\u200f")


def _read(table: str) -> dict[str, tuple[str, frozenset[str]]]:
    """A header in another language → the English one, and the languages it is in."""
    found: dict[str, tuple[str, frozenset[str]]] = {}
    for row in table.strip().splitlines():
        english_name, *others = (part.strip() for part in row.split("|"))
        for language, wordings in zip(LANGUAGES, others, strict=True):
            for wording in map(normal, wordings.split(";")):
                known, languages = found.get(wording, (english_name, frozenset[str]()))
                if known != english_name:
                    raise ValueError(f"{wording!r} stands for {known!r} and for {english_name!r}")
                found[wording] = (english_name, languages | {language})
    return found


_META = _read(META)
FOREIGN: Mapping[str, Mapping[str, tuple[str, frozenset[str]]]] = {
    "youtube": _read(YOUTUBE),
    "linkedin": _read(LINKEDIN),
    "facebook": _META,
    "instagram": _META,
    "meta": _META,
    "twitter": _read(X),
    "medium": _read(MEDIUM),
    "substack": _read(SUBSTACK),
}


def english(platform: str, header: str) -> str:
    """The English header of one as `normal` leaves it; itself where it is English, or unknown."""
    return FOREIGN[platform].get(header, (header,))[0]


def language_of(platform: str, headers: Iterable[str]) -> str:
    """The language most of a table's headers are in; `en` where all of them may be English.

    >>> language_of("youtube", ["datum", "aufrufe", "impressionen"]), language_of("youtube", ["date", "views"])
    ('de', 'en')
    """
    names = [header for header in headers if english(platform, header) != header]
    counted = Counter(language for name in names for language in FOREIGN[platform][name][1])
    return max(counted, key=lambda language: counted[language], default="en")
