"""From a question and a conversation to an answer in the article's own words."""
