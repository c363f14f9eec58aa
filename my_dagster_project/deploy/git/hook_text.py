"""`foundation/plain_text.py` for the hooks, whose image has nothing but this folder; a test holds the two alike."""

import re

# C0 without tab and line feed, C1; marks that change the direction of writing; other ends of lines; what has no width, tags
# (letters nobody sees) included. The two joiners stay: scripts and emoji need them.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\u00ad\u180e\u200b\u2060-\u2064\ufeff"
    "\U000e0000-\U000e007f]"
)


def plain(text: str) -> str:
    """The text without what nobody sees but what changes how the rest is seen; tabs and line feeds stay."""
    return _UNSEEN.sub("", text)
