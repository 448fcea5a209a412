"""Tests of the pytest plugin and of the contract behind it."""
