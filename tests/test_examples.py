"""The examples run as a person would run them, and print the numbers they promise."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

ROOT = Path(__file__).parent.parent


def run(name: str, folder: Path, *options: str) -> list[str]:
    """The lines that ``examples/name`` prints, run in ``folder``."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / name), *options],
        cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.splitlines()


def printed(name: str, folder: Path) -> list[float]:
    """The last decimal number of each line it prints, without its sign."""
    found = (re.findall(r"\d+\.\d+", line) for line in run(name, folder))
    return [float(numbers[-1]) for numbers in found if numbers]


@pytest.mark.slow
def test_the_digits_are_recognised(tmp_path: Path) -> None:
    *_, accuracy = printed("digits_mlp.py", tmp_path)
    assert accuracy >= 97.0


@pytest.mark.slow
def test_windows_recognise_more_of_the_digits(tmp_path: Path) -> None:
    *_, accuracy = printed("lenet_digits.py", tmp_path)
    assert accuracy >= 98.5


@pytest.mark.slow
def test_the_autoencoder_keeps_more_than_linear_components(tmp_path: Path) -> None:
    *_, linear, kept = printed("autoencoder.py", tmp_path)
    assert kept >= 80.0
    assert linear < 70.0


@pytest.mark.slow
def test_word_vectors_know_neighbours_and_kinds(tmp_path: Path) -> None:
    lines = run("word2vec.py", tmp_path)
    kinds = [re.findall(r"\d+\.\d+", line) for line in lines if "same kind" in line]
    assert min(float(share) for (share,) in kinds) > 60.0
    losses = [re.findall(r"\d+\.\d+", line) for line in lines if "held-out loss" in line]
    (bag, alone), (skip_gram, _) = [[float(n) for n in pair] for pair in losses]
    assert bag < alone - 0.5
    assert skip_gram < alone - 0.15
    assert (tmp_path / "out" / "word2vec.png").stat().st_size > 20_000


@pytest.mark.slow
def test_rows_of_digits_are_read_without_being_cut(tmp_path: Path) -> None:
    *_, best, searched = printed("ctc_digits.py", tmp_path)
    assert best <= 5.0
    assert searched <= best + 0.2
    assert (tmp_path / "out" / "ctc_digits.png").stat().st_size > 5000


@pytest.mark.slow
def test_xor_needs_a_hidden_layer(tmp_path: Path) -> None:
    linear, relu = printed("perceptron_xor.py", tmp_path)
    assert linear == pytest.approx(0.25, abs=1e-3)
    assert relu < 1e-4


@pytest.mark.slow
def test_gradient_descent_reaches_the_closed_form(tmp_path: Path) -> None:
    *_, explained, gap = printed("least_squares.py", tmp_path)
    assert explained == pytest.approx(51.8, abs=0.1)
    assert gap < 1e-3


@pytest.mark.slow
def test_softmax_regression_recognises_digits(tmp_path: Path) -> None:
    *_, accuracy = printed("softmax_regression.py", tmp_path)
    assert accuracy >= 94.0
    assert (tmp_path / "out" / "softmax_regression.png").stat().st_size > 5000


@pytest.mark.slow
def test_the_variational_bound_beats_one_rate_per_pixel(tmp_path: Path) -> None:
    *_, bound = printed("variational_autoencoder.py", tmp_path)
    assert bound < 25.5  # in nats, without its minus


@pytest.mark.slow
def test_the_generator_draws_digits(tmp_path: Path) -> None:
    *_, sure = printed("gan.py", tmp_path)
    assert sure >= 35.0


@pytest.mark.slow
def test_selu_keeps_the_variance_and_others_lose_it(tmp_path: Path) -> None:
    selu, tanh, relu = printed("self_normalizing.py", tmp_path)
    assert 0.5 < selu < 1.5
    assert max(tanh, relu) < 0.1


@pytest.mark.slow
def test_highways_train_where_plain_layers_do_not(tmp_path: Path) -> None:
    plain, highway = printed("highway.py", tmp_path)
    assert plain < 50.0
    assert highway >= 92.0


@pytest.mark.slow
def test_the_gradient_vanishes_in_sigmoid_nets_alone(tmp_path: Path) -> None:
    lines = run("vanishing_gradients.py", tmp_path)
    sigmoid, _, residual = (float(line.split()[-1]) for line in lines if "share" in line)
    assert sigmoid < 1e-6
    assert residual > 0.01


@pytest.mark.slow
def test_every_optimizer_passes_gradient_descent(tmp_path: Path) -> None:
    descent, *others = printed("optimizers.py", tmp_path)
    assert max(others) < descent


@pytest.mark.slow
def test_curvature_leaves_the_plateau(tmp_path: Path) -> None:
    descent, momentum, adam, lbfgs, hessian_free = printed("hessian_free.py", tmp_path)
    assert min(descent, momentum, lbfgs) > 4.6  # the variance of the digits
    assert adam < 2.5
    assert hessian_free < 0.8 * adam


@pytest.mark.slow
def test_the_pole_stays_up(tmp_path: Path) -> None:
    *_, steps = printed("policy_gradient.py", tmp_path)
    assert steps >= 120.0


@pytest.mark.slow
def test_one_trunk_serves_three_tasks(tmp_path: Path) -> None:
    *_, digit, odd, ink = printed("multitask.py", tmp_path)
    assert digit >= 93.0
    assert odd >= 97.0
    assert ink < 0.03


@pytest.mark.slow
@pytest.mark.parametrize(("depth", "millions"), [(18, 11.69), (50, 25.56), (152, 60.19)])
def test_residual_networks_train(depth: int, millions: float, tmp_path: Path) -> None:
    lines = run("resnet.py", tmp_path, f"--depth={depth}", "--size=32", "--batch=4", "--steps=2")
    numbers = [float(re.findall(r"\d+\.\d+", line)[-1]) for line in (lines[0], lines[-1])]
    assert numbers[0] == millions
    assert numbers[1] < 6.9  # what guessing among 1,000 classes would cost


@pytest.mark.slow
def test_what_is_known_of_pictures_replaces_links_and_weights(tmp_path: Path) -> None:
    lines = [line.split() for line in run("digit_nets.py", tmp_path) if line.startswith("Net-")]
    counts = [[int(n) for n in words[1:3]] for words in lines]
    assert counts == [[2570, 2570], [3214, 3214], [1226, 1226], [2266, 1132], [5194, 1060]]
    one, two, three, four, five = (float(words[4]) for words in lines)
    assert one < two <= three < four < five
    assert five >= 91.0


@pytest.mark.slow
def test_filtered_photographs_are_those_of_scipy(tmp_path: Path) -> None:
    lines = [line for line in run("image_filters.py", tmp_path) if "SciPy" in line]
    away = [float(re.findall(r"\d+\.\d+", line)[-1]) for line in lines]
    assert len(away) == 12  # both operations, two windows, three modes
    assert max(away) < 1e-5
    assert (tmp_path / "out" / "image_filters.png").stat().st_size > 100_000


@pytest.mark.slow
def test_only_the_lstm_remembers_over_200_steps(tmp_path: Path) -> None:
    lines = run("long_lag.py", tmp_path)
    tanh, lstm = (float(line.split()[-1]) for line in lines if "share" in line)
    assert tanh < 1e-4
    assert 0.5 < lstm < 2.0
    tanh, lstm = (float(line.split()[-1]) for line in lines if "held-out error" in line)
    assert tanh > 0.035  # 1/24 is what the answer 0.5 costs
    assert lstm < 0.001
    assert (tmp_path / "out" / "long_lag.png").stat().st_size > 20_000


@pytest.mark.slow
def test_characters_are_learnt_and_python_is_written(tmp_path: Path) -> None:
    lines = run("char_rnn.py", tmp_path, "--steps=4000")
    losses = [re.findall(r"\d+\.\d+", line) for line in lines if "held-out loss" in line]
    alone, told = (float(numbers[-1]) for numbers in losses)
    assert told < 1.6 < alone / 2
    assert sum(line.lstrip().startswith(("def ", "return ", "if ", "self.")) for line in lines) > 20
    assert (tmp_path / "out" / "char_rnn.png").stat().st_size > 50_000
    assert (tmp_path / "out" / "char_rnn.txt").read_text().startswith("compiled graph")


@pytest.mark.slow
def test_a_stopped_training_goes_on_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    run("char_rnn.py", whole, "--steps=200")
    started = subprocess.Popen(
        [sys.executable, str(ROOT / "examples" / "char_rnn.py"), "--steps=200"], cwd=parts,
        env={"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    kept = Path("out/char_rnn/model.safetensors")
    while not (parts / kept).exists() and started.poll() is None:
        time.sleep(0.05)
    started.send_signal(signal.SIGINT)
    said, errors = started.communicate()
    assert "stopped" in said, errors
    assert load_file(parts / kept)["global_step"] < 200
    run("char_rnn.py", parts, "--steps=200")
    expected, found = load_file(whole / kept), load_file(parts / kept)
    for name in expected.keys() - {"seconds"}:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


@pytest.mark.slow
def test_an_lstm_of_two_dimensions_recognises_digits(tmp_path: Path) -> None:
    *_, accuracy = printed("multi_dimensional_lstm.py", tmp_path)
    assert accuracy >= 97.5
    assert (tmp_path / "out" / "multi_dimensional_lstm.png").stat().st_size > 20_000


@pytest.mark.slow
def test_numbers_in_words_are_written_as_figures(tmp_path: Path) -> None:
    lines = run("seq2seq.py", tmp_path)
    assert "ninety thousand and twelve: 90012" in lines
    greedy, beams = (
        float(re.findall(r"\d+\.\d+", line)[-1]) for line in lines if line.startswith("held out")
    )
    assert min(greedy, beams) >= 98.0
    assert (tmp_path / "out" / "seq2seq.png").stat().st_size > 20_000
