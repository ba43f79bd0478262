#!/usr/bin/env python3
"""Records what the decoder's tests are fed: binlog files of the lab's servers, and what the servers
say of the same rows.

    Tests/MySQLConnectorTests/Recordings/record.py [SERVER...]

For each server (scripts/servers) it runs values.sql and groups.sql, those parts that are for it
(`-- only: mariadb118 mysql97`), each in a binlog file of its own, and writes

    SERVER-values.binlog.z  SERVER-values.json.z   the rows of all tables, in canonical text
    SERVER-groups.binlog.z

A file `.z` is its length, four bytes, and what zlib makes of it.

The server must be idle otherwise: everybody's changes are in its binlog.
"""
import json
import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path

HERE = Path(__file__).parent
SERVERS = HERE.parents[2] / "scripts" / "servers"
LAB = Path("/var/lib/martlet-lab/data")
SCHEMA = "martlet_recording"
SESSION = "SET time_zone = '+00:00'; SET NAMES utf8mb4; "


def run(server, sql, database=""):
    command = [SERVERS, "client", server, "-N", "-B", "--default-character-set=utf8mb4"]
    done = subprocess.run(
        command + ([database] if database else []), input=(SESSION + sql).encode(),
        capture_output=True)
    if done.returncode:
        sys.exit(f"{server}: {done.stderr.decode()}")
    return [line.split("\t") for line in done.stdout.decode().splitlines()]


def write(name, data):
    (HERE / f"{name}.z").write_bytes(struct.pack(">I", len(data)) + zlib.compress(data, 9))


def parts(path, server):
    """The parts of the file that are for this server."""
    for part in re.split(r"(?m)^-- only: ", path.read_text()):
        names, _, sql = part.partition("\n")
        if part.startswith("--") or any(server.startswith(name) for name in names.split()):
            yield sql if not part.startswith("--") else part


def binlog(server, name):
    """Runs the file's statements in a binlog of their own and keeps that."""
    run(server, f"DROP DATABASE IF EXISTS {SCHEMA}; CREATE DATABASE {SCHEMA};"
        " FLUSH BINARY LOGS")
    for part in parts(HERE / f"{name}.sql", server):
        run(server, part, SCHEMA)
    shown = run(server, "SHOW BINARY LOGS")
    run(server, "FLUSH BINARY LOGS")
    data = (LAB / server / shown[-1][0]).read_bytes()
    write(f"{server}-{name}.binlog", data)


# ---- Rows in canonical text -------------------------------------------------------------------


def expression(column, type_name, declaration):
    name = f"`{column}`"
    if type_name in ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "vector",
                     "geometry", "point", "linestring", "polygon", "geometrycollection",
                     "geomcollection", "multipoint"):
        return f"HEX({name})"
    if type_name == "bit":
        return f"HEX(LPAD(BIN({name} + 0), {re.search('[0-9]+', declaration)[0]}, '0'))"
    if type_name == "float":
        return f"HEX(CONVERT(CAST({name} AS DOUBLE), CHAR))"
    if type_name in ("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"):
        return f"HEX(CONVERT({name} USING utf8mb4))"
    return f"HEX(CONVERT(CAST({name} AS CHAR) USING utf8mb4))"


def shortest(value, width):
    """The fewest digits that read back as the same float of this width."""
    for digits in range(1, 18):
        text = f"{value:.{digits}e}" if digits > 1 else f"{value:.0e}"
        for candidate in (f"{value:.{digits - 1}e}", text):
            back = float(candidate)
            if width == 4:
                back = struct.unpack("f", struct.pack("f", back))[0]
            if back == value:
                return candidate
    raise ValueError(value)


def floating(text, width):
    """As PostgreSQL prints it."""
    value = float(text)
    if value == 0:
        return "-0" if text.startswith("-") else "0"
    mantissa, exponent = shortest(abs(value), width).split("e")
    digits, power = mantissa.replace(".", "").rstrip("0") or "0", int(exponent)
    sign = "-" if value < 0 else ""
    if power < -4 or power >= (6 if width == 4 else 15):
        tail = "." + digits[1:] if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{tail}e{'-' if power < 0 else '+'}{abs(power):02d}"
    if power < 0:
        return f"{sign}0.{'0' * (-power - 1)}{digits}"
    whole = digits.ljust(power + 1, "0")
    return sign + whole[:power + 1] + ("." + whole[power + 1:] if len(whole) > power + 1 else "")


def canonical(value, type_name):
    if value == "NULL":
        return None
    data = bytes.fromhex(value)
    if type_name in ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "vector",
                     "geometry", "point", "linestring", "polygon", "geometrycollection",
                     "geomcollection", "multipoint"):
        return "\\x" + data.hex()
    text = data.decode()
    if type_name in ("float", "double"):
        return floating(text, 4 if type_name == "float" else 8)
    if type_name in ("time", "datetime", "timestamp"):
        if "." in text:
            text = text.rstrip("0").rstrip(".")
        return text + ("+00" if type_name == "timestamp" else "")
    return text


def rows(server):
    """Every table's rows, in the order of the key `id`."""
    tables = run(
        server, f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{SCHEMA}'"
        " AND table_type = 'BASE TABLE' ORDER BY 1")
    result = {}
    for (table,) in tables:
        columns = run(
            server, "SELECT column_name, data_type, column_type FROM information_schema.columns"
            f" WHERE table_schema = '{SCHEMA}' AND table_name = '{table}'"
            " ORDER BY ordinal_position")
        picked = ", ".join(expression(*column) for column in columns)
        found = run(server, f"SELECT {picked} FROM `{table}` ORDER BY id", SCHEMA)
        result[table] = {
            "columns": [[name, kind, declaration] for name, kind, declaration in columns],
            "rows": [[canonical(value, column[1]) for value, column in zip(row, columns)]
                     for row in found],
        }
    return result


def record(server):
    binlog(server, "values")
    text = json.dumps(
        {"version": run(server, "SELECT VERSION()")[0][0], "tables": rows(server)},
        ensure_ascii=False, indent=0)
    write(f"{server}-values.json", text.encode())
    binlog(server, "groups")
    run(server, f"DROP DATABASE {SCHEMA}")
    print(server, *(f"{p.name}={p.stat().st_size}" for p in sorted(HERE.glob(f"{server}-*"))))


for server in sys.argv[1:] or ["mariadb1011", "mariadb118", "mysql97"]:
    record(server)
