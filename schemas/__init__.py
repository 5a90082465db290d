"""What travels between the rooms of the house: no model, no network, no torch."""
