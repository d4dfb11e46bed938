"""Everything a person touches: commands, what they print, settings, and the wiring of the parts.

`main` holds the table of commands and loads one only when it is asked for. `boundary` turns
every error into one line and an exit code. `settings` is read once, `wiring` builds library,
encoder, indexer and engine from it, and each file of `commands` is one verb.
"""
