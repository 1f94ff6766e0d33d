"""Lists that staff take away as files ask for a fresh second factor; looking at them does not."""

import pytest
from django.urls import reverse

from tests.subject_requests.factories import PersonFactory

pytestmark = pytest.mark.django_db
LISTS = {"/desk/": "officer", "/registers/people/": "admin", "/evidence/": "auditor", "/evidence/outbox/": "auditor"}


@pytest.mark.threat("T37")
@pytest.mark.parametrize("path", LISTS)
def test_a_list_becomes_a_file_only_with_a_fresh_factor(client, sign_in, path):
    user = sign_in(client, PersonFactory(**{LISTS[path]: True}), fresh_factor=False)
    assert client.get(path).status_code == 200
    refused = client.get(f"{path}?format=csv")
    assert refused.url.startswith(reverse("account_step_up"))
    sign_in(client, user)
    taken = client.get(f"{path}?format=csv")
    assert taken["Content-Type"].startswith("text/csv")
    assert taken["Cache-Control"] == "no-store"
