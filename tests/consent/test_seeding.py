"""What people are asked about stands in the register from the start, in three languages."""

from datetime import UTC, datetime

import pytest
from django.core.management import call_command

from apps.consent.models import Purpose, Text
from apps.consent.services import publish_texts
from apps.consent.states import Basis
from apps.datamap import services as datamap
from apps.ledger.models import Entry
from apps.processors.models import Processor

pytestmark = pytest.mark.django_db
BASES = {
    "saved_payment_method": Basis.CONSENT,
    "automatic_top_up": Basis.MANDATE,
    "newsletter": Basis.CONSENT,
    "product_marketing": Basis.INTEREST,
    "enrichment": Basis.INTEREST,
}


@pytest.mark.req("CON-1")
def test_every_purpose_has_its_ground_and_its_words_in_three_languages():
    assert {one.key: one.basis for one in Purpose.objects.filter(key__in=BASES)} == BASES
    for key in BASES:
        texts = Text.objects.current().filter(notice=key)
        assert {text.language for text in texts} == {"en", "nl", "ar"}
        for text in texts:
            assert {"title", "summary", "data", "effect", "ending"} <= text.body.keys()
            assert all(text.body.values())


def test_categories_and_recipients_are_those_of_the_map_and_of_the_register():
    for purpose in Purpose.objects.filter(key__in=BASES):
        assert set(purpose.data_categories) <= set(datamap.known_categories())
        names = set(Processor.objects.filter(name__in=purpose.recipients).values_list("name", flat=True))
        assert names == set(purpose.recipients)


def test_seeding_again_leaves_what_people_wrote():
    bodies = {text.language: text.body | {"title": "Ours"} for text in Text.objects.filter(notice="newsletter")}
    publish_texts(notice="newsletter", bodies=bodies, is_material=False, actor="command", now=datetime.now(UTC))
    Purpose.objects.filter(key="newsletter").update(recipients=["Zendesk"])
    before = (list(Text.objects.values()), list(Purpose.objects.values()), Entry.objects.count())
    call_command("seed", verbosity=0)
    assert (list(Text.objects.values()), list(Purpose.objects.values()), Entry.objects.count()) == before
