"""The phone's end of adb's transport protocol over TCP: what `adbd` does, as far as adb asks it.

Messages, services and the shell protocol are described in Android's sources: packages/modules/adb,
docs/dev/{protocol,services,sync}.md and shell_protocol.h.
"""

from __future__ import annotations

import os
import queue
import signal
import socket
import struct
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

CNXN, AUTH, OPEN, OKAY, WRTE, CLSE = b"CNXN", b"AUTH", b"OPEN", b"OKAY", b"WRTE", b"CLSE"
VERSION = 0x01000001  # from this one on, no checksums
MAX_DATA = 256 * 1024
FEATURES = "shell_v2,cmd,stat_v2,ls_v2,fixed_push_mkdir"
AUTH_TOKEN = 1
STDIN, STDOUT, STDERR, EXIT, CLOSE_STDIN = 0, 1, 2, 3, 4  # packets of the shell protocol


class Connection:
    """One computer that is connected."""

    def __init__(self, link: socket.socket, phone: Phone) -> None:
        self.link = link
        self.phone = phone
        self.streams: dict[int, Stream] = {}
        self.sending = threading.Lock()
        self.next_id = 1

    def send(self, command: bytes, first: int, second: int, data: bytes = b"") -> None:
        magic = int.from_bytes(command, "little") ^ 0xFFFFFFFF
        with self.sending:
            self.link.sendall(struct.pack("<4s5I", command, first, second, len(data), 0, magic) + data)

    def serve(self) -> None:
        try:
            while True:
                command, first, second, size, _, _ = struct.unpack("<4s5I", self.exactly(24))
                self.on(command, first, second, self.exactly(size))
        except (ConnectionError, OSError):
            for stream in list(self.streams.values()):
                stream.hang_up()

    def on(self, command: bytes, first: int, second: int, data: bytes) -> None:
        if self.phone.state == "offline":
            return
        if command == AUTH or (command == CNXN and self.phone.state == "unauthorized"):
            # Signed, or with the public key: nobody has pressed "allow" on the screen.
            self.send(AUTH, AUTH_TOKEN, 0, os.urandom(20))
        elif command == CNXN:
            self.send(CNXN, VERSION, MAX_DATA, self.phone.banner().encode())
        elif command == OPEN:
            stream = Stream(self, self.next_id, first)
            self.next_id += 1
            self.streams[stream.own_id] = stream
            service = data.rstrip(b"\0").decode()
            threading.Thread(target=stream.serve, args=(service,), daemon=True).start()
        elif (stream := self.streams.get(second)) is not None:
            if command == OKAY:
                stream.ready.set()
            elif command == WRTE:
                stream.received.put(data)
                self.send(OKAY, stream.own_id, stream.their_id)
            elif command == CLSE:
                stream.hang_up()

    def exactly(self, size: int) -> bytes:
        content = bytearray()
        while len(content) < size:
            piece = self.link.recv(size - len(content))
            if not piece:
                raise ConnectionError
            content += piece
        return bytes(content)


class Stream:
    """One service that a computer has opened."""

    def __init__(self, connection: Connection, own_id: int, their_id: int) -> None:
        self.connection = connection
        self.own_id = own_id
        self.their_id = their_id
        self.received: queue.Queue[bytes | None] = queue.Queue()
        self.ready = threading.Event()
        self.writing = threading.Lock()
        self.gone = False
        self.rest = b""
        self.process: subprocess.Popen[bytes] | None = None

    def write(self, data: bytes) -> None:
        with self.writing:
            for place in range(0, len(data), MAX_DATA // 2):
                if self.gone:
                    raise ConnectionError
                self.ready.clear()
                self.connection.send(WRTE, self.own_id, self.their_id, data[place : place + MAX_DATA // 2])
                while not self.ready.wait(0.1):
                    if self.gone:
                        raise ConnectionError

    def read(self, size: int) -> bytes:
        while len(self.rest) < size:
            piece = self.received.get()
            if piece is None:
                raise ConnectionError
            self.rest += piece
        content, self.rest = self.rest[:size], self.rest[size:]
        return content

    def hang_up(self) -> None:
        """The computer has closed it: adbd tells the shell so by SIGHUP (shell_service.cpp)."""
        self.gone = True
        self.received.put(None)
        if self.process is not None and self.process.poll() is None:
            assert self.process.stdin is not None
            self.process.stdin.close()
            self.process.send_signal(signal.SIGHUP)

    def serve(self, service: str) -> None:
        self.connection.send(OKAY, self.own_id, self.their_id)
        try:
            if service.startswith("shell,v2"):
                self.shell(service.partition(":")[2], framed=True)
            elif service.startswith(("shell:", "exec:")):
                self.shell(service.partition(":")[2], framed=False)
            elif service == "sync:":
                Sync(self).serve()
        except (ConnectionError, OSError):
            pass
        finally:
            self.connection.streams.pop(self.own_id, None)
            if not self.gone:
                self.connection.send(CLSE, self.own_id, self.their_id)

    def shell(self, command: str, *, framed: bool) -> None:
        self.process = self.connection.phone.start(command, merged=not framed)
        pumps = [threading.Thread(target=self.pump, args=(self.process.stdout, STDOUT, framed), daemon=True)]
        if framed:
            pumps.append(
                threading.Thread(target=self.pump, args=(self.process.stderr, STDERR, framed), daemon=True)
            )
        for pump in pumps:
            pump.start()
        threading.Thread(target=self.feed, args=(self.process.stdin, framed), daemon=True).start()
        code = self.process.wait()
        for pump in pumps:
            pump.join(1.0)  # a process left in the background may hold the pipe
        if framed and not self.gone:
            self.write(struct.pack("<BIB", EXIT, 1, code & 0xFF))

    def feed(self, pipe: IO[bytes], framed: bool) -> None:
        """Pass on what the computer types, and that it types no more."""
        try:
            while framed:
                kind, size = struct.unpack("<BI", self.read(5))
                content = self.read(size)
                if kind == CLOSE_STDIN:
                    break
                if kind == STDIN:
                    pipe.write(content)
                    pipe.flush()
        except (ConnectionError, OSError):
            return
        pipe.close()

    def pump(self, pipe: object, kind: int, framed: bool) -> None:
        descriptor = pipe.fileno()  # type: ignore[attr-defined]
        try:
            while piece := os.read(descriptor, 16 * 1024):
                self.write(struct.pack("<BI", kind, len(piece)) + piece if framed else piece)
        except (ConnectionError, OSError):
            os.close(descriptor)  # so that the next line printed fails, as on a phone


class Sync:
    """Files to and from the phone, and questions about them."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.place: Callable[[str], Path] = stream.connection.phone.place

    def serve(self) -> None:
        while True:
            kind, size = struct.unpack("<4sI", self.stream.read(8))
            name = self.stream.read(size).decode() if kind not in (b"QUIT",) else ""
            if kind == b"QUIT":
                return
            {
                b"STAT": self.stat,
                b"STA2": self.stat2,
                b"LST2": self.stat2,
                b"SEND": self.send,
                b"RECV": self.recv,
            }[kind](kind, name)

    def stat(self, kind: bytes, name: str) -> None:
        path = self.place(name)
        found = path.stat() if path.exists() else None
        values = (found.st_mode, found.st_size, int(found.st_mtime)) if found else (0, 0, 0)
        self.stream.write(struct.pack("<4s3I", b"STAT", *values))

    def stat2(self, kind: bytes, name: str) -> None:
        path = self.place(name)
        if not path.exists():
            self.stream.write(struct.pack("<4sI2Q4IQ3q", kind, 2, *[0] * 10))  # ENOENT
            return
        found = path.stat()
        times = int(found.st_atime), int(found.st_mtime), int(found.st_ctime)
        self.stream.write(
            struct.pack(
                "<4sI2Q4IQ3q", kind, 0, found.st_dev, found.st_ino, found.st_mode, 1, 2000, 2000,
                found.st_size, *times,
            )
        )  # fmt: skip

    def send(self, kind: bytes, name: str) -> None:
        path, _, mode = name.rpartition(",")
        content = bytearray()
        while True:
            piece, size = struct.unpack("<4sI", self.stream.read(8))
            if piece == b"DONE":
                break
            content += self.stream.read(size)
        content = self.stream.connection.phone.arriving(bytearray(content))
        try:
            self.place(path).write_bytes(content)
            self.place(path).chmod(int(mode) & 0o777)
        except OSError as error:
            said = f"couldn't create file: {error.strerror}".encode()
            self.stream.write(struct.pack("<4sI", b"FAIL", len(said)) + said)
        else:
            self.stream.write(struct.pack("<4sI", b"OKAY", 0))

    def recv(self, kind: bytes, name: str) -> None:
        content = self.place(name).read_bytes()
        for place in range(0, len(content), 64 * 1024):
            piece = content[place : place + 64 * 1024]
            self.stream.write(struct.pack("<4sI", b"DATA", len(piece)) + piece)
        self.stream.write(struct.pack("<4sI", b"DONE", 0))


class Phone:
    """What a connection needs of the phone; `device_script.py` is one."""

    state = "device"

    def banner(self) -> str:
        raise NotImplementedError

    def place(self, name: str) -> Path:
        raise NotImplementedError

    def arriving(self, content: bytearray) -> bytearray:
        return content

    def start(self, command: str, *, merged: bool) -> subprocess.Popen[bytes]:
        raise NotImplementedError

    def listen(self) -> int:
        """Take connections on a free port of this machine, and return it."""
        server = socket.create_server(("127.0.0.1", 0))

        def accept() -> None:
            while True:
                link, _ = server.accept()
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=Connection(link, self).serve, daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return server.getsockname()[1]
