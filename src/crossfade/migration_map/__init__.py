"""The map's TOML: parsed, checked, edited in place."""
