# Makes .venv with what is asked for; sourced by serve.sh and test.sh. Does nothing the second time.
# On Debian and Ubuntu, system packages that are missing are installed with apt-get (and sudo).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

say() { printf '%s\n' "$*" >&2; }

apt_install() {
    if ! command -v apt-get >/dev/null; then
        say "Please install $* and run this again."
        exit 1
    fi
    local sudo=""
    if [ "$(id -u)" -ne 0 ]; then sudo="sudo"; fi
    say "Installing $* …"
    $sudo apt-get update -qq
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

find_python() {
    local name
    for name in python3 python3.11 python3.12 python3.13 python3.14; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    say "Python 3.11 or newer is needed and was not found."
    exit 1
}

# setup EXTRAS: the project and its extras (such as [test]) in .venv, unless they are there already.
setup() {
    local extras="${1:-}" python wanted made
    python="$(find_python)"
    wanted="$(cksum pyproject.toml) $extras"
    made="$(cat .venv/.made-from 2>/dev/null || true)"
    # What was made with extras serves without them, too.
    if [[ -n "$made" && "$made" == "$wanted"* ]]; then return; fi
    if [ ! -x .venv/bin/pip ]; then
        say "Making .venv …"
        if ! "$python" -c 'import ensurepip' 2>/dev/null; then
            apt_install "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
        fi
        "$python" -m venv .venv
    fi
    say "Installing ask-article and what it needs into .venv (some minutes, once) …"
    .venv/bin/pip install --quiet --disable-pip-version-check --upgrade pip
    # Alone and first, so that no other package's open range can choose another build of it.
    .venv/bin/pip install --quiet --disable-pip-version-check torch==2.13.0
    .venv/bin/pip install --quiet --disable-pip-version-check -e ".$extras"
    printf '%s' "$wanted" > .venv/.made-from
}
