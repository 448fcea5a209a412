"""Tests of crossfade."""
