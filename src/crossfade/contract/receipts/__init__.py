"""Proofs kept as files: written, checked, asked for."""
