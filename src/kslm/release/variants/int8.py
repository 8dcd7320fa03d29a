"""int8: the float32 graph with ONNX Runtime's dynamic int8, weights per channel.

Limits: quantized in memory, so it needs about three times the float32 size.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from kslm.release.variants.tools import TOKENIZER_FILES, copy
from kslm.release.variants.variant import Variant

_GRAPH = "onnx_fp32"


def _build(checkpoint: Path, needs: Mapping[str, Path], out: Path) -> None:
    """Dynamic int8 of every constant matrix, with the head of tied embeddings made constant first.

    The builder writes a tied head as Transpose(embeddings), which the quantizer takes for a computed matrix and leaves
    in float32: two thirds of a small model's decoding time.
    """
    import numpy as np
    import onnx
    from onnx import numpy_helper
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model = onnx.load(str(needs[_GRAPH] / "model.onnx"))
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in [n for n in model.graph.node if n.op_type == "Transpose" and n.input[0] in constants]:
        permutation = next((list(a.ints) for a in node.attribute if a.name == "perm"), None)
        turned = np.ascontiguousarray(numpy_helper.to_array(constants[node.input[0]]).transpose(permutation))
        model.graph.initializer.append(numpy_helper.from_array(turned, node.output[0]))
        model.graph.node.remove(node)
    root, level = logging.getLogger(), logging.getLogger().level
    root.setLevel(logging.ERROR)
    try:
        quantize_dynamic(
            model,
            out / "model.onnx",
            op_types_to_quantize=["MatMul"],
            weight_type=QuantType.QInt8,
            per_channel=True,
            use_external_data_format=True,
            extra_options={"MatMulConstBOnly": True},
        )
    finally:
        root.setLevel(level)
    copy(needs[_GRAPH], out, ("genai_config.json", *TOKENIZER_FILES))


VARIANT = Variant(
    "int8",
    _build,
    runtime="onnx",
    needs=(_GRAPH,),
    options={"scheme": "dynamic, per channel"},
    packages=("onnxruntime", "onnx"),
    rank=2,
)
