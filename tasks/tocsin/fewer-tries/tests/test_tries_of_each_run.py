from datetime import datetime, timedelta

from tocsin import Job, Outcome, Scheduler
from tocsin.backoff import Constant, Exponential
from tocsin.triggers import Every

START = datetime(2024, 3, 3, 2, 0)
DAY = timedelta(days=1)
PAUSE = timedelta(minutes=1)


class Flaky:
    """Fails when the next letter of its plan is an f."""

    def __init__(self, plan):
        self.plan = iter(plan)

    def __call__(self):
        if next(self.plan) == "f":
            raise ConnectionError("reset")


def run(plan, retries, backoff):
    scheduler = Scheduler(backoff=backoff, clock=lambda: START)
    scheduler.add(Job("import", Flaky(plan), Every(DAY, START), retries=retries), START)
    results = []
    for _ in plan:
        results += scheduler.run_due(scheduler.next_due())
    return results


def letters(results):
    return "".join(result.outcome.value[0] for result in results)


def test_every_run_has_all_its_tries():
    assert letters(run("fssfsfsfs", 2, Constant(PAUSE))) == "rssrsrsrs"


def test_pauses_begin_anew():
    results = run("fsfs", 5, Exponential(PAUSE))
    assert [result.started for result in results] == [
        START + DAY,
        START + DAY + PAUSE,
        START + 2 * DAY,
        START + 2 * DAY + PAUSE,
    ]


def test_a_good_run_forgets_what_was_before():
    assert letters(run("ffsffffs", 2, Constant(PAUSE))) == "rrsrrfrs"


def test_giving_up():
    results = run("fffff", 1, Constant(PAUSE))
    assert [result.outcome for result in results] == [
        Outcome.RETRYING,
        Outcome.FAILED,
        Outcome.RETRYING,
        Outcome.FAILED,
        Outcome.RETRYING,
    ]
