"""One class per op, one file per family, in rooms.  Importing a family registers its ops.

The families below are imported with the package.  Those of ``THE_REST`` wait until somebody names
one of their ops or looks at all there are (:mod:`graphc.ir.registry`): most programs never do, and
importing them would double what it takes to import graphc.
"""

from importlib import import_module
from threading import RLock

EVERYDAY = (
    "drawing.random elementwise.arithmetic elementwise.comparison elementwise.complex "
    "elementwise.division elementwise.functions elementwise.unary indexing.index "
    "indexing.positions indexing.rows learning.loss learning.optimize products.linear "
    "reducing.partial reducing.reduction running.checks running.custom running.host "
    "running.source running.state shaping.joining shaping.matrix shaping.shape "
    "shaping.slicing shaping.subscript "
)
THE_REST = (
    "control.arrays control.branches control.loops control.turns "
    "drawing.candidates drawing.rejection elementwise.bitwise elementwise.incomplete "
    "elementwise.special indexing.ordering indexing.partition indexing.scatter_nd "
    "indexing.segment indexing.sparse learning.boxes learning.images learning.optimize_variants "
    "learning.pooling products.convolution products.convolve products.convolve_panels "
    "products.einsum products.factorization products.linalg products.spectral products.winograd "
    "reducing.cumulative running.summary sequences.ctc sequences.ctc_curvature "
    "sequences.ctc_decoding "
    "shaping.diagonal shaping.moving shaping.padding shaping.patches "
    "text.csv_records text.edit_distance text.string_patterns text.strings "
)


def import_the_rest() -> None:
    """Import the families that are not yet."""
    global _left
    if _left:
        with _lock:
            for family in _left:
                import_module(f"{__name__}.{family}")
            _left = ()


_left: tuple[str, ...] = tuple(THE_REST.split())
_lock = RLock()

for _family in EVERYDAY.split():
    import_module(f"{__name__}.{_family}")
