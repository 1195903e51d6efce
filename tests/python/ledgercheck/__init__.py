"""Checks what a ledger of Order History gives out, written from docs/LEDGER.md alone: none of our code is in it."""
