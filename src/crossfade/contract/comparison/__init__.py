"""What may differ, and how well a comparison would notice the rest."""
