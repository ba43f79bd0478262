#!/usr/bin/python3
"""A standby is the source: the random workload runs at its primary while the load reads the standby.

Chunks are judged by windows of positions (DESIGN 6.6), because a standby's snapshots do not tell what
they see. Rounds go on until the load has met enough of everything; afterwards source and target are
equal by value. The standby cancels readers after 100 ms, so that chunks are read again. First, what
cannot work is refused with the way out. Last, the standby is promoted under the run.
"""

from convergence import STATES, converge
from lab import Pipeline, Source, StandbyServer, require, require_equal, wait_until
from setting import Proof, Setting, arguments, private

PREFLIGHT, STOPPED = 3, 6
KEYLESS = ["audit_keyless", "duplicates"]
_standbys = {}


def standby_of(primary):
    if primary not in _standbys:
        _standbys[primary] = StandbyServer(primary, {"max_standby_streaming_delay": "100ms"})
    return _standbys[primary]


class StandbyPipeline(Pipeline):
    """Reads the standby; what is written goes to the primary, also by the installer."""

    def __init__(self, source, target, settings=None, target_url=None, exclude=True):
        self.standby = standby_of(source.server)
        self.users = {"pipeline": source.capture, "install": source.installer}
        tables = {"include": ["lab.*"]}
        if exclude:
            tables["exclude"] = [f"lab.{name}" for name in KEYLESS]
        super().__init__(source, target, {"tables": tables, **(settings or {})},
                         target_url=target_url)
        end = source.value("SELECT pg_current_wal_insert_lsn()")
        wait_until(lambda: self.standby.query(f"SELECT pg_last_wal_replay_lsn() >= '{end}'")[0][0],
                   60, "the standby has the source's database")

    def write(self, name, source_url):
        user = self.users[name]
        self.options["source_primary"] = self.source.url(user)
        return super().write(name, self.standby.url(self.source.name, user))

    def streamed(self):
        return sum(row[0] for row in self.standby.query(
            "SELECT stream_txns FROM pg_stat_replication_slots", self.source.name))


class StandbySetting(Setting):
    audits = ("audit",)

    def make_source(self, options):
        source = Source(private(options.source))
        source.server.query("GRANT EXECUTE ON FUNCTION pg_log_standby_snapshot() "
                            f"TO {source.capture}", source.name)
        standby_of(source.server)
        return source

    def make_pipeline(self, settings, target_url):
        # Comparing is a matter of the tables that are replicated.
        self.compared = [row[0] for row in self.source.query(
            "SELECT relname FROM pg_class WHERE relnamespace = 'lab'::regnamespace "
            "AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY 1")
            if row[0] not in KEYLESS]
        return StandbyPipeline(self.source, self.target, settings, target_url)


def wanted(options):
    return {**dict.fromkeys(STATES, options.changes), "copiedBetween": options.between,
            "keyChangesForward": options.key_changes, "keyChangesBackward": options.key_changes,
            "truncates": 1}


def refused(options):
    """`check` and `run` say what is missing, and nothing is made."""
    setting = StandbySetting(options, options.seed)
    try:
        cases = [
            (StandbyPipeline(setting.source, setting.target), {"MARTLET_SOURCE_PRIMARY": ""},
             "source_primary"),
            (StandbyPipeline(setting.source, setting.target, exclude=False), {}, "without a key"),
        ]
        for pipeline, environment, words in cases:
            if environment:
                del pipeline.options["source_primary"]
                Pipeline.write(pipeline, "pipeline", pipeline.standby.url(
                    setting.source.name, setting.source.capture))
            for command in ("check", "run"):
                result = pipeline.call(command)
                said = result.stdout + result.stderr
                require(result.returncode == PREFLIGHT and words in said,
                        f"{command} ended with {result.returncode}: {said[-2000:]}")
        slots = setting.pipeline.standby.query("SELECT slot_name FROM pg_replication_slots")
        require(not slots, f"slots were made: {slots}")
    finally:
        setting.close()


def promoted(options):
    """The run stops within seconds and says why; the way out that it names works."""
    setting = StandbySetting(options, options.seed, options.sessions)
    primary = setting.source.server
    try:
        run = setting.begin(deadline=120)
        setting.pipeline.wait_live(run, options.load_seconds)
        standby = _standbys.pop(primary)
        standby.promote()
        code = run.wait(30)
        require(code == STOPPED and "promoted" in run.tail() and "--fresh" in run.tail(),
                f"run ended with {code}: {run.tail()}")
        setting.workload.stop()
        again_from(standby, setting)
    finally:
        setting.source.server = primary
        setting.close()


def again_from(server, setting):
    """The promoted server is a source like any other: what it has arrives, and nothing else."""
    setting.source.server = server
    fresh = Pipeline(setting.source, setting.target, setting.pipeline.options)
    del fresh.options["source_primary"]
    fresh.name = setting.pipeline.name
    fresh.path = fresh.write("pipeline", server.url(setting.source.name, setting.source.capture))
    fresh.install_path = fresh.write(
        "install", server.url(setting.source.name, setting.source.installer))
    fresh.install()
    run = fresh.start("--fresh", "--yes", "--until-caught-up")
    require(run.wait(300) == 0, f"run --fresh ended with {run.code}: {run.tail()}")
    require_equal(setting.source, setting.target, fresh, setting.compared)


if __name__ == "__main__":
    chosen = arguments(__doc__, seconds=180, changes=50, between=5, key_changes=10, sessions=4,
                       hanging=1, pause=0.0, load_seconds=240)
    proof = Proof()
    proof.check("P36: a standby without primary, or with tables without a key, is refused", refused,
                chosen)
    proof.check(f"P36 I1 I4 I8: a standby ({chosen.source}) -> {chosen.target} converges under load",
                lambda o: converge(o, wanted, StandbySetting, 120), chosen)
    proof.check(f"P24: a standby ({chosen.source}) that is promoted stops the run", promoted, chosen)
    proof.end()
