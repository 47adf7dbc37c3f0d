"""The counts as a collector reads them, their page, and the alerts on them."""

import re
import subprocess

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from phonehome_cloud.metrics import Metrics


def test_every_count_arrives():
    """Names, labels and values survive the text format."""
    metrics = Metrics()
    metrics.count_message("http", "accepted")
    metrics.count_message("http", "accepted")
    metrics.count_commit(2, 0.003, 0.004)
    metrics.count_failures(3)
    metrics.time_digest(0.01)
    metrics.set_lag(12.5, 9)
    metrics.set_dropped(2, 40)
    metrics.set_free(10**9)
    metrics.set_ready("disk", is_ready=False)
    metrics.time_request("GET", "/api/v1/devices", 200, 0.01)
    metrics.set_waiting(7)
    metrics.count_digested(5, 1)
    metrics.count_tickets(3, 2)
    metrics.count_commands("sent", 4)
    metrics.set_commands_waiting(6)
    metrics.count_effect("mail", "sent", 0.2)
    metrics.set_effects(90.0, 4, 2)
    families = text_string_to_metric_families(metrics.render().decode())
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }
    assert found["phonehome_messages_total", "accepted", "http"] == 2
    assert found["phonehome_commit_messages_sum",] == 2
    assert found["phonehome_commit_seconds_sum",] == 0.003
    assert found["phonehome_commit_wait_seconds_sum",] == 0.004
    assert found["phonehome_commit_failures_total",] == 3
    assert found["phonehome_digest_seconds_count",] == 1
    assert found["phonehome_digest_lag_seconds",] == 12.5
    assert found["phonehome_digest_waiting",] == 9
    assert found["phonehome_dropping_devices",] == 2
    assert found["phonehome_dropped_records",] == 40
    assert found["phonehome_store_free_bytes",] == 10**9
    assert found["phonehome_ready", "disk"] == 0
    assert found["phonehome_api_seconds_count", "/api/v1/devices", "200", "GET"] == 1
    assert found["phonehome_commit_waiting",] == 7
    assert found["phonehome_digested_records_total", "done"] == 4
    assert found["phonehome_digested_records_total", "failed"] == 1
    assert found["phonehome_tickets_total", "opened"] == 3
    assert found["phonehome_commands_total", "sent"] == 4
    assert found["phonehome_commands_waiting",] == 6
    assert found["phonehome_effect_seconds_sum", "mail", "sent"] == 0.2
    assert found["phonehome_effects_lag_seconds",] == 90
    assert found["phonehome_effects_waiting",] == 4
    assert found["phonehome_effects_dead",] == 2
    assert found["phonehome_tickets_total", "resolved"] == 2


def test_two_receivers_in_one_process_do_not_share_counts():
    """Nothing is registered at import."""
    first, second = Metrics(), Metrics()
    first.count_message("mqtt", "tag")
    assert b'reason="tag"' not in second.render()


class Door:
    """Counts of connections."""

    connections, refused, cut = 5, 6, 7


def test_connections_are_read_when_the_collector_comes():
    """They are what the door counts for itself."""
    metrics = Metrics()
    metrics.watch_door(Door())
    text = metrics.render().decode()
    assert "phonehome_connections 5.0" in text
    assert "phonehome_connections_refused_total 6.0" in text
    assert "phonehome_connections_cut_total 7.0" in text


def families():
    """Every metric of a receiver: name -> (type, label names)."""
    metrics = Metrics("1")
    metrics.watch_door(Door())
    declared = {
        name: collector._labelnames
        for collector, names in metrics.registry._collector_to_names.items()
        if hasattr(collector, "_labelnames")
        for name in names
    }
    return {
        family.name: (family.type, tuple(declared.get(family.name, ())))
        for family in metrics.registry.collect()
    }


def test_every_metric_is_on_the_page_and_nothing_else(project):
    """Name, type and labels of each, as the code has them."""
    page = (project / "cloud/METRICS.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|([^|]*)\| \S", page, re.MULTILINE)
    told = {
        name: (kind, tuple(re.findall(r"`(\w+)`", labels)) if kind != "info" else ())
        for name, kind, labels in rows
    }
    assert told == families()


@pytest.fixture(scope="module")
def alerts(project):
    """The rules of the alert file."""
    document = yaml.safe_load((project / "cloud/deploy/alerts.yml").read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]


def test_every_alert_is_about_metrics_that_exist(alerts):
    """A renamed metric would make an alert silent for ever."""
    known = {"up"}
    for name, (kind, _) in families().items():
        ends = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(
            kind, ("",)
        )
        known |= {name + end for end in ends}
    for rule in alerts:
        used = set(
            re.findall(r"\b(?:phonehome|process|up)\w*", re.sub(r'".*?"', "", rule["expr"]))
        )
        assert used
        assert used <= known, rule["alert"]


def test_every_alert_has_its_runbook_and_no_runbook_is_left_over(alerts, project):
    """Whoever is woken finds a section of that name."""
    page = (project / "cloud/RUNBOOKS.md").read_text()
    sections = set(re.findall(r"^## (\w+)$", page, re.MULTILINE))
    assert {rule["alert"] for rule in alerts} == sections
    for rule in alerts:
        assert rule["annotations"]["runbook"] == f"RUNBOOKS.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in {"page", "ticket"}


def test_prometheus_takes_the_alerts(project):
    """Its own checker reads every expression and template."""
    file = project / "cloud/deploy/alerts.yml"
    done = subprocess.run(
        ["promtool", "check", "rules", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
