"""What travels between the rooms of the house, and what they all stand on: no model, no network, no torch."""
