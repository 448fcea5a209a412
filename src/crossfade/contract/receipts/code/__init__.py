"""The code and files that an answer depends on."""
