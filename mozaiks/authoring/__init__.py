"""What authors of workflows import: the plain Python form, and what a tool may do to the run that called it.

Rule: nothing here touches a database or a connection; a workflow's Python stays pure but for its tools.

    from mozaiks.authoring import END, Workflow, approval
"""

from .human import HumanPoint, approval, form, question
from .publishing import publish_artifact, tool_key
from .workflow import END, REST, Exit, State, View, Workflow

__all__ = [
    "END",
    "REST",
    "Exit",
    "HumanPoint",
    "State",
    "View",
    "Workflow",
    "approval",
    "form",
    "publish_artifact",
    "question",
    "tool_key",
]
