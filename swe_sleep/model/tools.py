"""What the tools look like to the model; what they do is in `solve/`.

`bash` and the editor are the provider's own types: the model knows them, and their description
costs no words of ours.
"""

from __future__ import annotations

from swe_sleep.model.protocol import Block

BASH: Block = {"type": "bash_20250124", "name": "bash"}

EDITOR_NAME = "str_replace_based_edit_tool"
EDITOR: Block = {"type": "text_editor_20250728", "name": EDITOR_NAME}

RUN_TESTS: Block = {
    "name": "run_tests",
    "description": (
        "Run tests and get a short table of their outcomes. Without `tests`: those that must "
        "pass, and those that your changes can reach. It is said which failed before them too."
    ),
    "input_schema": {
        "type": "object",
        "properties": {
            "tests": {
                "type": "array",
                "items": {"type": "string"},
                "description": "pytest ids, such as tests/test_x.py::test_y, or files.",
            },
            "all": {"type": "boolean", "description": "Run the whole suite."},
        },
        "additionalProperties": False,
    },
}

NOTES: Block = {
    "name": "notes",
    "description": (
        "What is already known of this repository, from static analysis, its history and test "
        "runs: callers, tests that cover a line, past fixes, proven bugs. Each line has its place."
    ),
    "input_schema": {
        "type": "object",
        "properties": {
            "about": {
                "type": "string",
                "description": "A path, or path::Class.method: everything known of it.",
            },
            "search": {"type": "string", "description": "Words to look for."},
        },
        "additionalProperties": False,
    },
}

SUBMIT: Block = {
    "name": "submit",
    "description": "Hand in the repository as it is now. Ends the work.",
    "input_schema": {
        "type": "object",
        "properties": {
            "summary": {"type": "string", "description": "Cause and change, in a sentence or two."}
        },
        "required": ["summary"],
        "additionalProperties": False,
    },
}

COMPARE: Block = {
    "name": "compare",
    "description": (
        "Run tests on the code as it is and with each of the patches, and get a table of their "
        "outcomes. Files that you made or changed are there each time, but for those that a patch "
        "changes."
    ),
    "input_schema": {
        "type": "object",
        "properties": {
            "tests": {
                "type": "array",
                "items": {"type": "string"},
                "description": "pytest ids, such as tests/test_x.py::test_y, or files.",
            },
        },
        "required": ["tests"],
        "additionalProperties": False,
    },
}

CHOOSE: Block = {
    "name": "choose",
    "description": "Give the number of the best patch. Ends the work.",
    "input_schema": {
        "type": "object",
        "properties": {
            "number": {"type": "integer"},
            "reason": {"type": "string", "description": "Why, in a sentence or two."},
        },
        "required": ["number", "reason"],
        "additionalProperties": False,
    },
}
