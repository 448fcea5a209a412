"""Tests that run other test suites."""
