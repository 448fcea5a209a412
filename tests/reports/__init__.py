"""Reports: one result, four forms."""
