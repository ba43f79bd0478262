#!/usr/bin/python3
"""B26, B30: the source fails over to its replica, and the pipeline goes on there by GTIDs.

The replica numbers its files in its own way. As long as it lacks what the target has, it is refused;
when it has everything, is promoted and written to, every transaction of both arrives once. So do
XA transactions that were prepared at the first and are committed at the second (B20).
"""

import copy

from lab import Pipeline, make_source, make_target, private_server, require, require_equal, wait_until
from setting import Proof, arguments

POLICY = 6
REPLICATION = {
    "mysql": {
        "follow": "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = {port}, "
                  "SOURCE_USER = 'replica', SOURCE_PASSWORD = 'secret', SOURCE_AUTO_POSITION = 1, "
                  "GET_SOURCE_PUBLIC_KEY = 1, SOURCE_CONNECT_RETRY = 1; START REPLICA",
        "stop": "STOP REPLICA", "start": "START REPLICA", "end": "STOP REPLICA; RESET REPLICA ALL",
        "done": "SELECT @@GLOBAL.gtid_executed",
    },
    "mariadb": {
        "follow": "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = {port}, "
                  "MASTER_USER = 'replica', MASTER_PASSWORD = 'secret', MASTER_CONNECT_RETRY = 1, "
                  "MASTER_USE_GTID = slave_pos; START SLAVE",
        "stop": "STOP SLAVE", "start": "START SLAVE", "end": "STOP SLAVE; RESET SLAVE ALL",
        "done": "SELECT @@GLOBAL.gtid_binlog_pos",
    },
}


class Failover:
    def __init__(self, options):
        self.first = private_server(options.source, {"server_id": 11})
        self.words = REPLICATION[self.first.engine]
        self.second = private_server(options.source, {"server_id": 12, self.logs_all(): "ON"})
        self.first.query("CREATE USER replica@'%' IDENTIFIED BY 'secret'; "
                         "GRANT REPLICATION SLAVE ON *.* TO replica@'%'")
        self.second.query(self.words["follow"].format(port=self.first.port))
        self.old = make_source(self.first)
        self.new = copy.copy(self.old)
        self.new.server = self.second
        self.target = make_target(options.target)
        self.written = 0
        self.open, self.links = [], []

    def logs_all(self):
        return "log_replica_updates" if self.first.engine == "mysql" else "log_slave_updates"

    def write(self, end, count=20):
        for _ in range(count):
            self.written += 1
            end.query(f"INSERT INTO t VALUES ({self.written}, 'of {end.server.settings['server_id']}'); "
                      f"UPDATE t SET v = concat(v, '+') WHERE id = {self.written // 2}", end.installer)

    def prepare(self, name):
        xid = f"'{self.old.name}', '{name}'"
        link = self.old.connect()
        with link.cursor() as cursor:
            # A row that `write` does not wait for.
            cursor.execute(f"XA START {xid}; INSERT INTO t VALUES ({-1 - len(self.open)}, '{name}'); "
                           f"XA END {xid}; XA PREPARE {xid}")
            while cursor.nextset():
                pass
        self.links.append(link)
        self.open.append(xid)

    def follows(self):
        return self.first.query(self.words["done"]) == self.second.query(self.words["done"])

    def run_at(self, pipeline, end):
        pipeline.path = pipeline.write("pipeline", end.url(end.capture))
        return pipeline.call("run", "--until-caught-up", "--progress", "none")

    def show(self):
        self.old.query("CREATE TABLE t (id int PRIMARY KEY, v text)", self.old.installer)
        self.write(self.old)
        wait_until(self.follows, 60, "the replica follows")
        self.second.query("FLUSH BINARY LOGS")
        pipeline = Pipeline(self.old, self.target)
        pipeline.install()
        pipeline.catch_up(60)
        self.second.query(self.words["stop"])
        self.write(self.old)
        pipeline.catch_up(60)
        self.refuse(pipeline)
        self.second.query(self.words["start"])
        self.write(self.old)
        self.prepare("first")
        self.write(self.old)
        self.prepare("second")
        self.write(self.old)
        pipeline.catch_up(60)
        self.write(self.old)
        wait_until(self.follows, 60, "the replica follows")
        self.first.stop("immediate")
        self.second.query(self.words["end"])
        self.write(self.new)
        for _ in range(3):  # once by the sets, then by the new server's own places
            result = self.run_at(pipeline, self.new)
            require(result.returncode == 0, f"at the new server: {result.stderr}")
            require_equal(self.new, self.target, pipeline)
            self.write(self.new)
            if self.open:
                self.second.query(f"XA COMMIT {self.open.pop()}")

    def refuse(self, pipeline):
        result = self.run_at(pipeline, self.new)
        require(result.returncode == POLICY, f"ended with {result.returncode}: {result.stderr}")
        require("which this source does not know" in result.stderr, result.stderr)


def goes_on(options):
    Failover(options).show()


if __name__ == "__main__":
    chosen = arguments(__doc__)
    proof = Proof()
    for source in ("mysql97", "mariadb118"):
        chosen.source = source
        proof.check(f"B26: {source} fails over to its replica", goes_on, chosen)
    proof.end()
