"""One job run at a time where there are no locks, and one profile in a schema: real processes, real kills."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time

import pytest

from kslm.errors import HomeBusyError, SettingsError
from kslm.pipeline import run_stage
from kslm.pipeline.hold import claim
from kslm.pipeline.lease import Lease
from kslm.settings import Environment, Settings, load_profile


def lease(folder, owner, *, lapses=2.0):
    return Lease(folder / "leases", owner, lapses=lapses, settle=0.05)


def test_a_second_owner_waits_and_is_refused(tmp_path):
    with lease(tmp_path, "job run 1").held(0):
        with (
            pytest.raises(HomeBusyError, match="job run 1 has a ticket"),
            lease(tmp_path, "job run 2").held(0.1),
        ):
            pass
        assert len(list((tmp_path / "leases").iterdir())) == 1, "who gave up leaves no ticket"
    with lease(tmp_path, "job run 2").held(0):
        pass
    assert not list((tmp_path / "leases").iterdir())


def test_tasks_of_one_run_do_not_exclude_each_other(tmp_path):
    with lease(tmp_path, "job run 1").held(0), lease(tmp_path, "job run 1").held(0):
        assert len(list((tmp_path / "leases").iterdir())) == 2, "each has a ticket of its own"


def test_a_long_holder_stays_the_holder(tmp_path):
    with lease(tmp_path, "long", lapses=0.4).held(0):
        time.sleep(1.2)
        with pytest.raises(HomeBusyError), lease(tmp_path, "other", lapses=0.4).held(0):
            pass


def test_whoever_came_first_goes_first(tmp_path):
    order = []

    def work(name):
        with lease(tmp_path, name).held(30):
            order.append(name)

    with lease(tmp_path, "zero").held(0):
        workers = []
        for name in ("one", "two", "three"):
            workers.append(threading.Thread(target=work, args=(name,)))
            workers[-1].start()
            time.sleep(0.1)
    for worker in workers:
        worker.join(30)
    assert order == ["one", "two", "three"]


def test_never_two_at_once(tmp_path):
    inside, most = [], []

    def work(name):
        for _ in range(3):
            with lease(tmp_path, name).held(60):
                inside.append(name)
                most.append(len(set(inside)))
                time.sleep(0.01)
                inside.remove(name)

    workers = [threading.Thread(target=work, args=(f"run {number}",)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert len(most) == 12 and max(most) == 1


def test_a_killed_holder_blocks_for_no_longer_than_its_ticket_lasts(tmp_path):
    script = (
        "import pathlib, sys, time\nfrom kslm.pipeline.lease import Lease\n"
        "with Lease(pathlib.Path(sys.argv[1]), 'killed', lapses=1.5, settle=0.05).held(0):\n"
        "    print('held', flush=True)\n    time.sleep(60)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "leases")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        holder.kill()
    with pytest.raises(HomeBusyError, match="killed"), lease(tmp_path, "next", lapses=1.5).held(0):
        pass
    with lease(tmp_path, "next", lapses=1.5).held(30):
        pass


def test_what_is_no_ticket_blocks_nobody(tmp_path):
    folder = tmp_path / "leases"
    folder.mkdir()
    for number, text in enumerate(("", "{", "[]", '{"owner": "x"}', json.dumps({"owner": 1, "drawn": "y"}))):
        (folder / f"{number}.json").write_text(text)
    with lease(tmp_path, "anybody").held(0):
        assert len(list(folder.iterdir())) == 6


@pytest.fixture
def settings_of(tmp_path):
    def settings(profile, **variables):
        env = Environment(_env_file=None, KSLM_HOME=tmp_path, **variables)
        return Settings(load_profile(profile), env)

    return settings


def test_a_schema_belongs_to_the_profile_that_came_first(settings_of, tmp_path):
    claim(settings_of("quick", KSLM_SCHEMA="kslm", KSLM_CATALOG="prod"))
    claim(settings_of("quick", KSLM_SCHEMA="kslm", KSLM_CATALOG="prod"))
    claim(settings_of("small", KSLM_SCHEMA="kslm_small", KSLM_CATALOG="prod"))
    claim(settings_of("small", KSLM_SCHEMA="kslm", KSLM_CATALOG="dev"))
    before = (tmp_path / "reports" / "schemas.json").read_text()
    with pytest.raises(SettingsError, match=r"schema prod\.kslm holds .* profile quick, not of small"):
        run_stage("fetch", settings_of("small", KSLM_SCHEMA="kslm", KSLM_CATALOG="prod"))
    assert (tmp_path / "reports" / "schemas.json").read_text() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["reports"], "nothing else was touched"


def test_profiles_with_schemas_of_their_own_claim_nothing(settings_of, tmp_path):
    claim(settings_of("quick"))
    claim(settings_of("small"))
    assert not list(tmp_path.iterdir())
