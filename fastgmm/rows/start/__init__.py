"""What a start needs of rows: a sample of them, k-means on it, and the nearest of its centres for every row."""
