"""What apps above this one may want to know of a hold; they answer in their `receivers.py`."""

from django.dispatch import Signal

hold_lifted = Signal()
"""A hold was lifted, in the transaction that did: `hold`, `now`. Whoever queued what it kept lets that go now."""

hold_asked_about = Signal()
"""What has a hold stopped so far? `hold`; each receiver answers with `[(words, count), …]`."""
