"""The architecture and the published figures of models, without loading their weights."""
