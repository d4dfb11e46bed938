"""The drawn scenes that the small models know, and sentences about them."""
