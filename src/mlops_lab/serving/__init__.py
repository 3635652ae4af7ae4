"""The server: answers, writes down, learns of outcomes. Imports nothing heavy."""
