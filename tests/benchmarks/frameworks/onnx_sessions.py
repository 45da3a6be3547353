"""ONNX Runtime, for inference: the network as an ONNX graph."""

import os
from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper

from tests.benchmarks import networks

VERSION = ort.__version__
OPSET, IR_VERSION = 17, 8  # what a runtime of 2022 or later reads


class Layers:
    """Each layer is a node; what flows is its name. Images are [batch, channels, rows, columns]."""

    def __init__(self, theta: dict[str, np.ndarray]) -> None:
        self.theta = theta
        self.nodes: list[onnx.NodeProto] = []

    def _node(self, op: str, *operands: str, **attributes: object) -> str:
        result = f"value{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, operands, [result], **attributes))
        return result

    def convolved(
        self, x: str, name: str, window: int, inputs: int, outputs: int, stride: int = 1
    ) -> str:
        self.theta[f"{name}_w"] = self.theta[f"{name}_w"].transpose(3, 2, 0, 1)
        return self._node("Conv", x, f"{name}_w", strides=[stride, stride], pads=[window // 2] * 4)

    def normalised(self, x: str, name: str, outputs: int) -> str:
        parts = [f"{name}_{part}" for part in ("gamma", "beta", "mean", "variance")]
        return self._node("BatchNormalization", x, *parts, epsilon=networks.NORM_EPSILON)

    def relu(self, x: str) -> str:
        return self._node("Relu", x)

    def pooled(self, x: str, window: int) -> str:
        over = window - 2
        return self._node(
            "MaxPool", x, kernel_shape=[window] * 2, strides=[2, 2], pads=[0, 0, over, over]
        )

    def averaged(self, x: str) -> str:
        return self._node("Flatten", self._node("GlobalAveragePool", x))

    def dense(self, x: str, name: str, inputs: int, outputs: int) -> str:
        return self._node("Gemm", x, f"{name}_w", f"{name}_b")

    def added(self, x: str, y: str) -> str:
        return self._node("Add", x, y)


def inference(spec: networks.Network) -> Callable[[np.ndarray], np.ndarray]:
    net = Layers(spec.parameters())
    result = spec.program(net, "x")
    n, rows, columns, channels = spec.images
    kinds = (("x", (n, channels, rows, columns)), (result, (n, spec.classes)))
    given, made = (
        [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)]
        for name, shape in kinds
    )
    held = [numpy_helper.from_array(value, name) for name, value in net.theta.items()]
    graph = helper.make_graph(net.nodes, spec.name, given, made, held)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    options = ort.SessionOptions()
    options.intra_op_num_threads = int(os.environ["OMP_NUM_THREADS"])
    sess = ort.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    return lambda x: sess.run(None, {"x": np.ascontiguousarray(x.transpose(0, 3, 1, 2))})[0]
