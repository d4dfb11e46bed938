"""Duplicates: pairs with their evidence, groups around a keeper, a plan, and what is done by it."""
