"""What a page may load and run, and the one place where markup is made from what the server sends later."""

import pytest
from django.template.loader import render_to_string

from apps.subject_requests.states import Status
from tests.subject_requests.factories import PersonFactory, at_status

pytestmark = [pytest.mark.django_db, pytest.mark.threat("T40")]


def policy(response):
    directives = (each.split() for each in response["Content-Security-Policy"].split("; "))
    return {name: " ".join(sources) for name, *sources in directives}


@pytest.mark.parametrize("path", ["/", "/processors/", "/account/login/", "/no/such/page/"])
def test_public_pages_load_nothing_but_our_own_files_and_make_no_markup_at_all(client, path):
    said = policy(client.get(path))
    assert said["default-src"] == "'none'"
    assert said["script-src"] == said["style-src"] == "'self'"
    assert said["require-trusted-types-for"] == "'script'"
    assert said["trusted-types"] == "'none'"
    assert "unsafe" not in str(said)
    assert "htmx" not in client.get(path).content.decode()


@pytest.mark.parametrize("side", ["desk", "requests"])
def test_where_a_part_is_swapped_one_policy_is_allowed_and_htmx_evaluates_nothing(client, sign_in, side):
    subject_request = at_status(Status.EXECUTING)
    sign_in(client, PersonFactory(officer=True) if side == "desk" else subject_request.filed_by)
    response = client.get(f"/{side}/{subject_request.reference}/")
    page = response.content.decode()
    assert policy(response)["trusted-types"] == "default"
    assert "unsafe" not in response["Content-Security-Policy"]
    assert "live.js" in page
    assert '"allowEval": false' in page
    assert "trusted-types 'none'" in client.get(f"/{side}/")["Content-Security-Policy"]


def test_a_page_whose_part_stands_still_has_no_policy(client, sign_in):
    subject_request = at_status(Status.IN_PROGRESS)
    sign_in(client, subject_request.filed_by)
    response = client.get(f"/requests/{subject_request.reference}/")
    assert policy(response)["trusted-types"] == "'none'"
    assert "htmx" not in response.content.decode()


def test_htmx_comes_from_its_package_and_after_the_policy():
    scripts = render_to_string("components/htmx.html")
    assert scripts.index("live.js") < scripts.index("django_htmx/htmx-2.min.js")
