"""The networks behind the roles, a file for each family, and what families share."""
