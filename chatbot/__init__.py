"""Ask an article: `Chatbot.open(sources=["seeds"]).ask("…")` gives an `Answer` with citations."""

from chatbot.answers import Answer, Citation, CitedSentence, Request, Turn
from chatbot.bot import Chatbot
from chatbot.config import Settings

__all__ = ["Answer", "Chatbot", "Citation", "CitedSentence", "Request", "Settings", "Turn"]
