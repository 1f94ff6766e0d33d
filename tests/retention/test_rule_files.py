"""Rules as YAML: what is written is what is read, and a file with a mistake loads nothing."""

from datetime import UTC, date, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from apps.ledger.models import Entry
from apps.retention import services
from apps.retention.models import Rule
from apps.retention.rule_files import Problem, RuleFileErrors, read_rules, write_rules
from tests.retention.factories import RuleFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
BRAZIL = {
    "region": "BR",
    "extends": "communications_content",
    "citation": "Lei 12.965/2014 art. 15",
    "reviewed_on": date(2026, 9, 1),
    "collections": ["platform:messages"],
    "categories": ["user.communication.content"],
}
SMALL = """\
version: 1
rules:
- key: cases
  data_family: requests
  description: "what was asked"
  kind: [limit, interest]
  period: P5Y
  starts_at: closed
  action: delete
  legal_basis: legitimate_interest
  capacity: controller
  source: ours
  why: to show that it was answered
"""


def read(text, current=()):
    return read_rules(text, now=NOW, current={rule.key: rule for rule in current})


def problems(text, current=()):
    with pytest.raises(RuleFileErrors) as refused:
        read(text, current)
    return refused.value.problems


@pytest.fixture
def no_rules():
    Rule.objects.all().delete()


@pytest.mark.req("RET-1")
def test_what_is_exported_and_loaded_elsewhere_is_the_same_to_the_byte(no_rules):
    services.seed_rules(now=NOW)
    RuleFactory(key="brazil", period="P12M", version=4, **BRAZIL)
    exported, digests = services.export_rules(), services.rules_version()
    Rule.objects.all().delete()
    assert services.import_rule_file(exported, now=NOW, actor="command").added == len(services.current_rules())
    assert services.export_rules() == exported
    assert services.rules_version() == digests


@given(
    why=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    citation=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=250),
    region=st.sampled_from(["any", "NO", "no", "ON", "null", "~", "0x1F", "1e3", "2026-01-31"]),
    names=st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))),
    reviewed_on=st.none() | st.dates(),
)
def test_any_text_comes_back_as_it_was(why, citation, region, names, reviewed_on):
    said = {"why": why, "citation": citation, "region": region, "collections": names, "reviewed_on": reviewed_on}
    rule = RuleFactory.build(version=7, **said)
    [back] = read(write_rules([rule]))
    assert back.facts == rule.facts


def test_norway_is_no_denial():
    assert read(SMALL + "  region: NO\n")[0].region == "NO"


def test_importing_what_is_in_force_changes_nothing_and_leaves_no_trace(no_rules):
    services.seed_rules(now=NOW)
    entries = Entry.objects.count()
    exported = services.export_rules()
    assert services.import_rule_file(exported, now=NOW, actor="command") == services.Imported(
        0, 0, Rule.objects.count()
    )
    assert Entry.objects.count() == entries


def test_a_file_that_was_written_from_an_older_version_is_refused(no_rules):
    services.import_rule_file(SMALL, now=NOW, actor="command")
    old = services.export_rules()
    services.import_rule_file(SMALL.replace("P5Y", "P6Y"), now=NOW, actor="command")
    with pytest.raises(RuleFileErrors, match=r"^Line 4: cases: version: Written from version 1"):
        services.import_rule_file(old.replace("P5Y", "P4Y"), now=NOW, actor="command")
    assert services.current_rules()["cases"].period == "P6Y"


def test_a_rule_that_comes_back_goes_on_counting(no_rules):
    RuleFactory(key="cases", version=3, replaced_at=NOW)
    services.import_rule_file(SMALL, now=NOW, actor="command")
    assert services.current_rules()["cases"].version == 4


@pytest.mark.parametrize(
    ("right", "wrong", "line", "field", "said"),
    [
        ("period: P5Y", "period: five years", 7, "period", "P6M"),
        ("period: P5Y", "period: [P5Y]", 7, "period", "plain text"),
        ("  period: P5Y\n", "", 3, "period", "missing"),
        ("period: P5Y", "period: P5Y\n  period: P6Y", 8, "period", "twice"),
        ("period: P5Y", "period: P5Y\n  max_period: P1Y", 8, "max_period", "shorter"),
        ("period: P5Y", "perriod: P5Y", 7, "perriod", "not known"),
        ("starts_at: closed", "starts_at: full_moon", 8, "starts_at", "full_moon"),
        ("kind: [limit, interest]", "kind: [limit, habit]", 6, "kind", "interest"),
        ("kind: [limit, interest]", "kind: []", 6, "kind", "interest"),
        ("kind: [limit, interest]", "kind: limit+duty", 3, "citation", "act and article"),
        ("source: ours", "source: ours\n  reviewed_on: last spring", 13, "reviewed_on", "2026-01-31"),
        ("source: ours", "source: ours\n  collections: platform:messages", 13, "collections", "list"),
        ("source: ours", "source: ours\n  version: 0", 13, "version", "number"),
        ("source: ours", 'source: "o\\0urs"', 12, "source", "stored"),
        ("source: ours", 'source: "\\ud800"', 12, "source", "stored"),
        ("source: ours", "source: !!python/object:os.system x", 12, "source", "plain text"),
        ("version: 1\n", "version: 2\n", 1, "version", "version: 1"),
        ("rules:\n", "rulers:\n", 2, "rulers", "not known"),
    ],
)
def test_a_mistake_is_told_with_its_line_rule_and_field(right, wrong, line, field, said):
    assert right in SMALL
    found = problems(SMALL.replace(right, wrong))
    assert [each for each in found if (each.line, each.field) == (line, field) and said in each.message], found


def test_every_mistake_is_told_at_once():
    two = SMALL + SMALL.partition("rules:\n")[2].replace("P5Y", "long").replace("delete", "burn")
    assert [(each.line, each.rule, each.field) for each in problems(two)] == [
        (14, "cases", "key"), (18, "cases", "period"), (20, "cases", "action"),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "rules", "- 1", "a: [", "a: &b [*b", "\x00", "[" * 5000, "x" * 600_000])
def test_what_is_no_file_of_rules_is_refused_in_words(text):
    [problem, *_] = problems(text)
    assert problem.message


@pytest.mark.req("RET-1")
def test_a_file_with_one_mistake_loads_nothing(no_rules):
    services.seed_rules(now=NOW)
    before = services.rules_version()
    text = services.export_rules().replace("period: P90D", "period: P30D").replace("key: web_visits", "key: web visits")
    with pytest.raises(RuleFileErrors, match="web visits: key"):
        services.import_rule_file(text, now=NOW, actor="command")
    assert services.rules_version() == before


# --- the command ------------------------------------------------------------------------------------------------------


def run(*words):
    out = StringIO()
    call_command("rules", *words, stdout=out)
    return out.getvalue()


def test_the_command_writes_a_file_and_reads_it(no_rules, tmp_path):
    services.seed_rules(now=NOW)
    file = tmp_path / "rules.yml"
    count = Rule.objects.count()
    assert run("export", str(file)) == f"Wrote {count} rules.\n"
    assert run("export", "-") == file.read_text(encoding="utf-8")
    assert run("import", str(file)) == "Nothing to change.\n"
    Rule.objects.all().delete()
    assert run("import", str(file)) == f"{count} new, 0 changed, 0 as they were.\n"


@pytest.mark.parametrize(
    ("text", "code", "said"), [(SMALL.replace("P5Y", "x"), 1, "1 to correct"), (None, 2, "No such file")]
)
def test_the_command_says_by_its_exit_code_what_happened(no_rules, tmp_path, text, code, said):
    file = tmp_path / "rules.yml"
    if text:
        file.write_text(text, encoding="utf-8")
    with pytest.raises(CommandError, match=said) as refused:
        run("import", str(file))
    assert refused.value.returncode == code
    assert not Rule.objects.exists()


def test_problems_read_as_a_sentence():
    assert str(Problem(7, "tax", "period", "No.")) == "Line 7: tax: period: No."
    assert str(Problem(0, "", "", "Too large.")) == "Too large."
