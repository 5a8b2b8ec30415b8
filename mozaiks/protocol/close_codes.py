"""Why the server closes a socket (PROTOCOL section 1); each number is said here and nowhere else."""

from __future__ import annotations

BAD_HELLO = 4400
NOT_SIGNED_IN = 4401
NOT_IN_APP = 4403
TOO_SLOW = 4008
TOO_MANY = 4009
FLOODING = 4029
RESTART = 1012
TOO_BIG = 1009

CLOSE_CODES: dict[int, tuple[str, bool]] = {
    BAD_HELLO: ("No session.hello within 5 s, or a protocol version that is not supported.", True),
    NOT_SIGNED_IN: ("Not, or no longer, signed in.", True),
    NOT_IN_APP: (
        "The user is not, or no longer, in this app; or the alias path names a chat that is not theirs.",
        True,
    ),
    TOO_SLOW: ("The client took no frame for 5 s; connect again and go on from the cursor.", False),
    TOO_MANY: ("The user has too many sockets open.", True),
    FLOODING: ("Commands came much faster than the limit; wait, then connect again.", False),
    RESTART: ("The server restarts; connect again at once, with jitter.", False),
    TOO_BIG: ("A frame above 1 MiB came.", False),
}
"""What each code means, and whether it is final: after a final one the client must not connect again by itself."""
