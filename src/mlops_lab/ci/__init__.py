"""What a project's own CI does: validate a change against the live champion, and the workflows that call it."""
