"""What each benchmark draws and compares, as a `trainers.evaluation.plans.Plan`. Works in the core."""
