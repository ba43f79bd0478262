"""A proxy in front of a target: it can kill a client between COMMIT and its reply.

It listens on a unix socket and passes everything on. Once armed, the server's next answer to a COMMIT is
withheld: the commit has happened, the client does not know it (A02). What is to be done then is the
caller's `when_committed`; afterwards the connection is closed.
"""

import re
import socket
import tempfile
import threading
from pathlib import Path


class Postgres:
    """The answer says what it answers: 'C', length 11, tag."""

    ANSWER = b"C\x00\x00\x00\x0bCOMMIT\x00"

    def __init__(self):
        self.tail = b""

    def asked(self, data):
        pass

    def commits(self, data):
        """How many answers to COMMIT begin or end in this data."""
        found = (self.tail + data).count(self.ANSWER)
        self.tail = (self.tail + data)[-len(self.ANSWER) + 1:]
        return found


class MySQL:
    """An answer does not say what it answers: what comes after the client's COMMIT is held back.

    Statements are waited for one by one, so that the next data from the server is the answer."""

    ASKED = re.compile(rb"\x03\s*COMMIT\b", re.IGNORECASE)

    def __init__(self):
        self.tail, self.waits = b"", False

    def asked(self, data):
        if self.ASKED.search(self.tail + data):
            self.waits, self.tail = True, b""
        else:
            self.tail = data[-16:]

    def commits(self, data):
        found, self.waits = self.waits, False
        return int(found)


class Proxy:
    def __init__(self, target):
        self.folder = Path(tempfile.mkdtemp(prefix="martlet-proxy-"))
        self.folder.chmod(0o755)
        server = target.server
        self.is_postgres = target.engine == "postgresql"
        self.port = server.port
        name = f".s.PGSQL.{server.port}"
        self.upstream = str(server.sockets / name) if self.is_postgres else server.socket
        self.path = self.folder / (name if self.is_postgres else "server.sock")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.path.chmod(0o777)
        self.listener.listen(64)
        self.lock = threading.Lock()
        self.when_committed = None
        self.skip = 0
        self.withheld = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def url(self, target):
        place = ({"sockets": self.folder, "port": self.port} if self.is_postgres
                 else {"socket": self.path})
        return target.url(target.apply, **place)

    def arm(self, when_committed, skip=0):
        """`when_committed` is called once, instead of delivering the reply after `skip` others."""
        with self.lock:
            self.when_committed, self.skip = when_committed, skip

    def disarm(self):
        with self.lock:
            self.when_committed = None

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(self.upstream)
            except OSError:
                client.close()
                continue
            protocol = Postgres() if self.is_postgres else MySQL()
            for pair in ((client, server, protocol, False), (server, client, protocol, True)):
                threading.Thread(target=self.pump, args=pair, daemon=True).start()

    def pump(self, reader, writer, protocol, from_server):
        try:
            while data := reader.recv(65536):
                if not from_server:
                    protocol.asked(data)
                elif self.is_withheld(protocol.commits(data)):
                    break
                writer.sendall(data)
        except OSError:
            pass
        finally:
            for end in (reader, writer):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def is_withheld(self, found):
        with self.lock:
            if self.when_committed is None or not found:
                return False
            if self.skip >= found:
                self.skip -= found
                return False
            action, self.when_committed = self.when_committed, None
            self.withheld += 1
        action()
        return True

    def close(self):
        self.listener.close()
        self.path.unlink(missing_ok=True)
        self.folder.rmdir()
