"""The program that runs inside every sandbox and starts its commands.

Its modules are sent to the sandbox's interpreter as text (see `connection.py`), so they use nothing
but the standard library and one another, at run time no syntax newer than Python 3.8, and each
imports only from those before it: `frames`, `processes`, `keeper`, `files`, `server`.

One process serves. Each command has a *keeper*: a fork that starts the command in a session of
its own, collects its output, and ends its whole tree at the time limit. A keeper is a subreaper,
so whatever the command starts, daemons too, stays below it and can be found. Where the sandbox has
a process namespace the server is its first process, which no signal from inside can end; when the
host goes away its standard input ends, it exits, and the kernel ends the rest.
"""
