"""One image from its bytes to upright sRGB pixels: colour, orientation, bit depth, repair."""
