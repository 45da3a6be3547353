"""``tf.signal``: windows and frames of signals, their transforms, their convolutions.

Names load on first use (PEP 562).  ``convolve``, ``correlate``, ``convolve2d`` and ``correlate2d``
are not TF1's: they are called as in ``scipy.signal``.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

# module: the public names it owns
_OWNERS = {
    "frontends.tf.functions.fourier": (
        "dct fft fft2d fft3d fftshift idct ifft ifft2d ifft3d ifftshift irfft irfft2d irfft3d rfft "
        "rfft2d rfft3d"
    ),
    "frontends.tf.signal.convolving": "convolve convolve2d correlate correlate2d",
    "frontends.tf.signal.frames": (
        "frame hamming_window hann_window inverse_stft inverse_stft_window_fn kaiser_window "
        "linear_to_mel_weight_matrix mfccs_from_log_mel_spectrograms overlap_and_add stft "
        "vorbis_window"
    ),
    "frontends.tf.signal.lapped": "inverse_mdct kaiser_bessel_derived_window mdct",
}
_NAMES = {name: owner for owner, names in _OWNERS.items() for name in names.split()}

__all__ = sorted(_NAMES)


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        value = globals()[name] = getattr(import_module(_NAMES[name]), name)
        return value
    from frontends.tf.names.missing import elsewhere

    return elsewhere("signal", name, __dir__)


def __dir__() -> list[str]:
    return __all__
