"""What is predicted: yes or no, a class, or a number. One task a file."""
