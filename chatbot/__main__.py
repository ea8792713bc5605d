"""`python -m chatbot` is `ask-article`."""

from chatbot.cli import main

if __name__ == "__main__":
    main()
