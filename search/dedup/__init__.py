"""Duplicates: pairs with evidence, groups around a keeper, plans, and their application."""
