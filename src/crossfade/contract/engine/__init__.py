"""Runs cases on both sides and judges what they answered."""
