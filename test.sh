#!/usr/bin/env bash
# Sets everything up, the browser included, then runs the tests: ./test.sh [options of pytest]
. "$(dirname "$0")/setup.sh"
if ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null &&
    ! command -v google-chrome >/dev/null; then
    apt_install chromium
fi
setup "[test]"
exec .venv/bin/python -m pytest "$@"
