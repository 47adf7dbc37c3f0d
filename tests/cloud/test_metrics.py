"""The counts as a collector reads them."""

from prometheus_client.parser import text_string_to_metric_families

from phonehome_cloud.metrics import Metrics


def test_every_count_arrives():
    """Names, labels and values survive the text format."""
    metrics = Metrics()
    metrics.count_message("http", "accepted")
    metrics.count_message("http", "accepted")
    metrics.count_commit(2)
    metrics.set_waiting(7)
    metrics.count_digested(5, 1)
    metrics.count_tickets(3, 2)
    metrics.count_commands("sent", 4)
    metrics.set_commands_waiting(6)
    families = text_string_to_metric_families(metrics.render().decode())
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }
    assert found["phonehome_messages_total", "accepted", "http"] == 2
    assert found["phonehome_commit_messages_sum",] == 2
    assert found["phonehome_commit_waiting",] == 7
    assert found["phonehome_digested_records_total", "done"] == 4
    assert found["phonehome_digested_records_total", "failed"] == 1
    assert found["phonehome_tickets_total", "opened"] == 3
    assert found["phonehome_commands_total", "sent"] == 4
    assert found["phonehome_commands_waiting",] == 6
    assert found["phonehome_tickets_total", "resolved"] == 2


def test_two_receivers_in_one_process_do_not_share_counts():
    """Nothing is registered at import."""
    first, second = Metrics(), Metrics()
    first.count_message("mqtt", "tag")
    assert b'reason="tag"' not in second.render()
