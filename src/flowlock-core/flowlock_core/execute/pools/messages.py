"""What processes send each other: pickled values, whose large arrays are sent without a copy."""

import pickle
from multiprocessing.connection import Connection
from struct import iter_unpack, pack
from typing import Any, NamedTuple

# A pickle begins with another byte: it names its protocol.
_WITH_BUFFERS = b"B"
_SIZE = "<Q"


class PassingError(Exception):
    """A value cannot be passed between processes; the reason is what its classes raised."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"{type(error).__name__}: {error}")


class Packed(NamedTuple):
    """A pickled value; the buffers are those of the value itself, not copies."""

    data: bytes
    buffers: tuple[memoryview, ...]


def packed(value: Any) -> Packed:
    """Pickle a value; a PassingError if its classes cannot."""
    buffers: list[pickle.PickleBuffer] = []
    try:
        data = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    except Exception as error:
        raise PassingError(error) from error
    return Packed(data, tuple(buffer.raw() for buffer in buffers))


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
        # Only processes of the same run have an end of these pipes.
        return pickle.loads(message.data, buffers=message.buffers)  # noqa: S301 - see above
    except Exception as error:
        raise PassingError(error) from error
