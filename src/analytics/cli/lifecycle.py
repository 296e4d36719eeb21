"""`analytics lifecycle …`: what is kept, where, for how long."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(rich_markup_mode="rich", no_args_is_help=True)

RUN_EXAMPLES = """[bold]Examples[/]

  analytics lifecycle run --dry-run
  analytics lifecycle run
"""
ROLLUP_EXAMPLES = """[bold]Examples[/]

  analytics lifecycle rollup
"""
DELETE_EXAMPLES = """[bold]Examples[/]

  analytics lifecycle delete reddit --account acme --reason 'request of 2026-11-02'
  analytics lifecycle delete youtube --content dQw4w9WgXcQ --reason 'video withdrawn' --yes
"""


@app.command(epilog=RUN_EXAMPLES)
def run(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, change nothing.")] = False,
) -> None:
    """Roll up, move days down the tiers as the policies in params say, and clear up.

    Raw readings 30 days, hours to 90 days, days beyond in the archive. Nothing is dropped before what replaces it was
    written, read back and compared; an interrupted run is finished by the next.
    """
    from analytics.cli.screen import Console
    from analytics.cli.shown import steps
    from analytics.params.files import load_params
    from analytics.settings import load_settings
    from analytics.store import open_store

    settings = load_settings()
    params = load_params(settings.params_dir)
    console = Console(highlight=False, soft_wrap=True)
    with open_store(settings) as store:
        if dry_run:
            planned = store.lifecycle_plan(params)
            for step in planned:
                console.print(str(step))
            console.print(f"{len(planned)} steps; nothing was changed")
            return
        with steps("Lifecycle") as show:
            done = store.lifecycle_run(params, progress=lambda share: show.progress("days", share))
    console.print(f"{len(done)} steps: " + (_summary([step.to for step in done]) or "nothing to do"))


@app.command(epilog=ROLLUP_EXAMPLES)
def rollup() -> None:
    """Bring hourly, daily, weekly and monthly rollups up to date."""
    from analytics.cli.screen import Console
    from analytics.cli.shown import steps
    from analytics.settings import load_settings
    from analytics.store import open_store

    with open_store(load_settings()) as store, steps("Roll up") as show:
        done = store.roll_up(progress=lambda share: show.progress("hours and days", share))
    Console(highlight=False).print(f"{done.hours} hours, {done.days} days, {done.periods} weeks and months recomputed")


@app.command(epilog=DELETE_EXAMPLES)
def delete(
    platform: Annotated[str, typer.Argument(help="The platform, for example reddit.")],
    reason: Annotated[str, typer.Option(help="Kept on record with the request.")],
    account: Annotated[str | None, typer.Option(help="Whose readings; none: every account's.")] = None,
    content: Annotated[str | None, typer.Option(help="Which content's readings; none: every content's.")] = None,
    by: Annotated[str, typer.Option(help="Who asked.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete readings from every tier, archive included. There is no way back but a backup."""
    from analytics.cli.screen import Console
    from analytics.compute import cache as kept
    from analytics.settings import load_settings
    from analytics.store import open_store
    from analytics.store.deletion import Deletion

    settings = load_settings()
    with open_store(settings) as store:
        accounts = None if account is None else [account]
        contents = None if content is None else [content]
        found = store.series(platforms=[platform], accounts=accounts, content_ids=contents)
        if not yes:
            typer.confirm(f"Delete {len(found)} series of {platform} for good?", abort=True)
        store.delete(Deletion(platform, account, content, reason, by))
    kept.forget(settings.kept_dir)
    Console(highlight=False).print(f"{len(found)} series deleted from every tier; the request is on record")


def _summary(tiers: list[str]) -> str:
    return ", ".join(f"{tiers.count(tier)} days to {tier}" for tier in ("warm", "cold", "gone") if tier in tiers)
