"""Calls a project's build backend (PEP 517), inside a sandbox.

    backend.py JOB

JOB is a JSON object: `hook` ("requires" or "wheel"), `backend`, `path` (folders of the backend in
the tree), `out` (where the wheel goes). The last line printed is a JSON answer: the requirements,
or the wheel's file name.
"""

import importlib
import json
import os
import sys


def main() -> None:
    job = json.loads(sys.argv[1])
    root = os.getcwd()
    sys.path[:0] = [os.path.join(root, folder) for folder in job["path"]]
    name, _, attribute = job["backend"].partition(":")
    if attribute == "__legacy__" or not job["path"]:
        sys.path = [
            p for p in sys.path if p not in ("", os.path.dirname(os.path.abspath(__file__)))
        ]
    backend = importlib.import_module(name)
    for part in attribute.split(".") if attribute else ():
        backend = getattr(backend, part)
    if job["hook"] == "requires":
        hook = getattr(backend, "get_requires_for_build_wheel", None)
        answer = list(hook({})) if hook else []
    else:
        os.makedirs(job["out"], exist_ok=True)
        answer = backend.build_wheel(job["out"], {}, None)
    sys.stdout.flush()
    print("\n" + json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
