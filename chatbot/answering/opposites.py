"""Words that turn a statement round when one stands for the other."""

from __future__ import annotations

from index.lexical import tokens

_WRITTEN = (
    "first last|before after|more less|more fewer|most least|largest smallest|"
    "biggest smallest|highest lowest|higher lower|oldest youngest|older newer|earliest latest|"
    "early late|longest shortest|best worst|better worse|north south|east west|"
    "northern southern|eastern western|increase decrease|increased decreased|rise fall|"
    "rose fell|win lose|won lost|begin end|began ended|start stop|started stopped|"
    "allow forbid|allowed banned|support oppose|supported opposed|accept reject|"
    "accepted rejected|include exclude|included excluded|join leave|joined left|open close|"
    "opened closed|buy sell|bought sold|like dislike|love hate|loved hated|good bad|easy hard|"
    "cheap expensive|fast slow|hot cold|large small|big small|old new|high low|strong weak|"
    "rich poor|public private|major minor|majority minority|maximum minimum|inside outside|"
    "always never|male female|men women|man woman|father mother|son daughter|brother sister|"
    "husband wife|success failure|positive negative|legal illegal|possible impossible|"
    "popular unpopular|with without|rises falls|up down|upper lower|gain loss|gained lost|"
    "profit loss|supports opposes|accepts rejects|improve worsen|improved worsened|"
    "strengthen weaken|strengthened weakened|expand shrink|grew shrank|friend enemy|ally rival|"
    "guilty innocent|alive dead|victory defeat|imports exports|attack defend|"
    "attacked defended|true false"
)
PAIRS = tuple(tuple(pair.split()) for pair in _WRITTEN.split("|"))
TURNED: dict[str, str] = {one: other for pair in PAIRS for one, other in (pair, pair[::-1])}
"""A word and one of its opposites, as they are written."""
OPPOSITES: dict[str, frozenset[str]] = {}
"""A word's stem and the stems of all of its opposites."""
for _one, _other in PAIRS:
    for _word, _turned in ((_one, _other), (_other, _one)):
        _key, _value = (tokens(_word) or [_word])[0], (tokens(_turned) or [_turned])[0]
        OPPOSITES[_key] = OPPOSITES.get(_key, frozenset()) | {_value}
