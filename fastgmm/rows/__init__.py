"""The material: rows wherever they are, and the launches over them."""
