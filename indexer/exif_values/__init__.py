"""The values of Exif tags as cameras and programs write them: texts, dates and positions.

Nothing here raises: a value that makes no sense is None.
"""
