"""Pages to look at: contact sheets and the report of duplicates."""
