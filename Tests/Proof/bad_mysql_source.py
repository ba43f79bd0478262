"""The cases of bad_input.py that break a source of MySQL or MariaDB."""

import re
import struct

from bad_input import POLICY, PREFLIGHT, Shop
from lab import make_source, make_target, private_server, require, wait_until


def own(options, **settings):
    """A shop at a server of its own: it goes as a whole."""
    return Shop(options, server=private_server(options.source, settings), install=False)


def log_is_off(options):
    shop = Shop(options, server=private_server(options.source), install=False)
    server = shop.server
    del server.settings["log_bin"]
    server.configure({"skip_log_bin": "1"})
    if options.source.startswith("mysql"):
        server.configure({"gtid_mode": "OFF", "enforce_gtid_consistency": "OFF"})
    server.restart()
    shop.refused(PREFLIGHT, "log_bin", command="check")
    shop.refused(PREFLIGHT, "log_bin")
    del server.settings["skip_log_bin"]
    server.configure({"log_bin": "binlog"})
    if options.source.startswith("mysql"):
        server.configure({"gtid_mode": "ON", "enforce_gtid_consistency": "ON"})
    server.restart()
    shop.mended()


def setting_is_unfit(name, value, good):
    def case(options):
        """B01, B03"""
        shop = own(options)
        shop.source.query(f"SET GLOBAL {name} = {value}")
        shop.refused(PREFLIGHT, name, command="check")
        shop.refused(PREFLIGHT, name)
        shop.source.query(f"SET GLOBAL {name} = {good}")
        shop.mended()
    case.__name__ = f"{name}_is_{value}".lower()
    return case


def no_replication(options):
    shop = Shop(options)
    role = f"{shop.source.capture}@localhost"
    shop.source.query(f"REVOKE REPLICATION SLAVE ON *.* FROM {role}")
    shop.refused(PREFLIGHT, "replication (slave|replica)")
    shop.source.query(f"GRANT REPLICATION SLAVE ON *.* TO {role}")
    shop.mended()


def no_select(options):
    """Who may not read a table does not see it either; with no right at all there is no database."""
    shop = Shop(options)
    role, place = f"{shop.source.capture}@localhost", shop.source.schema
    shop.source.query(f"REVOKE SELECT ON {place}.* FROM {role}")
    shop.refused(2 if options.source.startswith("mysql") else PREFLIGHT, re.escape(place))
    shop.source.query(f"GRANT SELECT ON {place}.* TO {role}")
    shop.mended()


def wrong_password(options):
    shop = Shop(options)
    role = f"{shop.source.capture}@localhost"
    shop.source.query(f"ALTER USER {role} IDENTIFIED BY 'right'")
    shop.refused(PREFLIGHT, "password|access denied",
                 environment={"MARTLET_SOURCE_PASSWORD": "correct-horse-battery"})
    shop.source.query(f"ALTER USER {role} IDENTIFIED BY ''")
    shop.mended()


def log_is_purged(options):
    """B32: what was committed in between is lost to us; the server begins with a later file."""
    shop = own(options)
    shop.pipeline.install()
    shop.mended()
    shop.write_more()
    shop.source.query("FLUSH BINARY LOGS")
    last = shop.source.server.query("SHOW BINARY LOGS")[-1][0]

    def purged():
        """A file is kept until everything in it is on disk elsewhere too."""
        shop.source.query(f"PURGE BINARY LOGS TO '{last}'")
        return len(shop.source.server.query("SHOW BINARY LOGS")) == 1
    wait_until(purged, 30, "the log is purged", 0.5)
    shop.refused(POLICY, "log|purged|binlog")
    result = shop.pipeline.call("run", "--fresh", "--yes", "--until-caught-up")
    require(result.returncode == 0, f"--fresh ended with {result.returncode}: {result.stderr}")
    shop.mended()


def log_is_reset(options):
    """B26: a new history under the old names of files."""
    shop = own(options)
    shop.pipeline.install()
    shop.mended()
    verb = "BINARY LOGS AND GTIDS" if shop.source.engine == "mysql" else "MASTER"
    shop.source.query(f"RESET {verb}")
    for _ in range(20):
        shop.write_more()
    shop.refused(POLICY, "gtid|history|log|position")


def other_source(options):
    """Another server answers under the pipeline's URL, with another history."""
    shop = Shop(options)
    shop.mended()
    other = make_source(private_server(options.source, {"server_id": 7}))
    other.query(f"CREATE DATABASE {shop.source.name}; CREATE TABLE {shop.source.name}.items (id int "
                "PRIMARY KEY, name text)")
    other.query(f"GRANT ALL ON *.* TO {other.capture}@localhost")
    path, good = shop.pipeline.path, shop.pipeline.path.read_text(encoding="utf-8")
    url = other.url(other.capture).replace(f"/{other.name}?", f"/{shop.source.name}?")
    path.write_text(re.sub(r'"source": "[^"]*"', f'"source": "{url}"', good))
    result = shop.pipeline.call("run", "--until-caught-up")
    require(result.returncode in (PREFLIGHT, POLICY),
            f"ended with {result.returncode}: {result.stderr}")
    path.write_text(good)
    shop.mended()


def log_is_encrypted(options):
    """B09: the files on disk are ciphers; what the server sends is not."""
    # Debian has the key plugin of its own MariaDB only beside the server.
    name = options.source if options.source.startswith("mysql") else "mariadb1011"
    server = private_server(name)
    shop = Shop(options, server=server)
    shop.mended()
    server.encrypt_log()
    shop.sql("INSERT INTO lab.orders VALUES (100000, 1, 'kept from readers of files')")
    newest = max((server.folder / "data").glob("binlog.0*")).read_bytes()
    require(b"kept from readers of files" not in newest, "the log is not encrypted")
    shop.mended()


def large_rows(options):
    """B28: packets beyond 16 MiB, and beyond what the source itself would take from a client."""
    server = private_server(options.source)
    shop = Shop(options, server=server, target=make_target("sqlite"))

    def add(values):
        shop.source.query("SET GLOBAL max_allowed_packet = 1 << 28")
        shop.sql(f"INSERT INTO lab.large VALUES ({values})")
        shop.source.query("SET GLOBAL max_allowed_packet = 1 << 20")
    shop.sql("CREATE TABLE lab.large (id int PRIMARY KEY, u longtext, l longtext CHARACTER SET latin1)")
    add("1, 'loaded', repeat('b', 18 << 20)")
    shop.mended()
    add("2, repeat('u', 24 << 20), 'streamed'")
    shop.mended()


def dump_with(server, number):
    """Another reader of the log, with this id; to MySQL the one that counts is the UUID."""
    link = server.connect()
    link.query("SET @master_binlog_checksum = 'CRC32', @source_binlog_checksum = 'CRC32'")
    if server.engine == "mysql":
        own = server.query("SELECT variable_value FROM performance_schema.user_variables_by_thread "
                           "WHERE variable_name = 'replica_uuid'")[0][0].decode()
        link.query(f"SET @replica_uuid = '{own}', @slave_uuid = '{own}'")
    file = server.query("SHOW BINARY LOGS")[0][0]
    link._execute_command(0x12, struct.pack("<IHI", 4, 0, number) + file.encode())
    return link


def clash_of_ids(options):
    """B31: another reader comes with our server id, and ours is thrown out. The next has another."""
    more = {"log_error_verbosity": 3} if options.source.startswith("mysql") else {"log_warnings": 2}
    server = private_server(options.source, more)
    shop = Shop(options, server=server)
    run = shop.pipeline.start()
    shop.pipeline.wait_live(run, 60)

    def ids():
        text = (server.folder / "log").read_text(encoding="utf-8", errors="replace")
        return re.findall(r"Start binlog_dump to .*?_server\((\d+)\)", text)
    other = dump_with(server, int(ids()[-1]))
    wait_until(lambda: run.must_live() and len(ids()) >= 3, 60, "a new reader", 0.2)
    first, clash, new = ids()[-3:]
    require(first == clash != new, f"ids are {first}, {clash}, {new}")
    require(f"another reader with server id {first}" in run.text(), f"not said: {run.tail()}")
    shop.write_more()
    shop.pipeline.wait_caught_up(run, 60)
    readers = server.query("SELECT id FROM information_schema.processlist WHERE command LIKE 'Binlog%'")
    require(len(readers) == 2, f"{len(readers)} readers")
    other.close()
    run.stop()
    shop.mended()


CASES = [
    wrong_password, no_replication, no_select, log_is_off,
    setting_is_unfit("binlog_format", "STATEMENT", "ROW"),
    setting_is_unfit("binlog_row_image", "MINIMAL", "FULL"),
    log_is_purged, log_is_reset, other_source, log_is_encrypted, large_rows, clash_of_ids,
]
