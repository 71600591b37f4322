"""Programs that run in the sandbox's interpreter, from Python 3.8 on; they import none of ours."""
