"""Proofs of routes: mutation strength, receipts, and the commands that stand on them."""
