"""What the receiver says of itself: readiness with its reasons, logs, request ids, spans."""

import asyncio
import json
import logging
import re
import sys

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from phonehome_cloud import migrations
from phonehome_cloud.errors import ConfigError
from phonehome_cloud.logs import JSONFormatter, TextFormatter, about
from phonehome_cloud.metrics import Metrics
from phonehome_cloud.store import receivers, schema
from phonehome_cloud.store.database import Database
from phonehome_cloud.tracing import TracedIntake
from phonehome_cloud.web import health
from tests.cloud.running import TOKEN, running
from tests.cloud.test_serving import begin

DEADLINE_S = 40


async def ready(receiver):
    """Status and lines of /readyz."""
    async with receiver.session.get(receiver.url + "/readyz") as answer:
        return answer.status, dict(
            line.split(": ", 1) for line in (await answer.text()).splitlines()
        )


@pytest.mark.usefixtures("each_database")
async def test_a_ready_receiver_has_written_that_it_lives(tmp_path):
    """The check of the database is a commit; the row says since when who runs."""
    async with running(tmp_path) as receiver:
        status, found = await ready(receiver)
        assert (status, set(found.values())) == (200, {"ok"})
        rows = await receiver.database.read(lambda c: c.execute(schema.receiver.select()).all())
        assert len(rows) == 1
        assert rows[0].seen_at >= rows[0].started_at > 0


async def test_a_full_disk_is_named_before_it_is_full(tmp_path):
    """Below ready.free_mb the answer is no, with how much is left and whose wish it is."""
    async with running(tmp_path, READY_FREE_MB="1000000000") as receiver:
        status, found = await ready(receiver)
        assert status == 503
        assert re.fullmatch(r"\d+ MB are free in /.*, ready.free_mb wants \d+", found["disk"])


async def test_a_schema_that_somebody_changed_is_named(tmp_path):
    """A newer version migrated under a running receiver."""
    async with running(tmp_path) as receiver:
        revise = "UPDATE alembic_version SET version_num = '9999'"
        await receiver.database.write(lambda c: c.exec_driver_sql(revise))
        _, found = await receiver.eventually(
            lambda: ready(receiver), lambda answer: answer[0] == 503
        )
        assert "the schema is at 9999" in found["schema"]


@pytest.mark.usefixtures("each_database")
async def test_a_digest_that_is_behind_is_told_but_takes_nothing_out_of_service(tmp_path):
    """Reports are taken as before: a delay must not become an outage."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        assert (await receiver.up(voice.report(voice.fault(520193, 7))))[0] == 200
        readiness = receiver.app[health.READINESS]
        readiness.add("lag", health.lag_check(lambda: 301.0, 300), is_needed=False)
        status, found = await receiver.eventually(
            lambda: ready(receiver), lambda answer: answer[1]["lag"] != "ok"
        )
        assert (status, found["lag"]) == (
            200,
            "the oldest record waits since 301 s, ready.lag_s wants 300",
        )


async def test_a_check_that_hangs_is_named(monkeypatch):
    """Whatever a part waits for, the answer comes."""
    monkeypatch.setattr(health, "_WITHIN_S", 0.05)
    readiness = health.Readiness(Metrics())
    readiness.add("stuck", asyncio.Event().wait)
    found = await readiness.look()
    assert found == {"stuck": "no answer in 0.05 s"}
    assert not readiness.is_ready(found)


async def test_a_change_is_logged_once(caplog, monkeypatch):
    """When it breaks and when it is well again, not in between; and the gauge follows."""
    monkeypatch.setattr(health, "_GOOD_FOR_S", 0.0)
    caplog.set_level(logging.INFO)
    metrics, wrong = Metrics(), ["", "no room", "no room", "", ""]

    async def check():
        return wrong.pop(0)

    readiness = health.Readiness(metrics)
    readiness.add("disk", check)
    gauges = []
    while wrong:
        await readiness.look()
        gauges.append(b'phonehome_ready{part="disk"} 1.0' in metrics.render())
    assert gauges == [True, False, False, True, True]
    assert [r.getMessage() for r in caplog.records] == ["disk: no room", "disk: well again"]


async def test_asking_in_a_loop_costs_no_commit_each():
    """An answer is good for a second, for all who ask at once, too."""
    asked = []

    async def check():
        asked.append(1)
        await asyncio.sleep(0)
        return ""

    readiness = health.Readiness(Metrics())
    readiness.add("database", check)
    await asyncio.gather(*(readiness.look() for _ in range(50)))
    assert len(asked) == 1


async def test_too_many_open_files_are_named():
    """Sixty-four are kept in reserve."""
    assert await health.files_check(lambda: 100_000)() == ""
    assert "file descriptors are used" in await health.files_check(lambda: 60)()


@pytest.mark.usefixtures("each_database")
async def test_gauges_follow_the_database(tmp_path):
    """What waits for the digest, and what devices dropped, as the newest boot says."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        for dropped in (3, 7):
            await receiver.up(voice.report(voice.heartbeat(), dropped=dropped))
        other = await receiver.register()
        await receiver.up(other.report(other.heartbeat(), dropped=0))
        assert await receiver.database.read(receivers.count_dropped) == (1, 7)
        backlog = await receiver.database.read(receivers.load_backlog)
        assert (backlog.since_at, backlog.waiting) == (None, 0)
        await receiver.database.write(
            lambda c: c.execute(schema.record.update().values(digested_at=None, received_at=5))
        )
        backlog = await receiver.database.read(receivers.load_backlog)
        assert backlog.waiting in {0, 3}, "all or none: the digest runs beside us"


def test_a_json_line_has_who_it_is_about():
    """One object: time, level, logger, message, request, device, and a traceback as text."""
    record = logging.LogRecord("x", logging.WARNING, "f", 1, "of %s", ("it",), None)
    record.device = "a4cf12fffe05d3b1"
    with about(request="r1", device="ffffffffffffffff"):
        event = json.loads(JSONFormatter().format(record))
        assert (
            TextFormatter()
            .format(record)
            .endswith("WARNING x of it request=r1 device=a4cf12fffe05d3b1")
        )
    assert event.pop("at").endswith("+00:00")
    assert event == {
        "level": "WARNING",
        "logger": "x",
        "message": "of it",
        "request": "r1",
        "device": "a4cf12fffe05d3b1",
    }
    try:
        int("why")
    except ValueError:
        record.exc_info = sys.exc_info()
    assert "ValueError: invalid literal" in json.loads(JSONFormatter().format(record))["error"]


async def test_a_receiver_logs_json_when_it_is_told(tmp_path):
    """Every line of its standard error is an object, and none holds a secret."""
    process = await begin(tmp_path, "serve", LOG_FORMAT="json", MASTER_KEY="ab" * 32)
    async with asyncio.timeout(DEADLINE_S):
        await process.stdout.readline()
        process.terminate()
        _, errors = await process.communicate()
    assert process.returncode == 0
    for line in errors.decode().splitlines():
        assert {"at", "level", "logger", "message"} <= json.loads(line).keys()
    assert b"ab" * 32 not in errors
    assert TOKEN.encode() not in errors


async def test_an_unreadable_message_is_logged_with_its_device_and_report(tmp_path, caplog):
    """What the quarantine calls it; a stranger's message is only counted."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        message = voice.sealed(b"\xff")
        assert (await receiver.up(message))[0] == 422
        assert (await receiver.up(b"x"))[0] == 401
        rows = await receiver.database.read(lambda c: c.execute(schema.quarantine.select()).all())
    told = [r for r in caplog.records if r.name.endswith("intake")]
    assert [(r.device, r.report) for r in told] == [(voice.device, rows[0].hash.hex())]
    assert voice.key.hex() not in caplog.text


@pytest.mark.parametrize(("given", "kept"), [("abc-1", True), ("a b", False), ("x" * 65, False)])
async def test_a_request_has_an_id_which_its_answer_carries(tmp_path, given, kept):
    """That of the client, when it is one; refusals have one, too."""
    async with running(tmp_path) as receiver:
        await receiver.api("GET", "/devices", headers={"X-Request-Id": given})
        assert (receiver.headers["X-Request-Id"] == given) is kept
        assert len(receiver.headers["X-Request-Id"]) in {5, 16}
        await receiver.api("GET", "/devices", 401, token="")
        assert re.fullmatch("[0-9a-f]{16}", receiver.headers["X-Request-Id"])
        text = receiver.app[health.METRICS].render().decode()
        assert 'route="/api/v1/devices",status="401"' in text


async def test_invented_methods_and_paths_make_no_new_series(tmp_path):
    """Otherwise anybody could fill the memory of the collector."""
    async with running(tmp_path) as receiver:
        await receiver.api("PROPFIND", "/nowhere/1", 404)
        await receiver.api("GET", "/nowhere/2", 404)
        text = receiver.app[health.METRICS].render().decode()
        assert 'phonehome_api_seconds_count{method="other",route="other",status="404"} 2.0' in text
        assert "nowhere" not in text


class Collector:
    """An OTLP collector on a free port, that keeps what it is sent."""

    def __init__(self):
        self.spans = []

    async def take(self, request):
        """One export."""
        message = ExportTraceServiceRequest.FromString(await request.read())
        self.spans += [
            span
            for resource in message.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        return web.Response()

    async def start(self):
        """Listen; returns the URL."""
        app = web.Application()
        app.router.add_post("/v1/traces", self.take)
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        return f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/v1/traces"


async def test_messages_commits_digests_and_requests_are_traced_when_it_is_wanted(tmp_path):
    """Spans arrive by OTLP; a request continues the trace of its client; no bytes are in them."""
    collector = Collector()
    url = await collector.start()
    trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    async with running(tmp_path, TRACE_URL=url, TRACE_RATIO="1") as receiver:
        voice = await receiver.register()
        await receiver.up(voice.report(voice.heartbeat()))
        await receiver.up(voice.report(voice.fault(520_192, 7)))
        async with asyncio.timeout(10):
            while (await receiver.api("GET", "/tickets"))["items"] == []:
                pass  # each of them is a digest's turn
        headers = {"traceparent": f"00-{trace}-{parent}-01"}
        await receiver.api("GET", f"/devices/{voice.device}", headers=headers)
    await collector.runner.cleanup()
    by_name = {span.name: span for span in collector.spans}
    assert {"message", "commit", "digest", "POST /api/v1/devices"} <= by_name.keys()
    shown = {a.key: a.value.string_value for a in by_name["message"].attributes}
    assert (shown["phonehome.device"], shown["phonehome.reason"]) == (voice.device, "accepted")
    request = by_name["GET /api/v1/devices/{device}"]
    assert (request.trace_id.hex(), request.parent_span_id.hex()) == (trace, parent)


async def test_without_a_url_no_message_meets_a_tracer(tmp_path):
    """Off costs nothing: intake is the plain class, and OpenTelemetry is not even imported."""
    async with running(tmp_path) as receiver:
        assert not isinstance(receiver.intake, TracedIntake)
    code = "import sys, phonehome_cloud.app; print('opentelemetry' in sys.modules)"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE
    )
    assert (await process.communicate())[0] == b"False\n"


async def test_traces_without_their_libraries_stop_the_start(tmp_path, monkeypatch):
    """The line says what to install."""
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(ConfigError, match=r"phonehome\[traces\]"):
        async with running(tmp_path, TRACE_URL="http://127.0.0.1:1/v1/traces"):
            pass


def test_the_newest_schema_is_not_outdated(tmp_path):
    """The check of a healthy receiver finds nothing."""
    database = Database(f"sqlite:///{tmp_path}/a.db")
    database.open()
    migrations.prepare(database)
    assert database.write_now(migrations.find_outdated) == ""
    database.close()
