"""Notifications against receivers that accept, refuse, hang or are gone; mail against a real server."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from mailbox import Maildir
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from servers.loopback import Request, Response, answering
from servers.real import free_port

if TYPE_CHECKING:
    import dagster as dg


def job(name: str, **config: Any) -> tuple["dg.JobDefinition", dict[str, Any]]:
    from flowlock_dagster.job import workflow_job

    return workflow_job(f"dagster_workflows:{name}"), config


def ticked(sensor: "dg.SensorDefinition", instance: "dg.DagsterInstance", cursor: str | None) -> str:
    """Run a tick as the daemon does, and return the cursor that it leaves."""
    import dagster as dg

    with dg.build_sensor_context(instance=instance, cursor=cursor, sensor_name="notifications") as context:
        answer = sensor.evaluate_tick(context)
    assert answer.cursor is not None
    return str(answer.cursor)


def ran(instance: "dg.DagsterInstance", name: str, **config: Any) -> str:
    made, run_config = job(name, **config)
    done = made.execute_in_process(run_config=run_config, instance=instance, raise_on_error=False)
    return str(done.run_id)


def test_runs_that_ended_before_the_sensor_was_on_are_not_reported(
    instance: "dg.DagsterInstance", monkeypatch: pytest.MonkeyPatch
) -> None:
    from flowlock_dagster.notifications.channels import Webhook
    from flowlock_dagster.notifications.sensor import notification_sensor

    accepted: list[Request] = []
    monkeypatch.setenv("HOOK_SECRET", "whsec_cGxhbnRlZA==")

    def answer(request: Request) -> Response:
        accepted.append(request)
        return Response(status=200)

    with answering(answer) as url:
        monkeypatch.setenv("HOOK", url)
        sensor = notification_sensor([Webhook(url="HOOK", signed_with="HOOK_SECRET")])
        ran(instance, "single", only={"value": 1})
        cursor = ticked(sensor, instance, None)
        assert not accepted
        later = ran(instance, "single", only={"value": 1})
        failed = ran(instance, "twice")
        for _ in range(3):
            cursor = ticked(sensor, instance, cursor)
    assert [(one.json["run"], one.json["event"]) for one in accepted] == [
        (later, "success"),
        (failed, "failure"),
    ]
    assert "FL732" in accepted[1].json["problems"][0]


def test_what_a_receiver_refuses_is_delivered_later_and_holds_up_no_other(
    instance: "dg.DagsterInstance", monkeypatch: pytest.MonkeyPatch
) -> None:
    from flowlock_dagster.notifications import sensor as module
    from flowlock_dagster.notifications.channels import Webhook
    from flowlock_dagster.notifications.sensor import Outbox, notification_sensor

    monkeypatch.setenv("HOOK_SECRET", "whsec_cGxhbnRlZA==")
    statuses = {"one": [500, 302, 503, 200], "two": [200]}
    received: dict[str, list[str]] = {"one": [], "two": []}

    def answer(request: Request) -> Response:
        name = request.path.strip("/")
        status = statuses[name].pop(0)
        if status == 200:
            received[name].append(request.headers["webhook-id"])
        return Response(status=status, headers={"Location": "/two"})

    with answering(answer) as url:
        monkeypatch.setenv("ONE", f"{url}/one")
        monkeypatch.setenv("TWO", f"{url}/two")
        channels = [Webhook(url=name, signed_with="HOOK_SECRET") for name in ("ONE", "TWO")]
        sensor = notification_sensor(channels)
        cursor = ticked(sensor, instance, None)
        run = ran(instance, "single", only={"value": 1})
        cursor = ticked(sensor, instance, cursor)
        assert received == {"one": [], "two": [f"{run}-success"]}
        # It is not due yet: nothing is sent.
        assert ticked(sensor, instance, cursor) == cursor
        monkeypatch.setattr(module, "_PAUSE", 0.0)
        left = Outbox.loaded(cursor)
        left.left = [replace(delivery, due=0.0) for delivery in left.left]
        cursor = left.text()
        for _ in range(4):
            cursor = ticked(sensor, instance, cursor)
    assert received["one"] == [f"{run}-success"]
    assert received["two"] == [f"{run}-success"]
    assert Outbox.loaded(cursor).left == []


def test_a_secret_or_an_address_that_is_missing_is_said_and_nothing_is_lost(
    instance: "dg.DagsterInstance", monkeypatch: pytest.MonkeyPatch
) -> None:
    from flowlock_dagster.notifications.channels import DeliveryError, Webhook
    from flowlock_dagster.notifications.message import Message
    from flowlock_dagster.notifications.sensor import Outbox, notification_sensor

    hook = Webhook(url="NO_HOOK", signed_with="NO_SECRET")
    with pytest.raises(DeliveryError, match="NO_SECRET is not set"):
        hook.deliver(Message(id="1", document={}))
    monkeypatch.setenv("NO_SECRET", "not base64!")
    with pytest.raises(DeliveryError, match="NO_SECRET is not base64"):
        hook.deliver(Message(id="1", document={}))
    monkeypatch.setenv("NO_SECRET", "cGxhbnRlZA==")
    monkeypatch.setenv("NO_HOOK", f"http://user:planted-4711@127.0.0.1:{free_port()}/")
    with pytest.raises(DeliveryError) as error:
        hook.deliver(Message(id="1", document={}))
    assert "planted-4711" not in str(error.value)
    sensor = notification_sensor([hook])
    cursor = ticked(sensor, instance, None)
    ran(instance, "single", only={"value": 1})
    (left,) = Outbox.loaded(ticked(sensor, instance, cursor)).left
    assert (left.ending, left.attempts) == ("success", 1)


@contextmanager
def mail_server(folder: Path) -> Iterator[int]:
    """A mail server on loopback, which keeps what it gets in a folder as a Maildir."""
    from aiosmtpd.handlers import Mailbox
    from aiosmtpd.smtp import SMTP

    port, keeper = free_port(), Mailbox(str(folder))
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(lambda: SMTP(keeper, loop=loop), "127.0.0.1", port))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_a_mail_names_the_run_and_has_the_same_id_in_every_attempt(
    instance: "dg.DagsterInstance", monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from flowlock_dagster.notifications.channels import Email
    from flowlock_dagster.notifications.sensor import notification_sensor

    with mail_server(tmp_path / "mail") as port:
        mail = Email(
            host="127.0.0.1",
            port=port,
            sender="dagster@example.org",
            receivers=("ada@example.org", "bob@example.org"),
            encrypted=False,
        )
        sensor = notification_sensor([mail])
        cursor = ticked(sensor, instance, None)
        run = ran(instance, "twice")
        for _ in range(2):
            cursor = ticked(sensor, instance, cursor)
    (message,) = Maildir(tmp_path / "mail")
    assert message["X-RcptTo"] == "ada@example.org, bob@example.org"
    text = message.as_string()
    assert "Subject: twice: failure" in text
    assert f"Message-ID: <{run}-failure@example.org>" in text
    assert "FL732" in text
