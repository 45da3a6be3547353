"""Pictures and sounds as the bytes of a file: PNG and WAV."""

from __future__ import annotations

import io
import struct
import wave
import zlib

import numpy as np

_PNG_COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}  # channels: PNG's colour type


def png(pixels: np.ndarray) -> bytes:
    """A picture ``uint8[height, width, channels]`` as a PNG file; 1 to 4 channels."""
    height, width, channels = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 8, _PNG_COLOURS[channels], 0, 0, 0)
    rows = np.zeros((height, 1 + width * channels), np.uint8)  # each row opens with its filter: 0
    rows[:, 1:] = pixels.reshape(height, width * channels)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def pixels_of(picture: np.ndarray) -> np.ndarray:
    """A floating picture as bytes: scaled so that its largest value is 255.

    With negative values, 0 becomes 128 and the largest magnitude is 127 away from it.  A pixel
    that is not finite becomes red (or 255 in its first channel).
    """
    finite = np.isfinite(picture)
    known = picture[finite].astype(np.float32)
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    largest = max(abs(low), abs(high)) if low < 0 else high
    span, offset = (127.0, 128.0) if low < 0 else (255.0, 0.0)
    scale = np.float32(0.0 if largest < 1e-6 else span / largest)
    shown = np.where(finite, picture, 0).astype(np.float32) * scale + np.float32(offset)
    result = shown.astype(np.uint8)
    colour = np.array([255, 0, 0, 255], np.uint8)[: picture.shape[-1]]
    result[~finite.all(axis=-1)] = colour
    return result


def wav(samples: np.ndarray, rate: int) -> bytes:
    """A sound ``float[frames, channels]`` between -1 and 1 as a WAV file of 16 bits."""
    scaled = samples.astype(np.float32) * np.float32(32768)
    whole = np.clip(np.trunc(scaled + np.copysign(np.float32(0.5), scaled)), -32768, 32767)
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(whole.astype("<i2").tobytes())
    return target.getvalue()
