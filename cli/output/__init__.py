"""What commands write: rows for programs, tables for people, progress, prompts."""
