"""Manifest and rows in, pages out: the dataset card, its plots and its contact sheets."""
