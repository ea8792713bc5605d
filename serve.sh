#!/usr/bin/env bash
# Sets everything up, then serves the chat: ./serve.sh [the options of `ask-article serve`]
. "$(dirname "$0")/setup.sh"
setup
exec .venv/bin/ask-article serve "$@"
