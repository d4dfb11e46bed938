"""Nearest neighbours by FAISS: index files made from the catalogue, and the search in them."""
