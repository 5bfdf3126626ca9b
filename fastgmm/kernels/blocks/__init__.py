"""A block of rows in a pass: loading, responsibilities, what is left out, what is told of each row."""
