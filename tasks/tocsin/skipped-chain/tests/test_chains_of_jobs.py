from datetime import datetime, timedelta

from tocsin import Job, Outcome, Scheduler
from tocsin.triggers import Every

NOON = datetime(2024, 3, 1, 12, 0)
HOUR = timedelta(hours=1)


def chain(names, failing):
    scheduler = Scheduler(clock=lambda: NOON)
    needed = ()
    for name in names:

        def action(name=name):
            if name in failing:
                raise OSError(name)

        scheduler.add(Job(name, action, Every(HOUR, NOON), depends_on=needed), NOON)
        needed = (name,)
    return scheduler


def found(scheduler, hours):
    results = scheduler.run_due(NOON + hours * HOUR)
    return {result.job: result.outcome.value for result in results}


def test_chain_stops_for_all():
    scheduler = chain(["fetch", "build", "publish"], {"fetch"})
    assert found(scheduler, 1) == {"fetch": "failed", "build": "skipped", "publish": "skipped"}


def test_chain_over_several_rounds():
    failing = set()
    scheduler = chain(["fetch", "build", "publish"], failing)
    assert set(found(scheduler, 1).values()) == {"success"}
    failing.add("fetch")
    assert found(scheduler, 2)["publish"] == "skipped"
    failing.clear()
    assert set(found(scheduler, 3).values()) == {"success"}


def test_long_chain():
    scheduler = chain("abcdef", {"b"})
    assert list(found(scheduler, 1).values()) == ["success", "failed", *["skipped"] * 4]


def test_failed_in_the_middle():
    scheduler = chain(["fetch", "build", "publish"], {"build"})
    assert found(scheduler, 1) == {"fetch": "success", "build": "failed", "publish": "skipped"}
    assert scheduler.journal.last("publish").outcome is Outcome.SKIPPED
