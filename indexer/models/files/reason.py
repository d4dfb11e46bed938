"""The reason of a library that could not use a file, in one line that fits a message."""


def short_reason(error: Exception, most: int = 160) -> str:
    """Return what an error says, on one line and at most so many characters; never nothing."""
    return " ".join(str(error).split())[:most] or type(error).__name__
