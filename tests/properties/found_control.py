"""Programs of branches and loops that once went wrong, as they were drawn."""

from tests.properties.random_control import (  # noqa: F401
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
}
