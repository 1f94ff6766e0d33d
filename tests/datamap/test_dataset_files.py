"""A dataset is loaded when everything in it is true; what is wrong is named with its line and the right name."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.datamap.dataset_files import Document, read_file
from apps.datamap.declarations import declare
from apps.datamap.loading import check_everything, check_files, load_files
from apps.datamap.models import DatasetVersion
from apps.datamap.problems import DatasetErrors
from apps.datamap.registry import own_documents
from apps.datamap.taxonomy import OURS, known, matches
from tests.datamap.conftest import HERE, NOW, Shop

# ruff: noqa: E501  the wrong line, the right line and what is said of it stand side by side
SHOP = (HERE / "shop.yml").read_text()

WRONG: dict[str, tuple[str, str, str]] = {
    # what is written instead of what: the line says so, and names the right word
    "column": ("{name: street,", "{name: streat,", "shop.addresses has no column “streat”; did you mean “street”?"),
    "table": ("- name: attachments", "- name: atachments", "no collection is called “attachments”; did you mean “atachments”?"),
    "category": ("user.contact.address.city]", "user.contact.address.town]", "unknown category “user.contact.address.town”"),
    "identity": ("identity: phone_number}}", "identity: phone}}", "unknown identity type “phone”; did you mean “phone_number”?"),
    "reference": ("field: people.id, direction: from", "field: people.ident, direction: from", "no field “ident” in people"),
    "collection": ("field: orders.id", "field: order.id", "no collection “order” in shop; did you mean “orders”?"),
    "meta key": ("primary_key: true}}", "primary_kee: true}}", "unknown key “primary_kee”; did you mean “primary_key”?"),
    "field key": ("data_categories: [user.contact.address.street]", "data_category: [user]", "unknown key “data_category”"),
    "portal key": ("capacity: processor\n", "capacitty: processor\n", "unknown key “capacitty”; did you mean “capacity”?"),
    "capacity": ("capacity: processor\n", "capacity: procesor\n", "unknown capacity “procesor”; did you mean “processor”?"),
    "tenant": ("addresses: {tenant: account_id}", "addresses: {tenant: acount_id}", "no column “acount_id”; did you mean “account_id”?"),
    "clock": ("clock: issued_on", "clock: isued_on", "no column “isued_on”; did you mean “issued_on”?"),
    "direction": ("direction: to}]}", "direction: too}]}", "should be 'from' or 'to'"),
    "type": ("data_type: string}}", "data_type: strin}}", "The data type strin is not supported."),
    "identity column": ("{name: balance, data_categories: [user.financial]}",
                        "{name: balance, data_categories: [user.financial], fides_meta: {identity: email}}",
                        "the identity email can't stand in a column of type NUMERIC"),
    "strategy": ("addresses: {tenant: account_id}", "addresses: {tenant: account_id, strategy: deleet}", "did you mean “delete”?"),
    "schema": ("schema: shop", "schema: shopp", "there is no table shopp."),
    "store": ("store: platform", "store: platfrom", "unknown store “platfrom”; did you mean “platform”?"),
    "twice": ("    name: Shop\n", "    name: Shop\n    name: Shop\n", "“name” stands here twice"),
}  # fmt: skip


@pytest.mark.threat("T28")
def test_every_mistake_is_named_with_its_line_and_nothing_is_loaded(shop: Shop) -> None:
    before = list(DatasetVersion.objects.values_list("fides_key", "number"))
    for name, (right, wrong, message) in WRONG.items():
        text = SHOP.replace(right, wrong, 1)
        line = SHOP[: SHOP.index(right)].count("\n") + 1
        path = shop.file(text)
        with pytest.raises(DatasetErrors) as caught:
            load_files([path], stores={}, actor="command", now=NOW)
        told = [str(problem) for problem in caught.value.problems]
        assert any(message in one and one.startswith(path) for one in told), (name, told)
        if name not in ("table", "schema", "identity column", "twice", "strategy"):
            assert any(one.startswith(f"{path}:{line}:") for one in told), (name, line, told)
    assert list(DatasetVersion.objects.values_list("fides_key", "number")) == before


def test_loading_is_all_or_nothing_over_several_files(shop: Shop) -> None:
    good = shop.file(
        SHOP.replace("fides_key: shop\n", "fides_key: second\n").replace("dataset: shop,", "dataset: second,")
    )
    bad = shop.file(SHOP.replace("name: street,", "name: streat,"), "bad.yml")
    with pytest.raises(DatasetErrors):
        load_files([good, bad], stores={}, actor="command", now=NOW)
    assert not DatasetVersion.objects.filter(fides_key="second").exists()
    load_files([good], stores={}, actor="command", now=NOW)
    assert DatasetVersion.objects.filter(fides_key="second", number=1, is_current=True).exists()


def test_loading_again_makes_a_version_only_when_something_changed(shop: Shop) -> None:
    shop.load()
    shop.load(SHOP.replace("name: Shop\n", "name: Our shop\n"))
    assert list(DatasetVersion.objects.order_by("number").values_list("number", "is_current")) == [
        (1, False),
        (2, True),
    ]


def test_the_command_prints_each_mistake_and_fails_with_one_line(shop: Shop, capsys: Any) -> None:
    path = shop.file(SHOP.replace("name: street,", "name: streat,").replace("name: file,", "name: fil,"))
    with pytest.raises(CommandError) as caught:
        call_command("datamap", "check", path)
    assert str(caught.value).count("\n") == 0
    assert "and 1 more" in str(caught.value)
    out = capsys.readouterr().out
    assert "did you mean “street”?" in out
    assert "did you mean “file”?" in out


FIDES = """
dataset:
  - fides_key: shop_as_fides_has_it
    organization_fides_key: default_organization
    name: Written for Fides
    fides_meta: {namespace: {schema: shop}}
    collections:
      - name: people
        fides_meta: {after: [shop_as_fides_has_it.addresses], skip_processing: false}
        fields:
          - {name: id, data_categories: [user.unique_id], fides_meta: {primary_key: True}}
          - {name: email, data_categories: [user.contact.email], fidesops_meta: {identity: email, data_type: string}}
          - name: address_id
            data_categories: [system.operations]
            fidesops_meta:
              references: [{dataset: shop_as_fides_has_it, field: addresses.id, direction: to}]
          - name: full_name
            data_categories: [user.name]
            fides_meta: {data_type: string, length: 40, masking_strategy_override: {strategy: null_rewrite}}
      - name: addresses
        fields:
          - {name: id, fides_meta: {primary_key: True}}
          - {name: city, data_categories: [user.contact.address.city]}
      - name: order_items
        fields:
          - {name: order_id, data_categories: [system.operations]}
          - {name: item_no}
"""


def test_a_file_written_for_fides_loads(shop: Shop) -> None:
    versions, report = load_files([shop.file(FIDES)], stores={}, actor="command", now=NOW)
    assert [(one.fides_key, one.store) for one in versions] == [("shop_as_fides_has_it", "platform")]
    assert any("can't be reached" in one.message for one in report.advice)  # order_items has no way in


def test_a_table_without_any_key_is_refused(shop: Shop) -> None:
    shop.sql("CREATE TABLE shop.heap (a int, email text); GRANT ALL ON shop.heap TO portal_app")
    text = FIDES.replace("- name: order_items", "- name: heap").replace("order_id", "a").replace("item_no", "email")
    report = check_files([shop.file(text)])
    assert [str(one).split(": ", 1)[1] for one in report.problems] == [
        "heap: shop.heap has no primary key: rows can't be told apart"
    ]


@pytest.mark.threat("T28")
def test_a_file_cannot_name_the_portals_own_tables(shop: Shop) -> None:
    text = FIDES.replace("{schema: shop}", "{schema: public}").replace("- name: people", "- name: accounts_user")
    text = text.replace("name: address_id", "name: phone_number").replace("- name: addresses", "- name: ledger_entry")
    report = check_files([shop.file(text)])
    assert sum("the portal's own tables are declared in its code" in one.message for one in report.problems) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no dataset"),
        ("dataset: 3", "holds no dataset"),
        ("dataset:\n  - 3", "a dataset is a mapping"),
        ("a: [", "is not YAML"),
        ("dataset: [{fides_key: x, name: y}]", "Field required"),
        ("dataset: !!python/object/apply:os.system [ls]", "a dataset is a mapping"),
        ("a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\ndataset: " + "[" * 30 + "]" * 30, "a dataset is a mapping"),
    ],
)
def test_nonsense_is_refused_in_words(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "x.yml"
    path.write_text(text)
    documents = read_file(path)
    for document in documents:
        declare(document)
    assert any(message in str(problem) for document in documents for problem in document.problems)


def test_endless_aliases_end(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    path = tmp_path / "x.yml"
    path.write_text("\n".join(lines))
    assert "unfolds to more than" in str(read_file(path)[0].problems[0])


def test_a_category_matches_itself_and_its_dotted_descendants() -> None:
    assert matches("user.device.cookie", "user.device")
    assert matches("user.device.cookie", "user.device.cookie")
    assert not matches("user.device.cookie_id", "user.device.cookie")
    assert not matches("user.device", "user.device.cookie")
    assert len(known() - OURS) == 85
    assert all(one.rpartition(".")[0] in known() for one in OURS)


@pytest.mark.req("ROLE-1")
def test_the_portals_own_datasets_are_right(shop: Shop) -> None:
    report = check_everything()
    assert [str(one) for one in report.problems] == []
    assert {document.value["fides_key"] for document in own_documents()} >= {"portal_accounts", "portal_datamap"}


def test_a_missing_index_and_a_store_without_receipts_are_named_with_their_remedy(shop: Shop) -> None:
    shop.sql("DROP INDEX shop.people_email_idx; DROP TABLE shop.portal_effects")
    advice = [str(one) for one in check_files([str(HERE / "shop.yml")]).advice]
    wanted = "shop:people: no index begins with the identity column email → CREATE INDEX people_email_idx ON shop.people (email)"
    assert wanted in advice
    assert any(
        "has no table portal_effects" in one and "CREATE TABLE IF NOT EXISTS shop.portal_effects" in one
        for one in advice
    )
    shop.load(SHOP.replace("name: Shop\n", "name: Our shop\n"))  # loading makes the table where it may
    assert shop.rows("SELECT count(*) FROM shop.portal_effects") == [(0,)]


def test_a_store_is_registered_with_its_address_sealed(shop: Shop) -> None:
    text = FIDES.replace("shop_as_fides_has_it", "elsewhere")
    url = shop.clone.app_url
    call_command("datamap", "load", shop.file(text), "--store", f"warehouse={url}")
    assert DatasetVersion.objects.get(fides_key="elsewhere").store == "warehouse"
    (sealed,) = shop.rows("SELECT url FROM datamap_store")[0]
    assert url.encode() not in bytes(sealed)


def test_a_document_says_where_a_place_stands() -> None:
    document = Document("x.yml", {"collections": [{"name": "a", "fields": [{"name": "b"}]}]}, {("collections", 0): 3})
    assert document.line(("collections", 0, "fields", 0, "name")) == 3
    assert document.words(("collections", 0, "fields", 0, "name")) == "a.b.name"


def test_a_collection_is_called_by_its_label_in_the_language_of_the_page():
    from apps.datamap.mapping import Collection

    plain = Collection(dataset="d", name="call_recordings", store="s", schema=None, capacity="processor", fields=())
    named = Collection(
        dataset="d", name="x", store="s", schema=None, capacity="processor", fields=(), label=(("ar", "س"), ("en", "X"))
    )
    assert (plain.called("nl"), named.called("ar"), named.called("nl")) == ("call recordings", "س", "X")


@pytest.mark.django_db
def test_every_collection_of_the_portals_own_map_has_a_name_in_every_language():
    from apps.datamap.registry import own_datasets

    for dataset in own_datasets():
        for collection in dataset.collections:
            assert dict(collection.label).keys() >= {"en", "nl", "ar"}, collection.key
