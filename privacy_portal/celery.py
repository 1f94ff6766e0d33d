"""The worker's app and the clock: every periodic task stands in this table, in git."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "privacy_portal.settings")

app = Celery("privacy_portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# name -> (task, seconds between two runs). A task finds its work by state, so a missed tick costs only time.
BEAT = {
    "deliver messages": ("apps.notifications.tasks.deliver_messages", 10),
    "forget expired plans": ("apps.datamap.tasks.forget_expired_plans", 3600),
    "make the sample platform's months ahead": ("apps.demo.tasks.make_months_ahead", 6 * 3_600),
    "make the months ahead of consent events": ("apps.consent.tasks.make_months_ahead", 6 * 3_600),
    "drop empty months of consent events": ("apps.consent.tasks.drop_empty_months", 24 * 3_600),
    "close ranges of consent events": ("apps.consent.tasks.close_ranges", 3_600),
    "end answers to ended purposes": ("apps.consent.tasks.end_answers", 60),
    "end replaced choices": ("apps.consent.tasks.end_replaced_choices", 3_600),
    "forget unconfirmed sign-ups": ("apps.accounts.tasks.forget_unconfirmed_sign_ups", 3600),
    "forget spent codes, limits and sessions": ("apps.accounts.tasks.forget_spent", 3600),
    "execute requests": ("apps.subject_requests.tasks.execute_requests", 5),
    "alert officers": ("apps.subject_requests.tasks.alert_officers", 300),
    "follow up silent requesters": ("apps.subject_requests.tasks.follow_up_silent_requesters", 3600),
    "purge packages": ("apps.subject_requests.tasks.purge_packages", 60),
    "forget closed requests": ("apps.subject_requests.tasks.forget_closed_requests", 3600),
    "alert owners of legal holds": ("apps.retention.tasks.alert_hold_owners", 3600),
    "erase pending rows": ("apps.subject_requests.tasks.erase_pending_rows", 3600),
    "move customers that leave": ("apps.retention.tasks.move_departures", 3600),
    "measure storage and over-kept rows": ("apps.retention.tasks.measure_retention", 900),
    "plan the nightly sweep": ("apps.retention.tasks.sweep_nightly", 600),
    "sweep": ("apps.retention.tasks.sweep", 10),
    "remove what ended": ("apps.consent.tasks.remove_what_ended", 10),
    "release payment methods": ("apps.consent.tasks.release_payment_methods", 3600),
}
app.conf.beat_schedule = {
    name: {"task": task, "schedule": seconds, "options": {"expires": seconds * 3}}
    for name, (task, seconds) in BEAT.items()
}
