"""The format authors write workflows in: folders of YAML or Python into one kind of `Definition`.

Rule: no Django here, and no workflow's name (law 12). A definition is checked whole when it is loaded; what it says is
frozen into each chat as plain JSON (`Definition.declarative`) and comes back by `thaw`.
"""

from .loader import find_folders, load_folder, load_folders, thaw
from .model import (
    ActionSpec,
    AgentSpec,
    AskSpec,
    AskUser,
    Complete,
    Definition,
    Fail,
    Limits,
    Next,
    Requirement,
    Rest,
    RouteState,
    Speak,
    ToolSpec,
)
from .problems import DefinitionError, MissingSymbol, Problem
from .seed import fill_seed

__all__ = [
    "ActionSpec",
    "AgentSpec",
    "AskSpec",
    "AskUser",
    "Complete",
    "Definition",
    "DefinitionError",
    "Fail",
    "Limits",
    "MissingSymbol",
    "Next",
    "Problem",
    "Requirement",
    "Rest",
    "RouteState",
    "Speak",
    "ToolSpec",
    "fill_seed",
    "find_folders",
    "load_folder",
    "load_folders",
    "thaw",
]
