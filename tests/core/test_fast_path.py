"""What is on the fast path is answered before Django, with the same headers by either door, and never fails loudly."""

import io
import json

import pytest
from django.test import Client

from apps.core import fast_path
from apps.core.fast_path import Answer, Buckets, Call, Dispatcher, Prepared, Refused, Remembered, network_of

URL = "/api/v1/consents/check"


def environ(path=URL, **more):
    given = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO()}
    return given | more


def through(dispatcher, **more):
    began = []
    body = b"".join(dispatcher(environ(**more), lambda status, headers: began.append((status, headers))))
    [(status, headers)] = began
    return status, dict(headers), body


def django(environ, start_response):
    start_response("200 OK", [])
    return [b"by Django"]


def test_the_dispatcher_answers_first_and_leaves_the_rest_to_django():
    status, headers, body = through(Dispatcher(django))
    assert (status, json.loads(body)["code"]) == ("401 Unauthorized", "token")
    assert headers["Content-Length"] == str(len(body))
    assert through(Dispatcher(django), path="/account/")[2] == b"by Django"


@pytest.mark.threat("T40")
def test_both_doors_give_the_same_headers():
    _status, headers, body = through(Dispatcher(django))
    response = Client().get(URL)
    assert dict(response.headers) == headers
    assert response.content == body
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_on_a_portal_of_the_world_nothing_is_answered_by_http(settings):
    settings.SECURE_SSL_REDIRECT, settings.SECURE_PROXY_SSL_HEADER = True, ("HTTP_X_FORWARDED_PROTO", "https")
    assert through(Dispatcher(django))[0] == "403 Forbidden"
    assert through(Dispatcher(django), HTTP_X_FORWARDED_PROTO="https")[0] == "401 Unauthorized"
    settings.SECURE_PROXY_SSL_HEADER = None
    assert through(Dispatcher(django), HTTP_X_FORWARDED_PROTO="https")[0] == "403 Forbidden"


@pytest.mark.threat("T57")
def test_a_failure_tells_nobody_what_was_sent(caplog):
    def failing(call):
        raise KeyError(call.header("HTTP_X_WHO"))

    given = fast_path._whole(failing, ("GET",), Call(environ(HTTP_X_WHO="jan@example.org")))
    assert (given.status, b"jan" in given.body) == (500, False)
    assert "KeyError" in caplog.text
    assert "jan@example.org" not in caplog.text


def test_other_methods_are_refused():
    given = fast_path._whole(lambda call: Answer(200), ("POST",), Call(environ()))
    assert (given.status, ("Allow", "POST") in given.headers) == (405, True)


@pytest.mark.threat("T38")
@pytest.mark.parametrize(
    ("address", "forwarded", "trusted", "network"),
    [
        ("203.0.113.9", "198.51.100.1", 0, "203.0.113"),
        ("203.0.113.9", "192.0.2.7, 198.51.100.1", 1, "198.51.100"),
        ("203.0.113.9", "", 1, "203.0.113"),
        ("2001:db8:1:2::9", "", 0, "2001:0db8:0001"),
        ("2001::5", "", 0, "2001:0000:0000"),
        ("nonsense", "", 0, ""),
        ("::ffff:203.0.113.9", "", 0, "203.0.113"),
        ("", "", 0, ""),
    ],
)
def test_a_network_is_told_by_trusted_proxies_alone(settings, address, forwarded, trusted, network):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = trusted
    assert network_of(Call(environ(REMOTE_ADDR=address, HTTP_X_FORWARDED_FOR=forwarded))) == network


def test_a_bucket_fills_again_and_never_grows(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(fast_path.time, "monotonic", lambda: clock[0])
    bucket = Buckets(a_second=2, burst=3)
    assert [bucket.take("a") for _ in range(4)] == [True, True, True, False]
    clock[0] += 0.5
    assert [bucket.take("a") for _ in range(2)] == [True, False]
    for name in range(bucket.SIZE * 2):
        bucket.take(str(name))
    assert len(bucket._level) <= bucket.SIZE


def test_what_is_remembered_is_read_again_after_its_time(monkeypatch):
    clock, found = [0.0], {"a": 1}
    monkeypatch.setattr(fast_path.time, "monotonic", lambda: clock[0])
    remembered = Remembered(found.get, seconds=5)
    assert remembered("a") == 1
    assert remembered("b") is None
    found |= {"a": 2, "b": 3}
    assert (remembered("a"), remembered("b")) == (1, 3)
    clock[0] = 5.0
    assert remembered("a") == 2


def test_a_connection_that_died_is_replaced_and_the_statement_sent_again(committed_db):
    from django.db import connection

    statement = Prepared("one", "SELECT %(a)s::int", milliseconds=1000)
    assert statement.rows({"a": 1}) == [(1,)]
    [(pid,)] = Prepared("pid", "SELECT pg_backend_pid() WHERE %(a)s = 1", milliseconds=1000).rows({"a": 1})
    from tests.template import connect

    connect(committed_db.owner_url).cursor().execute("SELECT pg_terminate_backend(%s)", [pid])
    assert statement.rows({"a": 2}) == [(2,)]
    connection.close()


@pytest.mark.django_db
def test_a_statement_gives_up():
    slow = Prepared("slow", "SELECT pg_sleep(%(a)s)", milliseconds=50)
    with pytest.raises(fast_path.psycopg2.errors.QueryCanceled):
        slow.rows({"a": 5})


def test_a_limit_stands_from_call_to_call_and_a_page_lifts_it(committed_db):
    from django.core.signals import request_started
    from django.db import connection

    shown = "SELECT current_setting('statement_timeout') WHERE %(a)s = 1"
    brief, long = Prepared("brief", shown, milliseconds=700), Prepared("long", shown, milliseconds=900)
    found = [each.rows({"a": 1}) for each in (brief, brief, long, brief)]
    assert found == [[(limit,)] for limit in ("700ms", "700ms", "900ms", "700ms")]
    request_started.send(sender=None)
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)
    connection.close()


def test_a_database_that_fails_is_a_matter_of_time():
    def failing(call):
        raise fast_path.psycopg2.OperationalError

    given = fast_path._whole(failing, ("GET",), Call(environ()))
    assert (given.status, ("Retry-After", "5") in given.headers) == (503, True)
    assert Refused(422, "x", "y", field="a").within("b[1]").body["field"] == "b[1].a"
