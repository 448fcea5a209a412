"""Each defect that was measured between the frameworks, in a route of its own."""
