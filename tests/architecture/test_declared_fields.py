"""Every field of every table says on the data map what it holds about people, or that it holds nothing about them."""

from importlib import import_module
from importlib.util import find_spec

from django.apps import apps

PUZZLED = "declare it in a personal_data.py, with a category, or among the impersonal ones"


def datasets():
    named = [config.name for config in apps.get_app_configs() if config.name.startswith("apps.")]
    return [import_module(f"{name}.personal_data").DATASET for name in named if find_spec(f"{name}.personal_data")]


def tables():
    """Table -> columns, of every Django model: those of other people's apps too, and the tables between models."""
    models = [model for model in apps.get_models(include_auto_created=True) if not model._meta.proxy]
    return {model._meta.db_table: {field.column for field in model._meta.local_concrete_fields} for model in models}


def declared(given):
    """(personal, impersonal): table -> column names; "*" in the set stands for the whole table."""
    personal, impersonal = {}, {}
    for dataset in given:
        for collection in dataset["collections"]:
            fields = {field["name"] for field in collection["fields"]}
            personal.setdefault(collection["name"], set()).update(fields)
        for table, fields in dataset.get("meta", {}).get("portal", {}).get("impersonal", {}).items():
            impersonal.setdefault(table, set()).update(fields)  # "*" is a set of one
    return personal, impersonal


def forgotten(given, live):
    """Columns nobody declared, and declarations that no column answers to."""
    personal, impersonal = declared(given)
    for table, columns in sorted(live.items()):
        known = personal.get(table, set()) | impersonal.get(table, set())
        if "*" not in known:
            yield from (f"{table}.{column}: {PUZZLED}" for column in sorted(columns - known))
        yield from (f"{table}.{name}: no such column" for name in sorted(known - columns - {"*"}))
        both = personal.get(table, set()) & impersonal.get(table, set())
        yield from (f"{table}.{name}: declared personal and impersonal" for name in sorted(both))
    yield from (f"{table}: no such table" for table in sorted({*personal, *impersonal} - set(live)))


def test_every_field_of_every_model_is_declared():
    assert list(forgotten(datasets(), tables())) == []


def dataset(fields=(), impersonal=None):
    collections = [{"name": "thing", "fields": [{"name": name} for name in fields]}] if fields else []
    return {"collections": collections, "meta": {"portal": {"impersonal": impersonal or {}}}}


def test_a_field_declared_nowhere_is_found_out():
    live = {"thing": {"id", "email"}}
    assert list(forgotten([dataset(["id"])], live)) == [f"thing.email: {PUZZLED}"]
    assert list(forgotten([], live)) == [f"thing.email: {PUZZLED}", f"thing.id: {PUZZLED}"]


def test_a_field_may_be_declared_in_two_files_as_personal_or_impersonal_but_not_as_both():
    live = {"thing": {"id", "email"}}
    assert list(forgotten([dataset(["email"]), dataset(impersonal={"thing": ["id"]})], live)) == []
    assert list(forgotten([dataset(impersonal={"thing": "*"})], live)) == []
    found = list(forgotten([dataset(["id", "email"], {"thing": ["id"]})], live))
    assert found == ["thing.id: declared personal and impersonal"]


def test_a_declaration_without_a_column_or_a_table_is_found_out():
    assert list(forgotten([dataset(["id", "gone"])], {"thing": {"id"}})) == ["thing.gone: no such column"]
    assert list(forgotten([dataset(["id"])], {})) == ["thing: no such table"]
