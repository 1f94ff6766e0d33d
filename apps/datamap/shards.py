"""Stores that lie in several databases: each is a store of its own, "platform#1", "platform#2", …

A store with one address is just "platform". Of a store with several, every collection of the map stands once a shard:
searches, plans, erasures and sweeps see nothing but more stores and more collections. What people read is put together
again under the collection's name in the file (`Collection.base_key`).
"""

from dataclasses import replace

from apps.datamap.mapping import DataMap, Dataset

MARK = "#"


def base_of(store: str) -> str:
    """The store as files and settings call it, whichever shard this is."""
    return store.partition(MARK)[0]


def place_of(store: str) -> tuple[str, int]:
    """For sorting: shard 10 comes after shard 9."""
    base, _, shard = store.partition(MARK)
    return base, int(shard or 0)


def names_of(store: str, count: int) -> list[str]:
    """The stores that a store with so many addresses really is."""
    return [f"{store}{MARK}{number}" for number in range(1, count + 1)] if count > 1 else [store]


def key_in(store: str, base_key: str) -> str:
    """The collection in this shard, as the map in memory calls it."""
    shard = store.partition(MARK)[2]
    return f"{base_key}{MARK}{shard}" if shard else base_key


def sharded(dataset: Dataset, count: int) -> Dataset:
    """The dataset with each of its collections once a shard."""
    if count < 2:
        return dataset
    shards = [(store, store.partition(MARK)[2]) for store in names_of(dataset.store, count)]
    collections = [replace(one, store=store, shard=shard) for store, shard in shards for one in dataset.collections]
    return replace(dataset, collections=tuple(collections), shards=count)


def without_siblings(datamap: DataMap, store: str) -> DataMap:
    """The map without the other shards of this store: no reference leads from shard to shard, so that work in one
    needs none of the others to be up."""
    others = {
        one.store for one in datamap.collections.values() if one.store != store and base_of(one.store) == base_of(store)
    }
    if not others:
        return datamap
    kept = [
        replace(dataset, collections=tuple(one for one in dataset.collections if one.store not in others))
        for dataset in datamap.datasets
    ]
    return DataMap(tuple(kept))
