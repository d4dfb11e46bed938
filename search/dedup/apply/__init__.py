"""Application and undo of a plan: checked, journalled, and recovered after a crash."""
