"""Params files: what is accepted, and what an error says."""

from pathlib import Path

import pytest

from analytics.errors import ParamsError
from analytics.params import load_params

GITHUB = "platforms: {github: {adapter: github, display_name: G, %s}}"


def load(folder: Path, name: str, text: str):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return load_params(folder)


def test_the_params_in_the_repository_load():
    """A fresh clone starts from them."""
    params = load_params(Path(__file__).parents[1] / "params")

    assert "github" in params.platforms
    assert params.reports["traffic"].notebook == "traffic"


def test_an_empty_folder_means_defaults(tmp_path):
    """Every file is optional."""
    params = load_params(tmp_path)

    assert params.platforms == {}
    assert params.baselines.defaults.window_days == 30


def test_a_missing_folder_says_which_setting_names_it(tmp_path):
    """The commonest mistake is to start somewhere else."""
    with pytest.raises(ParamsError, match="ANALYTICS_PARAMS_DIR"):
        load_params(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("platforms.yaml", GITHUB % "schedul: x", ["platforms.github.schedul", "unknown key", "'schedule'?"]),
        ("platforms.yaml", GITHUB % "schedule: '* * * *'", ["platforms.github.schedule", "'* * * *'", "five fields"]),
        ("platforms.yaml", GITHUB % "schedule: '61 * * * *'", ["platforms.github.schedule", "'61 * * * *'"]),
        ("platforms.yaml", GITHUB % "accounts: [{id: a, knd: own}]", ["github.accounts.0.knd", "'kind'?"]),
        ("platforms.yaml", GITHUB % "accounts: [{id: a}, {id: a}]", ["github", "account 'a' is named twice"]),
        ("platforms.yaml", GITHUB % "metrics: [stars, stars]", ["metric 'stars' is named twice"]),
        ("platforms.yaml", GITHUB % "policy: {raw_day: 3}", ["policy.raw_day", "'raw_days'?"]),
        ("platforms.yaml", GITHUB % "category: sociall", ["category", "'social'", "found 'sociall'"]),
        (
            "platforms.yaml",
            "platforms:\n  github: {adapter: g, display_name: G}\n  github: {adapter: g, display_name: G}\n",
            ["line 3", "'github' is named twice", "line 2"],
        ),
        ("platforms.yaml", "platforms: {github: {display_name: G}}", ["platforms.github.adapter", "required"]),
        ("platforms.yaml", "- a", ["expected keys and values", "list"]),
        ("platforms.yaml", "a: [", ["line 1"]),
        ("platforms.yaml", "a: !!python/object/apply:os.getcwd []", ["could not determine a constructor"]),
        ("baselines.yaml", "defaults: {algorithm: ewam}", ["defaults.algorithm", "'ewma'", "found 'ewam'"]),
        ("baselines.yaml", "default: {}", ["default", "'defaults'?"]),
        ("baselines.yaml", "defaults: {holidays: [XX]}", ["defaults.holidays", "'XX'", "DE, US-CA"]),
        ("baselines.yaml", "defaults: {holidays: [US-XX]}", ["defaults.holidays", "'US-XX'", "CA"]),
        ("baselines.yaml", "series: [{platform: a, metric: b}, {platform: a, metric: b}]", ["series a b", "twice"]),
        (
            "baselines.yaml",
            "series: [{platform: a, metric: b, masked: [{start: 2026-01-01, end: 2026-01-02, reason: x}]}]",
            ["masked.0", "time zone"],
        ),
        ("alerts.yaml", "rules: {r: {condition: anomaly, channels: [team]}}", ["'r'", "'team'", "not defined"]),
        ("reports/x.yaml", "timezone: Mars/Olympus", ["reports/x.yaml", "timezone", "Mars/Olympus"]),
        ("reports/x.yaml", "brand: {acent: '#111111'}", ["brand.acent", "'accent'?"]),
        ("platform.yaml", "", ["platform.yaml", "'platforms.yaml'?"]),
    ],
)
def test_a_wrong_entry_is_refused_with_file_key_and_what_was_expected(tmp_path, name, text, said):
    """The reader mends the file without opening the code."""
    with pytest.raises(ParamsError) as caught:
        load(tmp_path, name, text)

    assert str(tmp_path / name) in str(caught.value)
    assert "\n" not in str(caught.value)
    for part in said:
        assert part in str(caught.value)


def test_models_cannot_be_changed_after_loading(tmp_path):
    """Params are the source of truth for a whole run."""
    params = load(tmp_path, "platforms.yaml", GITHUB % "metrics: [stars]")

    with pytest.raises(ValueError, match="frozen"):
        params.platforms["github"].display_name = "other"
