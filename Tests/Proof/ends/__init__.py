"""The ends of a pipeline, one module per engine, all with one interface.

A *server* is `pg15`, `pg17`, `pg18`, `mariadb1011`, `mariadb118` or `mysql97` of scripts/servers; a *private*
one is of the proof's own: `configure`, `stop`, `start`, `restart`, `remove`. Both have `engine` and
`connect(database, user)`.

A *source* and a *target* have, whatever the engine:

    engine, schema          `schema` is a database in MySQL and MariaDB
    connect(user)           a connection with cursors
    query(sql, user)        all rows; `value` is the first of the first
    named(table)            how its SQL names one of the pipeline's tables
    series(first, last)     an item of FROM with whole numbers in column g
    table_names()           of the schema
    columns(table)          of a source: `Column`s with the kind of their values
    values(table, columns)  the rows, as tuples of canonical texts (see values.py)
    hold(table, readable)   locks a table until its result is called
    end_sessions(most)      ends sessions of Martlet; how many there were
    check_roles()           Martlet's roles have the privileges they need and no more
    drop(), remove()        with everything that the server kept for it

A source has `installer` and `capture` roles, `position()`, `parse(text)` for positions of the program's
own output, and `order_reader()`: the commit order as somebody else reads it. A target has an `apply`
role, `link()` (the URL for Martlet), `has(table)`, `greatest(table, key)`, `in_transaction()`.
"""

from ends import mysql, postgresql, sqlite


def family(name):
    return postgresql if name.startswith("pg") else mysql


def private_server(name, settings=None):
    return family(name).PrivateServer(name, settings)


def shared_server(name):
    """MySQL and MariaDB keep all databases' changes in one log: these are always of our own."""
    return postgresql.Server(name) if name.startswith("pg") else mysql.private(name)


def make_source(server, **more):
    if isinstance(server, str):
        server = shared_server(server)
    return family(server.name).Source(server, **more)


def make_target(server, **more):
    if server == "sqlite":
        return sqlite.FileTarget()
    if isinstance(server, str):
        server = (postgresql.Server(server) if server.startswith("pg")
                  else mysql.private(server, "target"))
    return family(server.name).Target(server, **more)
