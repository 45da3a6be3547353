"""The programs, how each is run, and how close to TensorFlow's its numbers must be."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Close:
    """How near a number must be: ``atol + rtol * |recorded|``."""

    rtol: float = 1e-4
    atol: float = 2e-6


EXACT_MATHS = Close()


@dataclass(frozen=True)
class Program:
    """A script in ``scripts/``.

    ``runs`` holds the arguments of the processes it is run as, one after another in one folder.
    ``looser`` maps patterns of lines to how near the numbers of these must be, and ``why`` says
    what parts them.
    """

    name: str
    runs: tuple[tuple[str, ...], ...] = ((),)
    looser: dict[str, Close] = field(default_factory=dict)
    why: str = ""
    quick: bool = False

    def __post_init__(self) -> None:
        assert bool(self.looser) == bool(self.why), f"{self.name}: say why it is looser"

    @property
    def script(self) -> Path:
        return HERE / "scripts" / f"{self.name}.py"

    @property
    def twin(self) -> Path:
        """The same program in names that TensorFlow 2's ``compat.v1`` still has."""
        return HERE / "twins" / f"{self.name}.py"

    @property
    def figures(self) -> Path:
        return HERE / "recorded" / f"{self.name}.json"


OUT = ("--out", "out")
FLOAT32 = "float32 sums taken in another order move a trajectory apart, step by step"
CHANCE = "what is drawn at random differs, so only what it comes to is compared"

PROGRAMS = (
    Program("softmax_regression", quick=True),
    Program("mlp_summaries", runs=(OUT,)),
    Program("weight_decay_collections", runs=(OUT,)),
    Program(
        "save_and_serve",
        runs=tuple((*OUT, f"--mode={mode}") for mode in ("train", "resume", "serve")),
    ),
    Program("siamese", quick=True),
    Program("lazy_model"),
    Program("clipped_gradients", looser={"norm": Close(1e-3)}, why=FLOAT32),
    Program("two_graphs"),
    Program("loops_and_branches", quick=True),
    Program("control_semantics", quick=True),
    Program("array_recurrence"),
    Program("best_paths", quick=True),
    Program("sampled_lengths"),
    Program("recurrent", quick=True),
    Program("own_cells", quick=True),
    Program("word_language_model", looser={"erplexity": Close(1e-3)}, why=FLOAT32),
    Program("series_lstm", looser={"epoch|held|told": Close(2e-3, 2e-4)}, why=FLOAT32),
    Program("pictures_by_rows", looser={"Iter|c ": Close(5e-3, 5e-4)}, why=FLOAT32),
    Program("sentiment_both_ways", looser={"epoch|held": Close(1e-2, 1e-3)}, why=FLOAT32),
    Program("ctc_tones", quick=True),
    Program("word2vec_nce", looser={"Average": Close(0.04)}, why=CHANCE),
    Program("factorisation"),
    Program("kmeans", quick=True),
    Program("logistic_l2"),
    Program("closed_forms"),
    Program("tied_autoencoder"),
    Program(
        "vae",
        looser={"Epoch|latent|ink": Close(0.06), "reconstructs": Close(0, 0.02)},
        why=CHANCE,
    ),
    Program("gan", runs=(OUT, (*OUT, "--improved"))),
    Program("q_learning"),
    Program("policy_gradient"),
    Program("char_lstm", runs=(OUT,)),
    Program("towers"),
    Program("older_names", runs=(OUT,)),
    Program("batch_normalised", runs=(OUT,)),
    Program("graph_convolution"),
    Program("meta_learning", runs=((), ("--stop_grad",))),
    Program("reversed_gradient", quick=True),
    Program("contrib_layers"),
    Program("self_organising"),
    Program(
        "boltzmann",
        looser={"epoch": Close(0.04), "told": Close(0, 0.02)},
        why=CHANCE,
    ),
    Program("hidden_markov"),
    Program("unit_tests"),
    Program("best_weights", runs=(OUT,)),
    Program(
        "attention",
        looser={"step (48|60)": Close(5e-3, 0.02)},
        why=FLOAT32,
    ),
)
