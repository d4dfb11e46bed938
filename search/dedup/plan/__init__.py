"""From pairs to a plan: groups, their keepers, and what is to become of each file."""
