"""The metadata of an image file: Exif, IPTC, XMP, and its sidecars."""
