"""Everything a person touches: commands, what they print, and settings.

`main` holds the table of commands and loads one only when it is asked for. `errors` turns every
error into one line and an exit code. `settings` is read once, `session` makes of it the
`Sightline` that a command calls, and each file of `commands` is one command.
"""
