"""The `contract` client, runs of whole routes, and what they found."""
