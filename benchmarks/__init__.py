"""Ratios against peers, each with one command."""
