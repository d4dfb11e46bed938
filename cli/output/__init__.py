"""The output of commands: rows for programs, tables for people, progress, prompts."""
