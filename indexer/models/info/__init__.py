"""What a model is made of and how good it is, known without loading its weights."""
