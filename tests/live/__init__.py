"""The migration map, live: edits of the file move routes of running servers."""
