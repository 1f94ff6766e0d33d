"""One person's history is told with the words that were shown then."""

from datetime import timedelta

import pytest

from apps.consent.ids import event_id
from apps.consent.services import Decision, history_of, publish_texts, record_decision
from apps.core.clock import now

SUBJECT = {"scope": "provider", "subject_key": "user:1"}


def say(at, *, action, text, **facts):
    values = {"method": "switch", "choices": {"newsletter": action == "given"}, "language": "en"} | SUBJECT | facts
    decision = Decision(id=event_id(at), action=action, text=text, **values)
    record_decision(decision, now=at)
    return decision


def words(title, *, at):
    bodies = {"en": {"title": title}}
    return publish_texts(notice="newsletter", bodies=bodies, is_material=True, actor="command", now=at)["en"]


@pytest.mark.django_db
@pytest.mark.req("CON-1")
def test_each_act_comes_with_the_words_shown_then(django_assert_num_queries):
    at = now()
    first, second = words("News", at=at), words("News, monthly", at=at)
    for minutes in range(30):
        text, action = (first, "given") if minutes % 2 == 0 else (second, "withdrawn")
        say(at + timedelta(seconds=minutes), action=action, text=text)
    say(at, action="given", text=first, subject_key="user:2")
    with django_assert_num_queries(2):
        acts = history_of("provider", "user:1")
    assert [act.text.body["title"] for act in acts[:2]] == ["News", "News, monthly"]
    assert len(acts) == 30
    assert [act.event.at for act in acts] == sorted(act.event.at for act in acts)


@pytest.mark.django_db
def test_an_act_whose_text_is_not_here_is_told_all_the_same():
    say(now(), action="given", text="0" * 64)
    (act,) = history_of("provider", "user:1")
    assert act.text is None
