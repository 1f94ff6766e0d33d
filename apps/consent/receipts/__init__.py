"""Receipts: one internal record of an act, two forms of it that other programs read, and our signature under them."""
