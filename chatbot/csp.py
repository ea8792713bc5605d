"""What a Content-Security-Policy lets a page's script do, as browsers read it (CSP level 3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from chatbot.web.learn import origin_of

Rules = Mapping[str, list[str]]

_SCHEME = r"[a-z][a-z0-9+.-]*"
_HOST_SOURCE = re.compile(
    rf"(?:(?P<scheme>{_SCHEME})://)?(?P<host>\*|(?:\*\.)?[^/:*\[\]]+|\[[^\]]+\])"
    r"(?::(?P<port>\d+|\*))?(?P<path>/[^?#]*)?",
    re.IGNORECASE,
)
_PORTS = {"http": 80, "https": 443}
_NONCES = ("'nonce-", "'strict-dynamic'")


def rules(policy: str) -> Rules:
    """A policy's directives; of several of one name the first holds."""
    parts = [part.split() for part in policy.split(";") if part.strip()]
    return {words[0].lower(): words[1:] for words in reversed(parts)}


def runs(policy: Rules, tag: Mapping[str, str] | None, address: str, page: str) -> bool:
    """Whether the script of this address runs; without a tag, whether it may."""
    sources = _script_sources(policy)
    if sources is None:
        return True
    if tag is None and any(each.startswith(("'sha", *_NONCES)) for each in sources):
        # What puts the script in, and with which rights, is for a browser to tell.
        return True
    if tag and (nonce := tag.get("nonce")) and f"'nonce-{nonce}'" in sources:
        return True
    digests = (tag or {}).get("integrity", "").split()
    if digests and all(f"'{each}'" in sources for each in digests):
        return True
    # Where a script's own rights go on to what it loads, addresses count for nothing.
    return "'strict-dynamic'" not in sources and any(_covers(e, address, page) for e in sources)


def wants_nonce(policy: Rules) -> bool:
    """Whether the way to let a script run is to give its tag the policy's nonce."""
    return any(each.startswith(_NONCES) for each in _script_sources(policy) or ())


def reaches(policy: Rules, address: str, page: str) -> bool:
    """Whether a script may ask this address."""
    sources = _listed(policy, "connect-src", "default-src")
    return sources is None or any(_covers(each, address, page) for each in sources)


def missing_in_sandbox(policy: Rules) -> list[str]:
    """What its sandbox, if it has one, would have to allow."""
    if "sandbox" not in policy:
        return []
    return sorted({"allow-scripts", "allow-same-origin"} - set(policy["sandbox"]))


def _script_sources(policy: Rules) -> list[str] | None:
    return _listed(policy, "script-src-elem", "script-src", "default-src")


def _listed(policy: Rules, *names: str) -> list[str] | None:
    return next((policy[name] for name in names if name in policy), None)


def _covers(source: str, address: str, page: str) -> bool:
    """Whether one expression of a policy covers an address."""
    url, own = urlsplit(address), urlsplit(page)
    if source.lower() == "'self'":
        return origin_of(address) == origin_of(page)
    if source == "*":
        return url.scheme in ("http", "https", own.scheme)
    if re.fullmatch(f"{_SCHEME}:", source, re.IGNORECASE):
        return _scheme_fits(source[:-1], url.scheme)
    found = _HOST_SOURCE.fullmatch(source)
    if found is None or not _scheme_fits(found["scheme"] or own.scheme, url.scheme):
        return False
    usual = _PORTS.get(url.scheme)
    port = found["port"] or usual
    if port != "*" and int(port or 0) != (url.port or usual):
        return False
    return _host_fits(found["host"], url.hostname or "") and _path_fits(found["path"], url.path)


def _scheme_fits(wanted: str, given: str) -> bool:
    return (wanted.lower(), given) in ((given, given), ("http", "https"))


def _host_fits(wanted: str, given: str) -> bool:
    name = wanted.lower().strip("[]")
    return name in ("*", given) or (name.startswith("*.") and given.endswith(name[1:]))


def _path_fits(wanted: str | None, given: str) -> bool:
    if not wanted or wanted.endswith("/"):
        return given.startswith(wanted or "")
    return given == wanted
