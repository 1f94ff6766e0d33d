"""One sweep with all that its page and its files tell."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Self

from django.utils import formats, timezone
from django.utils.translation import get_language_bidi
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.retention import policies, schedule_words
from apps.retention.models import Rule, Sweep, SweepPause, SweepTask
from apps.retention.presentation import amounts, pace, sweeps
from apps.retention.presentation.overview import names
from apps.retention.states import SweepStatus

SHORT = 12  # of a digest: enough to tell two apart


@dataclass(frozen=True)
class Run:
    """A sweep, read once. `before`: the last one that did something before it was planned."""

    sweep: Sweep
    tasks: Sequence[SweepTask]
    before: Sweep | None
    rules: Mapping[str, Rule]
    user: User
    sees_holds: bool
    now: datetime

    @classmethod
    def of(cls, sweep: Sweep, *, user: Any, now: datetime) -> Self:
        before = Sweep.objects.visible_to(user).ended().filter(started_at__lt=sweep.made_at).first()
        rules = {rule.key: rule for rule in Rule.objects.current()}
        return cls(sweep, list(sweep.tasks.all()), before, rules, user, policies.can_see_holds(user), now)

    @property
    def is_at_work(self) -> bool:
        return self.sweep.status in pace.AT_WORK

    @property
    def waits(self) -> bool:
        return bool(self.sweep.status == SweepStatus.WAITING)

    @cached_property
    def totals(self) -> pace.Totals:
        return pace.totals(self.sweep)

    @cached_property
    def points(self) -> list[pace.Point]:
        return pace.over_time(self.sweep)

    def page(self) -> dict[str, Any]:
        """What `retention/sweep.html` shows."""
        called = names(line["collection"] for line in self.sweep.lines)
        lines = sweeps.lines(self.sweep, self.before, self.rules, called, sees_holds=self.sees_holds)
        return {
            "sweep": self.sweep,
            "tag": {"text": sweeps.status(self.sweep), "tone": sweeps.TONES[self.sweep.status]},
            "facts": list(self._facts()),
            "waits_for": sweeps.waits_for(self.sweep) if self.waits else [],
            "refused_because": sweeps.refused_because(self.sweep),
            "lines": lines,
            "goes": amounts.number(self.sweep.planned),
            "before": self.before,
            "work": sweeps.work(self.tasks, self.rules, called, sees_holds=self.sees_holds),
            "pace": pace.in_words(self.totals),
            "is_paused": self.is_at_work and SweepPause.objects.standing().exists(),
            "progress": pace.progress(self.sweep, self.tasks, now=self.now) if self.is_at_work else None,
            "charts": pace.pace_charts(self.points, rtl=get_language_bidi()) if self.points else [],
        }

    def _facts(self) -> Iterator[dict[str, Any]]:
        """For `components/summary_list.html`."""
        sweep = self.sweep
        who = self._who()
        yield _fact(_("For the day"), formats.date_format(sweep.day, "DATE_FORMAT"))
        yield _fact(_("Planned"), *_stamp(sweep.made_at, who.get(sweep.made_by, sweep.made_by)))
        if sweep.approved_at:
            yield _fact(_("Approved"), *_stamp(sweep.approved_at, who.get(sweep.approved_by, sweep.approved_by)))
        if sweep.started_at:
            yield _fact(_("Started"), *_stamp(sweep.started_at))
        if sweep.finished_at:
            yield _fact(_("Finished"), *_stamp(sweep.finished_at, sweeps.took(sweep.started_at, sweep.finished_at)))
        if sweep.down:
            yield _fact(_("Not reached"), *sweep.down)
        yield _fact(_("By the rules"), *self._limited_to(), sweep.rules_version[:SHORT])
        yield _fact(_("By the data map"), sweep.map_version[:SHORT])

    def _limited_to(self) -> list[str]:
        known = [self.rules.get(key) for key in self.sweep.rules]
        said = [schedule_words.title(rule) for rule in known if rule]
        return said or [_("all of them")]

    def _who(self) -> dict[str, str]:
        """Who acted, for those who may see colleagues' names; others see the id that the ledger holds."""
        people = User.objects.visible_to(self.user).acting(self.sweep.made_by, self.sweep.approved_by)
        known = {"command": _("The command line"), "system": _("The portal")}
        return {person.key: person.full_name for person in people} | known


def _fact(label: str, *lines: str) -> dict[str, Any]:
    return {"label": label, "lines": [line for line in lines if line]}


def _stamp(at: datetime, *more: str) -> tuple[str, ...]:
    return (formats.date_format(timezone.localtime(at), "DATETIME_FORMAT"), *more)
