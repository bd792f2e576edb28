"""Benchmarks: what the README and the model card claim, measured."""
