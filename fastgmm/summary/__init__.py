"""What a mixture, a fit and a selection say of themselves, for a terminal of 80 columns and for a notebook."""
