"""Each alert wakes somebody when it should, by Prometheus' own engine, and nobody otherwise."""

import subprocess

import pytest
import yaml

from phonehome_cloud.core import intake

# What a receiver says while all is well, or bad in a way that needs nobody.
QUIET = {
    'up{job="phonehome"}': "1x400",
    'phonehome_ready{part="database"}': "1x400",
    'phonehome_ready{part="lag"}': "0x400",
    "phonehome_commit_failures_total": "0x400",
    "phonehome_digest_lag_seconds": "2x400",
    "phonehome_effects_lag_seconds": "5x400",
    "phonehome_effects_dead": "3x400",
    "phonehome_dropped_records": "50x400",
    "phonehome_store_free_bytes": "100000000000-1000000x400",
    'process_open_fds{job="phonehome"}': "100x400",
    'process_max_fds{job="phonehome"}': "65536x400",
    "phonehome_connections_refused_total": "0+6x400",
    "phonehome_incidents_total": "0x400",
    'phonehome_digested_records_total{outcome="done"}': "0+60x400",
    'phonehome_considered_total{event="done"}': "0+60x400",
    **{
        f'phonehome_messages_total{{transport="http",reason="{reason}"}}': "0+60x400"
        for reason in (
            *(intake.ACCEPTED, intake.DUPLICATE, intake.TOO_FAST, intake.COPIED),
            *(intake.TOO_LARGE, intake.UNKNOWN_KID, intake.WRONG_PATH, intake.UNAVAILABLE),
            *("tag", "frame", "alg"),
        )
    },
}
# alert -> what is different then. "_" is a scrape without that series: a counter with labels is
# there from its first event on, and `increase` alone would not see that one.
LOUD = {
    "PhonehomeDown": {'up{job="phonehome"}': "1x300 0x100"},
    "PhonehomeNotReady": {'phonehome_ready{part="database"}': "1x300 0x100"},
    "PhonehomeBrokerGone": {'phonehome_ready{part="mqtt"}': "1x300 0x100"},
    "PhonehomeCommitsFail": {"phonehome_commit_failures_total": "0x300 0+1x100"},
    "PhonehomeCommitsSlow": {
        'phonehome_commit_seconds_bucket{le="1.0"}': "0x400",
        'phonehome_commit_seconds_bucket{le="2.5"}': "0+1x400",
        'phonehome_commit_seconds_bucket{le="+Inf"}': "0+1x400",
    },
    "PhonehomeOverloaded": {
        'phonehome_messages_total{transport="http",reason="overloaded"}': "0x300 0+60x100"
    },
    "PhonehomeStrangers": {
        'phonehome_messages_total{transport="http",reason="kid"}': "0x300 0+600x100"
    },
    "PhonehomeUnreadable": {
        'phonehome_messages_total{transport="http",reason="schema"}': "_x380 1x20"
    },
    "PhonehomeDigestBehind": {"phonehome_digest_lag_seconds": "2x300 400x100"},
    "PhonehomeRecordsSetAside": {
        'phonehome_digested_records_total{outcome="failed"}': "_x395 1x5"
    },
    "PhonehomeDiskFills": {"phonehome_store_free_bytes": "10000000000-10000000x400"},
    "PhonehomeDevicesDrop": {"phonehome_dropped_records": "50x350 50+10x50"},
    "PhonehomeFilesRunOut": {'process_open_fds{job="phonehome"}': "60000x400"},
    "PhonehomeConnectionsRefused": {"phonehome_connections_refused_total": "0+120x400"},
    "PhonehomeEffectsBehind": {"phonehome_effects_lag_seconds": "4000x400"},
    "PhonehomeEffectsDead": {"phonehome_effects_dead": "3x380 4x20"},
    "PhonehomeTicketsSetAside": {'phonehome_considered_total{event="failed"}': "_x380 1x20"},
    "PhonehomeIncident": {"phonehome_incidents_total": "0x380 1x20"},
}


@pytest.fixture(scope="module")
def rules(project):
    """The alert file."""
    return project / "cloud/deploy/alerts.yml"


def case(name, series):
    """One test of promtool: after 400 minutes exactly these alerts fire."""
    firing = [{"labels": f'{{alertname="{name}"}}', "value": 1}] if name else []
    return {
        "name": name or "quiet",
        "interval": "1m",
        "input_series": [{"series": k, "values": v} for k, v in series.items()],
        "promql_expr_test": [
            {
                "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                "eval_time": "400m",
                "exp_samples": firing,
            }
        ],
    }


def run(tmp_path, rules, cases):
    """What promtool makes of them."""
    file = tmp_path / "tests.yml"
    file.write_text(
        yaml.safe_dump(
            {"rule_files": [str(rules)], "evaluation_interval": "1m", "tests": list(cases)}
        )
    )
    return subprocess.run(
        ["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False
    )


def test_each_alert_fires_alone_and_none_when_all_is_well(tmp_path, rules):
    """In the same six hours of a receiver, with one thing different each time."""
    names = {
        rule["alert"]
        for group in yaml.safe_load(rules.read_text())["groups"]
        for rule in group["rules"]
    }
    assert LOUD.keys() == names
    cases = [case(name, QUIET | different) for name, different in LOUD.items()]
    done = run(tmp_path, rules, [case("", QUIET), *cases])
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_wrong_expectation_is_told(tmp_path, rules):
    """The control: another alert than the one that fires."""
    done = run(tmp_path, rules, [case("PhonehomeDown", QUIET | LOUD["PhonehomeIncident"])])
    assert "PhonehomeIncident" in done.stdout + done.stderr
    assert done.returncode == 1
