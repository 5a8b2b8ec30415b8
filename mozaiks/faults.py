"""Places where a test may kill the process; without ``MOZAIKS_FAULT`` each is one dictionary look-up.

``MOZAIKS_FAULT=name:3`` sends the process SIGKILL when it passes the point ``name`` for the third time.
"""

from __future__ import annotations

import os
import signal

POINTS = (
    "committed_before_result",
    "queued_before_model_call",
    "before_first_delta",
    "mid_delta",
    "last_delta_before_commit",
    "commit_before_doorbell",
    "tool_after_effect",
    "inside_publish_artifact",
    "waiting",
    "answered_before_wake",
    "ask_streaming",
)

_name, _, _count = os.environ.get("MOZAIKS_FAULT", "").partition(":")
_left = int(_count or 1) if _name else 0


def point(name: str) -> None:
    """Die here when a test asked for it."""
    global _left
    if name == _name:
        _left -= 1
        if _left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
