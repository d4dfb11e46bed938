"""What an image file says of itself: Exif, IPTC, XMP, and the sidecars beside it."""
