"""A proxy in front of a PostgreSQL server: it can kill a client between COMMIT and its reply.

It listens on a unix socket and passes everything on. Once armed, the next CommandComplete "COMMIT"
from the server is withheld: the commit has happened, the client does not know it (A02). What is to
be done then is the caller's `when_committed`; afterwards the connection is closed.
"""

import socket
import tempfile
import threading
from pathlib import Path

# 'C', length 11, tag: the server's answer to COMMIT.
COMMITTED = b"C\x00\x00\x00\x0bCOMMIT\x00"


class Proxy:
    def __init__(self, server):
        self.folder = Path(tempfile.mkdtemp(prefix="martlet-proxy-"))
        self.folder.chmod(0o755)
        self.upstream = str(server.sockets / f".s.PGSQL.{server.port}")
        self.port = server.port
        self.listener = socket.socket(socket.AF_UNIX)
        self.path = self.folder / f".s.PGSQL.{self.port}"
        self.listener.bind(str(self.path))
        self.listener.listen(64)
        self.lock = threading.Lock()
        self.when_committed = None
        self.skip = 0
        self.withheld = 0
        threading.Thread(target=self.accept, daemon=True).start()

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
            for pair in ((client, server, False), (server, client, True)):
                threading.Thread(target=self.pump, args=pair, daemon=True).start()

    def pump(self, reader, writer, from_server):
        tail = b""
        try:
            while data := reader.recv(65536):
                if from_server and self.is_withheld(tail + data):
                    break
                tail = data[-len(COMMITTED):]
                writer.sendall(data)
        except OSError:
            pass
        finally:
            for end in (reader, writer):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def is_withheld(self, data):
        with self.lock:
            found = data.count(COMMITTED)
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
