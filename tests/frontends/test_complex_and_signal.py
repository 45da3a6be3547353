"""Complex tensors and tf.signal by their public names, against NumPy and SciPy."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import scipy.fft
import scipy.signal

import graphc as tf

RNG = np.random.default_rng(11)
Z = (RNG.normal(size=(3, 8)) + 1j * RNG.normal(size=(3, 8))).astype(np.complex64)
X = RNG.normal(size=(2, 40)).astype(np.float32)


def run(value, feeds=None):
    with tf.Session() as session:
        return session.run(value, feeds)


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (lambda: tf.complex(Z.real, Z.imag), Z),
        (lambda: tf.real(Z), Z.real),
        (lambda: tf.math.imag(Z), Z.imag),
        (lambda: tf.conj(Z), Z.conj()),
        (lambda: tf.angle(Z), np.angle(Z)),
        (lambda: tf.complex_abs(Z), np.abs(Z)),
        (lambda: tf.constant(Z) * (2 - 1j), Z * (2 - 1j)),
        (lambda: tf.matmul(Z, Z, adjoint_b=True), Z @ Z.conj().T),
        (lambda: tf.transpose(Z, conjugate=True), Z.conj().T),
        (lambda: tf.linalg.adjoint(Z), Z.conj().T),
        (lambda: tf.cast(X, tf.complex64), X.astype(np.complex64)),
        (lambda: tf.cast(Z, tf.int32), Z.real.astype(np.int32)),
        (lambda: tf.norm(Z), np.complex64(np.linalg.norm(Z))),
        (lambda: tf.norm(Z, ord=1, axis=1), np.abs(Z).sum(1)),
        (lambda: tf.concat([Z, Z[:1]], 0)[1:, ::2], np.concatenate([Z, Z[:1]])[1:, ::2]),
        (lambda: tf.where(np.abs(Z) > 1, Z, tf.zeros_like(Z)), np.where(np.abs(Z) > 1, Z, 0)),
        (lambda: tf.einsum("ij,kj->ik", Z, Z), Z @ Z.T),
    ],
)  # fmt: skip
def test_complex_numbers_are_numpys(found, wanted):
    got = run(found())
    assert got.dtype == wanted.dtype
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)


def test_parts_of_a_real_tensor():
    x = tf.constant([-2.0, 0.0, 3.0])
    assert tf.real(x) is x
    assert tf.conj(x) is x
    assert run(tf.imag(x)).tolist() == [0, 0, 0]
    np.testing.assert_allclose(run(tf.angle(x)), [np.pi, 0, 0], rtol=1e-6)


def test_dtypes_tell_their_parts():
    assert tf.complex64.is_complex
    assert tf.complex64.real_dtype is tf.float32
    assert tf.complex128.real_dtype is tf.float64
    assert tf.float32.real_dtype is tf.float32


@pytest.mark.parametrize("refused", [tf.floor, tf.nn.relu, tf.is_nan, tf.nn.l2_loss, tf.nn.softmax])
def test_what_takes_no_complex_numbers_says_so(refused):
    with pytest.raises(TypeError, match=r"must be (floating|numeric), got complex64"):
        refused(tf.constant(Z))


def test_a_complex_variable_is_assigned_and_descends():
    target = tf.constant([1 + 2j, -1j], tf.complex64)
    z = tf.Variable(np.zeros(2, np.complex64))
    loss = tf.reduce_sum(tf.square(tf.abs(z - target)))
    (slope,) = tf.gradients(loss, [z])
    step = z.assign(z - 0.25 * slope)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(30):
            session.run(step)
        np.testing.assert_allclose(session.run(z), [1 + 2j, -1j], atol=1e-6)


def test_an_unpickled_array_can_be_fed():
    x = tf.placeholder(tf.complex64, [None, 8])
    y = tf.placeholder(tf.float32, [None, 40])
    fed = pickle.loads(pickle.dumps((Z, X)))  # their dtypes are objects of their own
    total, doubled = run([tf.reduce_sum(x), y + y], {x: fed[0], y: fed[1]})
    np.testing.assert_allclose(total, Z.sum(), rtol=1e-5)
    np.testing.assert_array_equal(doubled, 2 * X)


# --- spectra -------------------------------------------------------------------------------------


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_transforms_are_numpys(rank):
    z = Z.reshape(3, 2, 4)
    x, axes, suffix = z.real.copy(), tuple(range(-rank, 0)), ["", "2d", "3d"][rank - 1]
    found = run(
        [getattr(tf.signal, f"{name}{suffix}")(v) for name, v in
         (("fft", z), ("ifft", z), ("rfft", x), ("irfft", z))]
    )  # fmt: skip
    wanted = [
        np.fft.fftn(z, axes=axes), np.fft.ifftn(z, axes=axes), np.fft.rfftn(x, axes=axes),
        np.fft.irfftn(z, axes=axes),
    ]  # fmt: skip
    for got, expected in zip(found, wanted, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)
        assert got.dtype in (np.complex64, np.float32)


@pytest.mark.parametrize("length", [5, 8, 11])
def test_fft_length_cuts_or_fills(length):
    x, z = tf.placeholder(tf.float32, [None, None]), tf.placeholder(tf.complex64, [None, 5])
    feeds = {x: X[:, :8], z: Z[:, :5]}
    found = run([tf.signal.rfft(x, [length]), tf.spectral.irfft(z, [length])], feeds)
    np.testing.assert_allclose(found[0], np.fft.rfft(X[:, :8], length), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found[1], np.fft.irfft(Z[:, :5], length), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("type", [1, 2, 3, 4])
@pytest.mark.parametrize("norm", [None, "ortho"])
def test_cosine_transforms_are_scipys(type, norm):
    if type == 1 and norm:
        with pytest.raises(ValueError, match="norm must be None"):
            tf.spectral.dct(X, type, norm=norm)
        return
    found = run([tf.spectral.dct(X, type, norm=norm), tf.signal.idct(X, type, norm=norm)])
    inverse = {1: 1, 2: 3, 3: 2, 4: 4}[type]
    for got, kind in zip(found, (type, inverse), strict=True):
        np.testing.assert_allclose(got, scipy.fft.dct(X, kind, norm=norm), rtol=1e-4, atol=1e-4)


def test_shifts_undo_each_other():
    np.testing.assert_array_equal(run(tf.signal.fftshift(Z)), np.fft.fftshift(Z))
    np.testing.assert_array_equal(run(tf.signal.ifftshift(Z, 1)), np.fft.ifftshift(Z, 1))


def test_windows_are_scipys():
    for n in (8, 9):
        for periodic in (True, False):
            got = run([tf.signal.hann_window(n, periodic), tf.signal.hamming_window(n, periodic)])
            even = periodic and n % 2 == 0
            np.testing.assert_allclose(got[0], scipy.signal.windows.hann(n, not even), atol=1e-6)
            np.testing.assert_allclose(got[1], scipy.signal.windows.hamming(n, not even), atol=1e-6)
    assert run(tf.signal.hann_window(1)).tolist() == [1]


# --- frames --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("length", "step"), [(8, 4), (7, 3), (5, 5), (3, 7), (50, 2)])
def test_frames_of_any_length_are_added_up_again(length, step):
    x = tf.placeholder(tf.float32, [None, None])
    frames = tf.contrib.signal.frame(x, length, step)
    count = max(0, (40 - length) // step + 1)
    got, back = run([frames, tf.signal.overlap_and_add(frames, step)], {x: X})
    expected = np.zeros_like(back)
    assert got.shape == (2, count, length)
    for k in range(count):
        np.testing.assert_array_equal(got[:, k], X[:, k * step : k * step + length])
        expected[:, k * step : k * step + length] += got[:, k]
    np.testing.assert_allclose(back, expected, rtol=1e-6)


def test_frames_may_be_filled_up_and_lie_along_any_axis():
    x = np.arange(10.0, dtype=np.float32).reshape(5, 2)
    got = run(tf.signal.frame(x, 3, 2, pad_end=True, pad_value=-1, axis=0))
    assert got.shape == (3, 3, 2)
    assert got[2].tolist() == [[8, 9], [-1, -1], [-1, -1]]


def test_a_signal_comes_back_from_its_short_time_transform():
    x = tf.placeholder(tf.float32, [None, None])
    spectra = tf.signal.stft(x, 16, 4)
    window_fn = tf.signal.inverse_stft_window_fn(4)
    back = tf.signal.inverse_stft(spectra, 16, 4, window_fn=window_fn)
    found, shape = run([back, tf.shape(spectra)], {x: X})
    assert shape.tolist() == [2, 7, 9]
    np.testing.assert_allclose(found[:, 12:-12], X[:, 12:-12], atol=1e-5)


def test_a_gradient_flows_through_a_spectrogram():
    x = tf.placeholder(tf.float64, [None])
    power = tf.reduce_sum(tf.square(tf.abs(tf.signal.stft(x, 8, 4, window_fn=None))))
    (slope,) = tf.gradients(power, [x])
    given = X[0].astype(np.float64)
    at = np.zeros(40)
    at[17] = 1e-6
    with tf.Session() as session:
        found = session.run(slope, {x: given})[17]
        expected = session.run(power, {x: given + at}) - session.run(power, {x: given - at})
    np.testing.assert_allclose(found, expected / 2e-6, rtol=1e-6)


def test_mel_bands_overlap_by_half():
    weights = run(tf.signal.linear_to_mel_weight_matrix(10, 65, 8000, 80.0, 3600.0))
    assert weights.shape == (65, 10)
    inside = weights[weights.argmax(0)[0] : weights.argmax(0)[-1]].sum(1)
    np.testing.assert_allclose(inside, 1, atol=0.4)
    with pytest.raises(ValueError, match="lower_edge_hertz < upper_edge_hertz"):
        tf.signal.linear_to_mel_weight_matrix(lower_edge_hertz=5000.0)
