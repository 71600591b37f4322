"""The error tree.

    SweSleepError                     one clear line for a person; exit code 1 unless stated
    ├── UsageError                    bad usage or bad input; exit code 2
    │   ├── ConfigError               an unknown key or a bad value, with the key named
    │   ├── NotARepository            no git work tree here, or nothing in it yet
    │   └── UnknownTest               a test id that the repository does not have
    ├── RepositoryError               git failed, or a patch does not apply
    │   └── SnapshotChanged           the work tree changed under a reader; take a new snapshot
    ├── StoreError                    the notes cannot be read or written
    │   ├── StoreTooNew               written by a newer swe-sleep; exit code 2
    │   └── StoreFull                 no space left on the device
    ├── SandboxError                  a sandbox could not do its work
    │   ├── EngineUnavailable         the engine asked for does not answer
    │   ├── EngineLost                the engine stopped half-way
    │   └── EnvironmentFailed         the project's dependencies could not be installed
    ├── TestsError                    the tests could not be run at all
    ├── ModelError                    the model's server refused or failed for good
    │   └── model.faults.ModelFault   which of the ways, and what was spent on it all the same
    └── BudgetExceeded                a hard limit was reached; what was made so far is kept

Errors of libraries are translated into these once, at the edge of the room that uses the library.
Anything else that reaches the command line is a bug of ours: exit code 3 and a log file to paste.
"""

from __future__ import annotations


class SweSleepError(Exception):
    """Something went wrong that a person can act on. `advice` says how, in one short sentence."""

    exit_code = 1

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.advice = advice

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message} {self.advice}" if self.advice else message


class UsageError(SweSleepError):
    exit_code = 2


class ConfigError(UsageError):
    pass


class NotARepository(UsageError):
    pass


class UnknownTest(UsageError):
    pass


class RepositoryError(SweSleepError):
    pass


class SnapshotChanged(RepositoryError):
    pass


class StoreError(SweSleepError):
    pass


class StoreTooNew(StoreError):
    exit_code = 2


class StoreFull(StoreError):
    pass


class SandboxError(SweSleepError):
    pass


class EngineUnavailable(SandboxError):
    pass


class EngineLost(SandboxError):
    pass


class EnvironmentFailed(SandboxError):
    pass


class TestsError(SweSleepError):
    __test__ = False  # its name would make pytest collect it


class ModelError(SweSleepError):
    pass


class BudgetExceeded(SweSleepError):
    pass
