"""What scores pictures: pure functions on numpy arrays, models apart. `docs/metrics.md` tells where each comes from."""
