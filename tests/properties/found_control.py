"""Programs of branches and loops that once went wrong, as they were drawn."""

from tests.properties.random_control import (
    Block,
    Choice,
    Fold,
    Plain,
    Program,
    Result,
    While,
)  # fmt: skip

FOUND = {
    # A body lost an input that only the number of turns of a loop inside depended on.
    "turns of a loop inside": Program(
        inputs=((3,), (2, 3), (3, 3)),
        open=(False, True, True),
        block=Block(
            statements=(
                Fold(
                    kind="foldl",
                    starts=(),
                    elems=(1,),
                    block=Block(
                        statements=(
                            While(
                                carried=(2, 2, 2),
                                block=Block(
                                    statements=(
                                        While(
                                            carried=(7, 3),
                                            block=Block(
                                                statements=(
                                                    Plain(
                                                        op="transpose",
                                                        args=(2,),
                                                        shape=(3, 3),
                                                        how=0,
                                                    ),
                                                    Plain(op="row", args=(0,), shape=(), how=0),
                                                ),
                                                results=(
                                                    Result(like=9, new=7, fits=True, mix="only"),
                                                    Result(like=10, new=13, fits=True, mix="only"),
                                                ),
                                                ticks=None,
                                            ),
                                            turns=0,
                                            way="up",
                                            bound=0.5,
                                            form="dict",
                                        ),
                                    ),
                                    results=(
                                        Result(like=5, new=3, fits=True, mix="sin"),
                                        Result(like=6, new=9, fits=True, mix="add"),
                                        Result(like=7, new=6, fits=True, mix="only"),
                                    ),
                                    ticks=None,
                                ),
                                turns=1,
                                way="up",
                                bound=None,
                                form="named",
                            ),
                            While(
                                carried=(7,),
                                block=Block(
                                    statements=(
                                        Plain(op="rows from", args=(0,), shape=(3,), how=0),
                                        Plain(op="ratio", args=(10, 4), shape=(3,), how=0),
                                    ),
                                    results=(Result(like=8, new=6, fits=True, mix="only"),),
                                    ticks=None,
                                ),
                                turns=0,
                                way="up",
                                bound=4.0,
                                form="named",
                            ),
                        ),
                        results=(Result(like=3, new=8, fits=False, mix="sin"),),
                        ticks=None,
                    ),
                    reverse=False,
                    form="nested",
                ),
                Fold(
                    kind="foldr",
                    starts=(0, 3),
                    elems=(1, 1),
                    block=Block(
                        statements=(
                            While(
                                carried=(3, 5),
                                block=Block(
                                    statements=(),
                                    results=(
                                        Result(like=9, new=3, fits=True, mix="sin"),
                                        Result(like=10, new=0, fits=True, mix="add"),
                                    ),
                                    ticks=None,
                                ),
                                turns=3,
                                way="up",
                                bound=None,
                                form="tuple",
                            ),
                        ),
                        results=(
                            Result(like=4, new=5, fits=True, mix="add"),
                            Result(like=5, new=2, fits=False, mix="sin"),
                        ),
                        ticks=None,
                    ),
                    reverse=False,
                    form="tuple",
                ),
            ),
            results=(
                Result(like=0, new=4, fits=True, mix="only"),
                Result(like=0, new=4, fits=True, mix="half"),
            ),
            ticks=None,
        ),
    ),
    # A body lost the loop inside that only tells a size.
    "sizes of a loop inside": Program(
        inputs=((2, 3), (3, 3), (3, 3)),
        open=(False, False, True),
        block=Block(
            statements=(
                While(
                    carried=(2, 1, 0),
                    block=Block(
                        statements=(
                            Choice(
                                tests=((0, -0.5),),
                                blocks=(
                                    Block(
                                        statements=(
                                            Fold(
                                                kind="scan",
                                                starts=(),
                                                elems=(3,),
                                                block=Block(
                                                    statements=(
                                                        Plain(
                                                            op="times turn",
                                                            args=(8, 6),
                                                            shape=(),
                                                            how=0,
                                                        ),
                                                        Plain(op="sin", args=(9,), shape=(), how=0),
                                                    ),
                                                    results=(
                                                        Result(
                                                            like=7, new=0, fits=False, mix="add"
                                                        ),
                                                    ),
                                                    ticks=None,
                                                ),
                                                reverse=True,
                                                form="dict",
                                                by_array=False,
                                            ),
                                        ),
                                        results=(Result(like=0, new=7, fits=True, mix="sin"),),
                                        ticks=None,
                                    ),
                                    Block(
                                        statements=(Plain(op="row", args=(0,), shape=(3,), how=0),),
                                        results=(Result(like=0, new=0, fits=True, mix="only"),),
                                        ticks=None,
                                    ),
                                ),
                                form="tuple",
                            ),
                        ),
                        results=(
                            Result(like=3, new=0, fits=False, mix="only"),
                            Result(like=4, new=3, fits=True, mix="add"),
                            Result(like=5, new=5, fits=True, mix="add"),
                        ),
                        ticks=None,
                    ),
                    turns=4,
                    way="up",
                    bound=4.0,
                    form="tuple",
                    grows=True,
                ),
                Plain(op="rows from", args=(1,), shape=(2, 3), how=1),
            ),
            results=(
                Result(like=2, new=5, fits=False, mix="only"),
                Result(like=0, new=3, fits=True, mix="sin"),
            ),
            ticks=None,
        ),
    ),
    # A loop lost a growing carry of which only the size is read.
    "size of a carry": Program(
        inputs=((), (3,), (3, 3)),
        open=(False, False, True),
        block=Block(
            statements=(
                While(
                    carried=(1, 0, 2),
                    block=Block(
                        statements=(
                            Plain(op="row", args=(5,), shape=(3,), how=2),
                            While(
                                carried=(3, 5),
                                block=Block(
                                    statements=(
                                        Plain(op="sub", args=(8, 5), shape=(3, 3), how=0),
                                        Plain(op="times turn", args=(4, 6), shape=(), how=0),
                                    ),
                                    results=(
                                        Result(like=8, new=2, fits=False, mix="add"),
                                        Result(like=9, new=5, fits=True, mix="sin"),
                                    ),
                                    ticks=None,
                                ),
                                turns=4,
                                way="limit",
                                bound=0.5,
                                form="dict",
                                grows=False,
                            ),
                            Plain(op="row", args=(5,), shape=(3,), how=1),
                        ),
                        results=(
                            Result(like=3, new=10, fits=False, mix="only"),
                            Result(like=4, new=8, fits=True, mix="only"),
                            Result(like=5, new=2, fits=True, mix="sin"),
                        ),
                        ticks=None,
                    ),
                    turns=3,
                    way="down",
                    bound=None,
                    form="list",
                    grows=True,
                ),
                Fold(
                    kind="map",
                    starts=(),
                    elems=(1,),
                    block=Block(
                        statements=(
                            Plain(op="join", args=(5, 5), shape=(6, 3), how=0),
                            While(
                                carried=(2,),
                                block=Block(
                                    statements=(
                                        Choice(
                                            tests=((3, 0.7), (3, -2.0)),
                                            blocks=(
                                                Block(
                                                    statements=(),
                                                    results=(
                                                        Result(
                                                            like=1, new=2, fits=False, mix="only"
                                                        ),
                                                        Result(
                                                            like=1, new=8, fits=False, mix="half"
                                                        ),
                                                    ),
                                                    ticks=None,
                                                ),
                                                Block(
                                                    statements=(),
                                                    results=(
                                                        Result(
                                                            like=1, new=8, fits=False, mix="half"
                                                        ),
                                                        Result(
                                                            like=1, new=8, fits=False, mix="sin"
                                                        ),
                                                    ),
                                                    ticks=None,
                                                ),
                                                Block(
                                                    statements=(),
                                                    results=(
                                                        Result(
                                                            like=1, new=9, fits=False, mix="half"
                                                        ),
                                                        Result(
                                                            like=1, new=6, fits=True, mix="half"
                                                        ),
                                                    ),
                                                    ticks=None,
                                                ),
                                            ),
                                            form="named",
                                        ),
                                    ),
                                    results=(Result(like=9, new=3, fits=True, mix="sin"),),
                                    ticks=None,
                                ),
                                turns=4,
                                way="up",
                                bound=None,
                                form="list",
                                grows=False,
                            ),
                        ),
                        results=(Result(like=6, new=9, fits=False, mix="only"),),
                        ticks=None,
                    ),
                    reverse=False,
                    form="tuple",
                    by_array=False,
                ),
            ),
            results=(
                Result(like=2, new=2, fits=True, mix="half"),
                Result(like=2, new=5, fits=True, mix="half"),
            ),
            ticks=None,
        ),
    ),
    # The passes inside a branch told a size that what reads the branch did not hear of.
    "a size told inside": Program(
        inputs=((2, 3), (3, 3), (3, 3)),
        open=(False, False, True),
        block=Block(
            statements=(
                Fold(
                    kind="foldl",
                    starts=(1,),
                    elems=(1,),
                    block=Block(
                        statements=(
                            Plain(op="times turn", args=(4, 5), shape=(3,), how=0),
                            Choice(
                                tests=((1, -0.5),),
                                blocks=(
                                    Block(
                                        statements=(
                                            While(
                                                carried=(2, 1),
                                                block=Block(
                                                    statements=(
                                                        Plain(
                                                            op="backwards",
                                                            args=(6,),
                                                            shape=(3,),
                                                            how=0,
                                                        ),
                                                    ),
                                                    results=(
                                                        Result(like=7, new=7, fits=True, mix="add"),
                                                        Result(like=8, new=1, fits=True, mix="sin"),
                                                    ),
                                                    ticks=None,
                                                ),
                                                turns=1,
                                                way="up",
                                                bound=None,
                                                form="nested",
                                                grows=False,
                                            ),
                                            Fold(
                                                kind="map",
                                                starts=(),
                                                elems=(8, 8),
                                                block=Block(
                                                    statements=(
                                                        Plain(
                                                            op="join",
                                                            args=(0, 7),
                                                            shape=(5, 3),
                                                            how=0,
                                                        ),
                                                        Plain(
                                                            op="above",
                                                            args=(2, 7),
                                                            shape=(3, 3),
                                                            how=0,
                                                        ),
                                                    ),
                                                    results=(
                                                        Result(
                                                            like=9, new=4, fits=True, mix="half"
                                                        ),
                                                        Result(
                                                            like=10, new=1, fits=False, mix="only"
                                                        ),
                                                    ),
                                                    ticks=None,
                                                ),
                                                reverse=False,
                                                form="tuple",
                                                by_array=True,
                                            ),
                                            While(
                                                carried=(6,),
                                                block=Block(
                                                    statements=(
                                                        Plain(
                                                            op="times turn",
                                                            args=(10, 12),
                                                            shape=(3, 3),
                                                            how=0,
                                                        ),
                                                    ),
                                                    results=(
                                                        Result(
                                                            like=11, new=13, fits=False, mix="add"
                                                        ),
                                                    ),
                                                    ticks=None,
                                                ),
                                                turns=0,
                                                way="limit",
                                                bound=0.5,
                                                form="tuple",
                                                grows=False,
                                            ),
                                        ),
                                        results=(
                                            Result(like=0, new=10, fits=False, mix="half"),
                                            Result(like=1, new=7, fits=True, mix="half"),
                                        ),
                                        ticks=None,
                                    ),
                                    Block(
                                        statements=(
                                            Fold(
                                                kind="foldl",
                                                starts=(),
                                                elems=(4,),
                                                block=Block(
                                                    statements=(
                                                        Plain(
                                                            op="softplus",
                                                            args=(6,),
                                                            shape=(3,),
                                                            how=0,
                                                        ),
                                                        Plain(
                                                            op="backwards",
                                                            args=(0,),
                                                            shape=(2, 3),
                                                            how=0,
                                                        ),
                                                    ),
                                                    results=(
                                                        Result(
                                                            like=7, new=10, fits=False, mix="only"
                                                        ),
                                                    ),
                                                    ticks=None,
                                                ),
                                                reverse=False,
                                                form="tuple",
                                                by_array=False,
                                            ),
                                        ),
                                        results=(
                                            Result(like=0, new=1, fits=False, mix="half"),
                                            Result(like=1, new=6, fits=True, mix="sin"),
                                        ),
                                        ticks=None,
                                    ),
                                ),
                                form="dict",
                            ),
                        ),
                        results=(Result(like=3, new=8, fits=True, mix="only"),),
                        ticks=None,
                    ),
                    reverse=False,
                    form="nested",
                    by_array=False,
                ),
            ),
            results=(
                Result(like=0, new=3, fits=False, mix="sin"),
                Result(like=0, new=1, fits=False, mix="half"),
            ),
            ticks=None,
        ),
    ),
    # Zeros of a size that a turn decides left the loop.
    "zeros of a size within": Program(
        inputs=((), (), (3, 3)),
        open=(True, False, False),
        block=Block(
            statements=(
                Fold(
                    kind="scan",
                    starts=(0,),
                    elems=(2, 2),
                    block=Block(
                        statements=(
                            While(
                                carried=(4, 2),
                                block=Block(
                                    statements=(
                                        While(
                                            carried=(8, 3, 1),
                                            block=Block(
                                                statements=(
                                                    Plain(op="add", args=(7, 0), shape=(3,), how=0),
                                                ),
                                                results=(
                                                    Result(like=10, new=10, fits=True, mix="only"),
                                                    Result(like=11, new=0, fits=True, mix="sin"),
                                                    Result(like=12, new=11, fits=True, mix="sin"),
                                                ),
                                                ticks=None,
                                            ),
                                            turns=2,
                                            way="fed",
                                            bound=0.5,
                                            form="tuple",
                                            grows=True,
                                        ),
                                    ),
                                    results=(
                                        Result(like=7, new=12, fits=True, mix="sin"),
                                        Result(like=8, new=11, fits=True, mix="half"),
                                    ),
                                    ticks=None,
                                ),
                                turns=2,
                                way="up",
                                bound=None,
                                form="tuple",
                                grows=False,
                            ),
                        ),
                        results=(Result(like=3, new=7, fits=False, mix="only"),),
                        ticks=None,
                    ),
                    reverse=False,
                    form="tuple",
                    by_array=False,
                ),
                Plain(op="sub", args=(2, 0), shape=(3, 3), how=0),
            ),
            results=(
                Result(like=2, new=4, fits=True, mix="sin"),
                Result(like=0, new=3, fits=False, mix="sin"),
            ),
            ticks=None,
        ),
    ),
}
