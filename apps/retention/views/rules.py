"""The register of rules: read by staff, changed by administrators, each change shown before it is made (T52)."""

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.services import name_actors
from apps.core import clock
from apps.core.errors import DomainError
from apps.core.http import file_response, reads_through_forms, require_access, require_fresh_factor
from apps.core.outcomes import tell_outcome
from apps.core.tables import Empty, csv_response
from apps.core.timeline import Event
from apps.ledger.models import Entry
from apps.retention import policies, services
from apps.retention.forms.rules import RuleFileForm, RuleForm
from apps.retention.models import Rule, RuleChange
from apps.retention.presentation import effects
from apps.retention.presentation import rules as shown
from apps.retention.states import ChangeStatus


@require_safe
@login_required
def rules(request: HttpRequest) -> HttpResponseBase:
    """The rules in force, and the changes that wait."""
    _require_reader(request)
    listing = shown.RuleListing(request)
    found = listing.searched(Rule.objects.current())
    if request.GET.get("format") == "csv":
        return csv_response("rules", shown.header(), found.order_by(*listing.order), shown.cells)
    page = listing.page(found)
    table = listing.table(page, list(map(shown.row, page.rows)), empty=_none(listing), **shown.TABLE)
    waiting = RuleChange.objects.visible_to(request.user).open().order_by("-proposed_at")
    context = {"table": table, "form": listing.form, "clear_url": listing.clear_url, "can_edit": _can_edit(request)}
    context["waiting"] = [(change, shown.summary(change)) for change in waiting]
    return render(request, "retention/rules.html", context)


def _none(listing: shown.RuleListing) -> Empty:
    if listing.chosen:
        return Empty(_("Nothing here"), _("No rule fits these filters."), listing.clear_url, _("Show everything"))
    return Empty(_("There is no rule"), _("Run “manage.py seed” to load the rules of the statement."))


@require_safe
@login_required
def export(request: HttpRequest) -> HttpResponse:
    """The rules in force as YAML."""
    _require_reader(request)
    kind = "application/yaml; charset=utf-8"
    return file_response(services.export_rules(), kind=kind, name="retention-rules.yml")


@require_safe
@login_required
def rule(request: HttpRequest, key: str) -> HttpResponse:
    """One rule: what it says, its versions with what each changed, and what waits."""
    _require_reader(request)
    versions = _versions(key)
    current = versions[0] if versions[0].replaced_at is None else None
    context = {
        "rule": shown.row(versions[0]),
        "current": current,
        "facts": shown.facts(versions[0]),
        "reached": shown.reached(current) if current else [],
        "versions": shown.versions(versions),
        "events": _events(request, f"retention.rule:{key}"),
        "waiting": RuleChange.objects.visible_to(request.user).open().filter(key=key).first(),
        "can_edit": _can_edit(request) and current is not None,
    }
    return render(request, "retention/rule.html", context)


# --- a change: written, shown, confirmed ------------------------------------------------------------------------------


@reads_through_forms
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def new(request: HttpRequest) -> HttpResponse:
    """A new rule."""
    _require_writer(request)
    return _step(request, "") if request.method == "POST" else _form_page(request, RuleForm.empty())


@reads_through_forms
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def edit(request: HttpRequest, key: str) -> HttpResponse:
    """A new version of a rule."""
    _require_writer(request)
    current = _current(key)
    return _step(request, key) if request.method == "POST" else _form_page(request, RuleForm.of(current))


def _step(request: HttpRequest, key: str) -> HttpResponse:
    """Written → shown what it would do → confirmed, which needs a fresh second factor; or back to writing."""
    step = _confirm if request.POST.get("step") == "confirm" else _show
    return step(request, key)


def _show(request: HttpRequest, key: str) -> HttpResponse:
    form = RuleForm(request.POST, key=key)
    if not form.is_valid() or request.POST.get("step") == "edit":
        return _form_page(request, form)
    try:
        seen = services.preview_change(**_said(form), now=clock.now())
    except DomainError as error:
        form.refuse(error)
        return _form_page(request, form)
    return _preview_page(request, seen, form=form, key=form.proposed_key)


@require_fresh_factor
def _confirm(request: HttpRequest, key: str) -> HttpResponse:
    form = RuleForm(request.POST, key=key)
    if not form.is_valid():
        return _form_page(request, form)
    try:
        change = services.propose_change(**_said(form), actor=request.user.key, now=clock.now())
    except DomainError as error:
        form.refuse(error)
        return _form_page(request, form)
    return _done(request, change)


def _said(form: RuleForm) -> dict[str, Any]:
    return {"key": form.proposed_key, "content": form.content, "base_version": form.cleaned_data["base_version"]}


def _done(request: HttpRequest, change: RuleChange) -> HttpResponse:
    if change.status == ChangeStatus.PROPOSED:
        messages.info(request, _("The change waits for a second person."))
        return redirect("retention:rule_change", change.pk)
    messages.success(request, _("The change is in force. The next sweep is planned with it."))
    return redirect("retention:rule", change.key)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def end(request: HttpRequest, key: str) -> HttpResponse:
    """Let a rule end: shown what that would do, then confirmed."""
    _require_writer(request)
    current = _current(key)
    if request.method == "POST":
        return _confirm_end(request, current)
    try:
        seen = services.preview_change(key=key, content={}, base_version=current.version, now=clock.now())
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("retention:rule", key)
    return _preview_page(request, seen, key=key, seen_version=current.version)


@require_fresh_factor
def _confirm_end(request: HttpRequest, current: Rule) -> HttpResponse:
    version = request.POST.get("seen_version", "")
    base = int(version) if version.isascii() and version.isdigit() and len(version) < 10 else current.version
    try:
        change = services.propose_change(
            key=current.key, content={}, base_version=base, actor=request.user.key, now=clock.now()
        )
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("retention:rule", current.key)
    return _done(request, change)


# --- a change that was proposed ---------------------------------------------------------------------------------------


@require_safe
@login_required
def change(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """A change: what it would do (or did), who proposed it, and the decision."""
    found = _change(request, pk)
    versions = {each.version: each for each in services.versions_of(found.key)}
    before = versions.get(found.base_version)
    after = services.rule_from(found.key, found.base_version + 1, found.content, now=clock.now())
    is_open = found.status == ChangeStatus.PROPOSED
    context = effects.page(before, after if found.content else None, found.preview) | {
        "change": found,
        "tag": shown.tag(found),
        "events": _events(request, f"retention.rulechange:{found.pk}"),
        "can_decide": is_open and policies.can_decide_change(request.user, found),
        "can_withdraw": is_open and policies.can_withdraw_change(request.user, found),
    }
    return render(request, "retention/rule_change.html", context)


@require_POST
@login_required
def decide(request: HttpRequest, pk: uuid.UUID, verb: str) -> HttpResponse:
    """Approve, decline, withdraw, or reckon again what it would do."""
    found = _change(request, pk)
    verbs: dict[str, Callable[..., HttpResponse]] = {"approve": _approve, "decline": _decline, "withdraw": _withdraw}
    verbs["refresh"] = _refresh
    if verb not in verbs:
        raise Http404
    may = policies.can_withdraw_change if verb == "withdraw" else policies.can_decide_change
    if not (may(request.user, found) or (verb == "refresh" and _can_edit(request))):
        raise PermissionDenied
    return verbs[verb](request, found)


@require_fresh_factor
def _approve(request: HttpRequest, found: RuleChange) -> HttpResponse:
    done = _("The change is in force. The next sweep is planned with it.")
    return _decided(request, found, services.approve_change, done)


def _decline(request: HttpRequest, found: RuleChange) -> HttpResponse:
    return _decided(request, found, services.decline_change, _("The change was declined. The rule stays as it is."))


def _withdraw(request: HttpRequest, found: RuleChange) -> HttpResponse:
    return _decided(request, found, services.withdraw_change, _("The change was withdrawn."))


def _refresh(request: HttpRequest, found: RuleChange) -> HttpResponse:
    def refresh(change: RuleChange, *, actor: str, now: Any) -> RuleChange:
        return services.refresh_preview(change, now=now)

    return _decided(request, found, refresh, _("This is what it would do now."))


def _decided(request: HttpRequest, found: RuleChange, verb: Callable[..., Any], done: str) -> HttpResponse:
    with tell_outcome(request, done=done):
        verb(found, actor=request.user.key, now=clock.now())
    return redirect("retention:rule_change", found.pk)


# --- a file of rules --------------------------------------------------------------------------------------------------


@reads_through_forms
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def file(request: HttpRequest) -> HttpResponse:
    """Rules from a file: read, shown what each would do, then proposed, all or none."""
    _require_writer(request)
    if request.method != "POST":
        return render(request, "retention/rules_file.html", {"form": RuleFileForm()})
    return (_propose_file if request.POST.get("step") == "confirm" else _show_file)(request)


def _show_file(request: HttpRequest) -> HttpResponse:
    form = _read_file(request)
    try:
        found = services.preview_rule_file(form.cleaned_data["text"], now=clock.now()) if form.is_valid() else None
    except DomainError as error:
        form.add_error("text", error.message.splitlines())
        found = None
    seen = [(each, effects.page(each.before, each.after, each.told)) for each in found or ()]
    return render(request, "retention/rules_file.html", {"form": form, "seen": seen, "is_read": found is not None})


@require_fresh_factor
def _propose_file(request: HttpRequest) -> HttpResponse:
    form = RuleFileForm(request.POST)
    if not form.is_valid():
        return render(request, "retention/rules_file.html", {"form": form})
    try:
        changes = services.propose_rule_file(form.cleaned_data["text"], actor=request.user.key, now=clock.now())
    except DomainError as error:
        form.add_error("text", error.message.splitlines())
        return render(request, "retention/rules_file.html", {"form": form})
    messages.success(request, shown.told_of_file(changes))
    return redirect("retention:rules")


def _read_file(request: HttpRequest) -> RuleFileForm:
    """What was sent; a file's text then stands in the box, to be corrected there and not lost."""
    form = RuleFileForm(request.POST, request.FILES)
    if request.FILES and form.is_valid():
        return RuleFileForm({"text": form.cleaned_data["text"]})
    return form


# --- shared -----------------------------------------------------------------------------------------------------------


def _form_page(request: HttpRequest, form: RuleForm) -> HttpResponse:
    return render(request, "retention/rule_form.html", {"form": form, "key": form.key})


def _preview_page(request: HttpRequest, seen: services.Previewed, *, key: str, **more: Any) -> HttpResponse:
    context = effects.page(seen.before, seen.after, seen.told) | more
    context |= {"key": key, "deletes_more": seen.deletes_more, "warnings": effects.warnings(seen.findings)}
    return render(request, "retention/rule_preview.html", context)


def _versions(key: str) -> list[Rule]:
    versions = services.versions_of(key)
    if not versions:
        raise Http404
    return versions


def _current(key: str) -> Rule:
    latest = _versions(key)[0]
    if latest.replaced_at is not None:
        raise Http404
    return latest


def _change(request: HttpRequest, pk: uuid.UUID) -> RuleChange:
    _require_reader(request)
    return get_object_or_404(RuleChange.objects.visible_to(request.user), pk=pk)


def _can_edit(request: HttpRequest) -> bool:
    return policies.can_edit_rules(request.user)


def _require_reader(request: HttpRequest) -> None:
    require_access(may_read=policies.can_see_rules(request.user))


def _require_writer(request: HttpRequest) -> None:
    require_access(may_read=policies.can_see_rules(request.user), may_write=policies.can_edit_rules(request.user))


def _events(request: HttpRequest, target: str) -> list[Event]:
    entries = list(Entry.objects.visible_to(request.user).about(target))
    return shown.history(entries, name_actors(entries, seen_by=request.user))
