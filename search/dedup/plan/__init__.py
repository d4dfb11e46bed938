"""From pairs to a plan: groups, their keepers, and an entry for each file."""
