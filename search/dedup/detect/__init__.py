"""Pairs of duplicates: candidates, their comparison, and the evidence that is stored."""
