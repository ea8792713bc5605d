"""The faces on the web: the API and the chat page."""
