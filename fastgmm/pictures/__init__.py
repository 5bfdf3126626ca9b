"""Pictures, drawn by matplotlib, which is loaded when one of these modules is."""
