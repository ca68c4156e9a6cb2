"""One decode step of the shape of `cairo-decode bench A` in ezkl: set-up, prove, verify, as one line of JSON.

usage: bench_peer_ezkl.py DIR    (an empty folder for circuits and keys, about 2 GB)

The step is that of a Llama layer: RMS norms, rotary embedding, attention over 16 carried keys and values and the new
one, SwiGLU, logits over 65 tokens. Weights are random, of the same shapes; their values do not change the cost.
Carried keys and values are inputs, as ezkl has no state. One step has no causal mask, which ezkl cannot represent.
"""

import asyncio
import inspect
import json
import os
import resource
import sys
import time

import ezkl
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

D, HEADS, HEAD, HIDDEN, VOCAB, CARRIED = 64, 4, 16, 256, 65, 16


def step_model(path):
    """Writes the ONNX graph of the step. Returns its number of parameters."""
    random = np.random.default_rng(1)
    nodes, weights, parameters = [], [], 0

    def weight(name, *shape, scale=None):
        nonlocal parameters
        scale = shape[0] ** -0.5 if scale is None else scale
        value = (random.standard_normal(shape) * scale).astype(np.float32)
        parameters += value.size
        weights.append(numpy_helper.from_array(value, name))
        return name

    def constant(name, value):
        weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def op(kind, *inputs, **attributes):
        output = f"v{len(nodes)}"
        nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def shape(value, *dims):
        return op("Reshape", value, constant(f"dims{len(nodes)}", np.array(dims, np.int64)))

    def norm(value, name):
        mean = op("ReduceMean", op("Mul", value, value), axes=[1], keepdims=1)
        root = op("Sqrt", op("Add", mean, constant(f"{name}_eps", np.array([1e-5], np.float32))))
        return op("Mul", op("Div", value, root), weight(name, D, scale=1.0))

    # The rotary embedding of position 16, as constants: x·cos + rotated(x)·sin.
    angle = CARRIED / 500.0 ** (np.arange(HEAD // 2) / (HEAD // 2))
    cos = constant("cos", np.concatenate([np.cos(angle)] * 2).astype(np.float32))
    sin = constant("sin", np.concatenate([np.sin(angle)] * 2).astype(np.float32))
    swap = np.zeros((HEAD, HEAD), np.float32)
    half = HEAD // 2
    swap[half:, :half] = -np.eye(half)
    swap[:half, half:] = np.eye(half)
    swap = constant("swap", swap)

    def rotate(value):
        return op("Add", op("Mul", value, cos), op("Mul", op("MatMul", value, swap), sin))

    y = norm("x", "norm1")
    q = rotate(shape(op("MatMul", y, weight("wq", D, D)), HEADS, 1, HEAD))
    k = rotate(shape(op("MatMul", y, weight("wk", D, D)), HEADS, 1, HEAD))
    v = shape(op("MatMul", y, weight("wv", D, D)), HEADS, 1, HEAD)
    keys = op("Concat", "keys", k, axis=1)
    values = op("Concat", "values", v, axis=1)
    scores = op("MatMul", q, op("Transpose", keys, perm=[0, 2, 1]))
    scale = constant("scale", np.array([HEAD**-0.5], np.float32))
    attention = op("Softmax", op("Mul", scores, scale), axis=2)
    mixed = shape(op("MatMul", attention, values), 1, D)
    x = op("Add", "x", op("MatMul", mixed, weight("wo", D, D)))
    y = norm(x, "norm2")
    gate = op("MatMul", y, weight("wgate", D, HIDDEN))
    up = op("MatMul", y, weight("wup", D, HIDDEN))
    silu = op("Mul", gate, op("Sigmoid", gate))
    x = op("Add", x, op("MatMul", op("Mul", silu, up), weight("wdown", HIDDEN, D)))
    logits = op("MatMul", norm(x, "norm3"), weight("head", D, VOCAB))

    def tensor(name, dims):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)

    carried = [HEADS, CARRIED, HEAD]
    graph = helper.make_graph(
        nodes,
        "step",
        [tensor("x", [1, D]), tensor("keys", carried), tensor("values", carried)],
        [tensor(logits, [1, VOCAB])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    onnx.save(model, path)
    inputs = [(random.standard_normal(n) * 0.5).tolist() for n in (D, HEADS * CARRIED * HEAD, HEADS * CARRIED * HEAD)]
    return parameters, {"input_data": inputs}


async def call(function, *arguments):
    """Some of ezkl's functions are coroutines, depending on the version."""
    result = function(*arguments)
    return await result if inspect.isawaitable(result) else result


async def main(folder):
    os.chdir(folder)
    parameters, inputs = step_model("step.onnx")
    with open("input.json", "w") as file:
        json.dump(inputs, file)
    options = ezkl.PyRunArgs()
    options.input_visibility = "public"
    options.output_visibility = "public"
    options.param_visibility = "fixed"
    options.input_scale = 7
    options.param_scale = 7
    options.logrows = 17
    started = time.perf_counter()
    await call(ezkl.gen_settings, "step.onnx", "settings.json", options)
    await call(ezkl.compile_circuit, "step.onnx", "step.compiled", "settings.json")
    await call(ezkl.gen_witness, "input.json", "step.compiled", "witness.json")
    logrows = json.load(open("settings.json"))["run_args"]["logrows"]
    await call(ezkl.gen_srs, "srs", logrows)
    await call(ezkl.setup, "step.compiled", "verify.key", "prove.key", "srs")
    set_up = time.perf_counter()
    cpu = time.process_time()
    await call(ezkl.prove, "witness.json", "step.compiled", "prove.key", "proof.json", "srs")
    proven = time.perf_counter()
    cpu = time.process_time() - cpu
    accepted = await call(ezkl.verify, "proof.json", "settings.json", "verify.key", "srs")
    verified = time.perf_counter()
    if not accepted:
        sys.exit("ezkl does not verify its own proof")
    proof = json.load(open("proof.json"))
    print(json.dumps({
        "parameters": parameters,
        "logrows": logrows,
        "set_up_seconds": set_up - started,
        "prove_seconds": proven - set_up,
        "prove_cpu_seconds": cpu,
        "verify_seconds": verified - proven,
        "proof_bytes": len(bytes(proof["proof"])) if isinstance(proof["proof"], list) else len(proof["proof"]) // 2 - 1,
        "proving_key_bytes": os.path.getsize("prove.key"),
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }))


if len(sys.argv) != 2:
    sys.exit("usage: bench_peer_ezkl.py DIR")
asyncio.run(main(sys.argv[1]))
