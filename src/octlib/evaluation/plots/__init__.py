"""Plots: an evaluation, drawn; each file draws one kind and returns its axes."""
