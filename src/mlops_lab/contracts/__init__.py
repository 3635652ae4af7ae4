"""What a table or a request must look like."""
