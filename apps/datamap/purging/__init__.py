"""Purging: rows of one collection that have run out of time go, in batches, wherever they are stored.

- `orders.py`: what somebody wants gone, compiled for one table: which rows go, which stay and why
- `survey.py`: what would go, counted in a snapshot
- `walk.py`: the way through a collection: look for the next move, do it in one transaction with its receipt
- `windows.py`: moves by blocks of the heap; `keys.py`: by windows of the primary key, in MariaDB
- `steps.py`: such moves in many small transactions, where writers are at work beside them
- `partitions.py`: moves by whole partitions: drop, swap with the rows that stay, rewrite
- `pace.py`: how large the next batch may be, by what a writer beside it feels
"""
