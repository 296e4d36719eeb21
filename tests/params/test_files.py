"""Params files: what is accepted, and what an error says."""

import traceback
from pathlib import Path

import pytest

from analytics.baselines.registry import ALGORITHMS
from analytics.errors import ParamsError
from analytics.params.baselines import PARAMETERS
from analytics.params.files import load_params

RULE = "{channels: {team: TEAM}, rules: {r: {channels: [team], condition: %s}}}"
GITHUB = "platforms: {github: {adapter: github, display_name: G, %s}}"


def load(folder: Path, name: str, text: str):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return load_params(folder)


def test_the_params_in_the_repository_load():
    """A fresh clone starts from them."""
    params = load_params(Path(__file__).parents[2] / "params")

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
        (
            "baselines.yaml",
            "series: [{platform: a, metric: b, parameters: {lead_hour: 1}}]",
            ["a b: profile has no parameter 'lead_hour'", "'lead_hours'?"],
        ),
        ("baselines.yaml", "defaults: {parameters: {robust: true}}", ["defaults: profile has no parameter 'robust'"]),
        (
            "baselines.yaml",
            "{defaults: {parameters: {lead_hours: 1}}, series: [{platform: a, metric: b, algorithm: ewma}]}",
            ["a b: ewma has no parameter 'lead_hours'"],
        ),
        (
            "baselines.yaml",
            "{min_history_days: 14, series: [{platform: a, metric: b, window_days: 10}]}",
            ["series a b: window_days 10 is less than min_history_days 14"],
        ),
        ("baselines.yaml", "min_history_days: 60", ["defaults: window_days 30 is less than min_history_days 60"]),
        ("alerts.yaml", RULE % "threshold, config: {abvoe: 5}", ["rules.r.config.abvoe", "unknown key", "'above'?"]),
        ("alerts.yaml", RULE % "threshold", ["rules.r", "needs above or below"]),
        ("alerts.yaml", RULE % "threshold, config: {above: 5, for_minutes: soon}", ["config.for_minutes", "'soon'"]),
        ("alerts.yaml", RULE % "anomaly, config: {above: 5}", ["rules.r", "anomaly takes none"]),
        ("alerts.yaml", "rules: {r: {condition: anomaly, channels: []}}", ["rules.r.channels", "at least 1"]),
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


def test_the_parameters_that_params_know_are_the_algorithms_own():
    """Params are read before the algorithms, so the names stand in both places."""
    assert {name: set(entry.parameters({})) for name, entry in ALGORITHMS.items()} == PARAMETERS


KEY = "ghp_aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3z"
SLACK = "slack://ana:T1JJ3T3L2-hunter22@hooks.example.org"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("platforms.yaml", GITHUB % f"accounts: [{{id: a, credential: {KEY}}}]"),
        ("platforms.yaml", GITHUB % f"accounts: {{id: a, credential: {KEY}}}"),
        ("platforms.yaml", GITHUB % f"accounts: [[{{id: a, credential: {KEY}}}]]"),
        ("platforms.yaml", GITHUB % f"accounts: [{{id: a, credential: [{KEY}]}}]"),
        ("platforms.yaml", GITHUB % f"accounts: [{{id: a, credential: {{token: {KEY}}}}}]"),
        ("platforms.yaml", GITHUB % f"accounts: [{{id: a, credential: {{{KEY}: 1}}}}]"),
        ("platforms.yaml", GITHUB % f'accounts: [{{id: a, credential: "{KEY}}}]'),
        ("platforms.yaml", GITHUB % f"accounts: [{{id: a, credential: {KEY}: }}: ]"),
        ("platforms.yaml", f"platforms: [{{credential: {KEY}}}]"),
        ("platforms.yaml", f"- credential: {KEY}"),
        ("alerts.yaml", f"channels: {{team: '{SLACK}'}}"),
        ("alerts.yaml", f"channels: ['{SLACK}']"),
        ("alerts.yaml", f"channels: '{SLACK}'"),
        ("alerts.yaml", f"channels: {{'{SLACK}': TEAM}}"),
        ("alerts.yaml", f"rules: {{r: {{condition: anomaly, channels: ['{SLACK}']}}}}"),
    ],
)
def test_a_key_pasted_in_place_of_a_name_is_not_repeated(tmp_path, name, text):
    """The message goes to terminals, logs and the schedules' pages."""
    with pytest.raises(ParamsError) as caught:
        load(tmp_path, name, text)

    assert name in str(caught.value)
    logged = "".join(traceback.format_exception(caught.value))
    for part in (KEY, KEY[:12], KEY[-12:], "hunter22", "hooks.example"):
        assert part not in logged


def test_an_access_key_in_capitals_is_told_from_a_name(tmp_path):
    """It fits the pattern of a variable, and would have been shown as the variable that is not set."""
    with pytest.raises(ParamsError, match="may be a key") as caught:
        load(tmp_path, "platforms.yaml", GITHUB % "accounts: [{id: a, credential: AKIA0123456789ABCDEF}]")

    assert "AKIA" not in str(caught.value)


def test_what_should_be_queryable_within_five_minutes_is_polled_every_four():
    """A change right after a reading waits for the next poll, and for the round."""
    params = load_params(Path(__file__).parents[2] / "params")

    assert {
        name: params.platforms[name].schedule for name in ("twitter", "youtube", "github", "reddit")
    } == dict.fromkeys(("twitter", "youtube", "github", "reddit"), "*/4 * * * *")
    assert params.operations.detect == "2-59/4 * * * *"
