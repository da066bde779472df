"""What processes send each other: pickled values, whose large arrays are sent without a copy."""

import pickle
from collections.abc import Callable
from multiprocessing.connection import Connection
from struct import iter_unpack, pack
from typing import Any, NamedTuple

# A pickle begins with another byte: it names its protocol.
_WITH_BUFFERS = b"B"
_SIZE = "<Q"


class PassingError(Exception):
    """A value cannot be passed between processes; the message is what its classes raised."""


class Packed(NamedTuple):
    """A pickled value; the buffers are those of the value itself, not copies."""

    data: bytes
    buffers: tuple[memoryview, ...]


def packed(value: Any) -> Packed:
    """Pickle a value; a PassingError if its classes cannot."""
    buffers: list[pickle.PickleBuffer] = []
    data = pickled(value, buffers.append)
    return Packed(data, tuple(buffer.raw() for buffer in buffers))


def pickled(value: Any, buffer_callback: Callable[[pickle.PickleBuffer], object] | None = None) -> bytes:
    """Pickle a value in one piece, or without what the callback takes; a PassingError if it cannot be."""
    try:
        return pickle.dumps(value, protocol=5, buffer_callback=buffer_callback)
    except Exception as error:
        raise PassingError(f"{type(error).__name__}: {error}") from error


def send(connection: Connection, message: Packed) -> None:
    """Send a value; an OSError says that nobody is there to receive it."""
    if message.buffers:
        sizes = [pack(_SIZE, buffer.nbytes) for buffer in message.buffers]
        connection.send_bytes(_WITH_BUFFERS + b"".join(sizes))
    connection.send_bytes(message.data)
    for buffer in message.buffers:
        connection.send_bytes(buffer)


def receive(connection: Connection) -> Packed:
    """Wait for a value; an EOFError or OSError says that the sender has gone."""
    data = connection.recv_bytes()
    if not data.startswith(_WITH_BUFFERS):
        return Packed(data, ())
    sizes = data[len(_WITH_BUFFERS) :]
    data = connection.recv_bytes()
    buffers = []
    for (size,) in iter_unpack(_SIZE, sizes):
        # Bytes cannot be changed, and neither could an array over them.
        buffer = bytearray(size)
        connection.recv_bytes_into(buffer)
        buffers.append(memoryview(buffer))
    return Packed(data, tuple(buffers))


def unpacked(message: Packed) -> Any:
    """Return the value; a PassingError if its classes, or the import of their modules, cannot make it."""
    try:
        return pickle.loads(message.data, buffers=message.buffers)  # noqa: S301 - from a process of the same run
    except Exception as error:
        raise PassingError(f"{type(error).__name__}: {error}") from error
