"""`analytics alerts list`: the key that `ack` needs is whole, on a narrow terminal and in a pipe."""

import io

from rich.console import Console

from analytics.cli.alerts import show

KEY = "20261120-0905-github-acme-orchard-stars-above"
WHAT = "github acme/orchard stars: [ten] times " + "x" * 90
ROW = (KEY, "critical", "2026-11-20 09:05", "open", "team, lead", "", WHAT)


def shown(*rows, **options):
    out = io.StringIO()
    show(rows, Console(file=out, highlight=False, markup=False, **options))
    return out.getvalue()


def test_the_key_is_whole_on_a_narrow_terminal():
    """At 80 columns it ended in an ellipsis."""
    assert KEY in shown(ROW, force_terminal=True, width=80, color_system=None)


def test_piped_each_incident_is_one_line_of_fields():
    assert shown(ROW, ROW, width=80) == 2 * ("\t".join(ROW) + "\n")
