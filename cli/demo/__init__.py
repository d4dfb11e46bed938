"""The demo: photos drawn by us, and a tour of searches and questions."""
