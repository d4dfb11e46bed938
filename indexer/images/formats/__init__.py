"""The structure of image files, format by format: chunks, boxes, segments, directories."""
