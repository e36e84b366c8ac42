"""Writes test/golden/layers.json: outputs and gradients of layers, in f64, by PyTorch's modules and functions.

Run with a Python that has PyTorch (1.13 made the committed file): python3 scripts/golden/layers.py
Inputs, parameters and the weights of the outputs follow goldenRows.make(); the test makes the same ones. Layers have channels last.
"""
import json
import pathlib

import torch
import torch.nn.functional as F

from goldenRows import make, numbers

cases = []


def rounded(y):
    """Twelve digits: the file stays small, and the test compares ten."""
    return [float(f"{v:.12g}") for v in numbers(y)]


def case(name, options, shape, parameters, fn, low=-2.0, high=2.0, training=False, others=(), spread=(0.2, 1.2), tolerance=None):
    """fn(x, *others, *parameters) with x [batch, ...]. parameters: shapes by name, in the order of make()'s numbers 1, 2, ... `others` are
    shapes of further inputs, with the numbers 101, 102, ..."""
    x = [make(k + (100 if k else 0), s, low, high, False).requires_grad_(True) for k, s in enumerate([shape, *others])]
    values = [make(k + 1, s, *spread, False).requires_grad_(True) for k, s in enumerate(parameters.values())]
    y = fn(*x, *values)
    u = make(9, y.shape, -1, 1, False)
    gradients = torch.autograd.grad((y * u).sum(), [*x, *values])
    cases.append(
        {
            **{"name": name, "options": options, "shape": list(shape), "range": [low, high], "training": training},
            **({"others": [list(s) for s in others]} if others else {}),
            **({"tolerance": tolerance} if tolerance else {}),
            **({"spread": list(spread)} if spread != (0.2, 1.2) else {}),
            **{"parameters": {key: list(s) for key, s in parameters.items()}, "outputShape": list(y.shape), "output": rounded(y)},
            "gradients": [rounded(g) for g in gradients],
        }
    )


def first(x):
    """Channels first."""
    return x.movedim(-1, 1)


def last(x):
    return x.movedim(1, -1)


def same_padding(x, k, s, d):
    """Pads channels-first x as TensorFlow's 'same'."""
    pads = []
    for n, kk, ss, dd in zip(x.shape[2:], k, s, d):
        total = max(0, (-(-n // ss) - 1) * ss + (kk - 1) * dd + 1 - n)
        pads = [total // 2, total - total // 2] + pads
    return pads


CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
CONV_T = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


def conv(x, kernel, bias=None, strides=1, padding="valid", dilation=1, groups=1):
    n = x.dim() - 2
    s, d = [strides] * n, [dilation] * n
    x = first(x)
    if padding == "same":
        x = F.pad(x, same_padding(x, kernel.shape[:n], s, d))
    if padding == "causal":
        x = F.pad(x, [(kernel.shape[0] - 1) * dilation, 0])
    return last(CONV[n](x, kernel.movedim(-1, 0).movedim(-1, 1), bias, stride=s, dilation=d, groups=groups))


sizes = {1: [7], 2: [5, 6], 3: [3, 3, 4]}
for n in (1, 2, 3):
    k = [3, 2, 2][:n] if n > 1 else [3]
    base = {"filters": 4, "kernelSize": k if n > 1 else 3}
    shape = [2, *sizes[n], 2]
    case(f"conv{n}d", {**base, "activation": "tanh"}, shape, {"kernel": [*k, 2, 4], "bias": [4]}, lambda x, w, b: torch.tanh(conv(x, w, b)))
    case(f"conv{n}d", {**base, "strides": 2, "padding": "same", "useBias": False}, shape, {"kernel": [*k, 2, 4]}, lambda x, w: conv(x, w, strides=2, padding="same"))
    case(f"conv{n}d", {**base, "groups": 2, "padding": "same"}, shape, {"kernel": [*k, 1, 4], "bias": [4]}, lambda x, w, b: conv(x, w, b, padding="same", groups=2))
    # Keras's sizes: 'same' gives size * stride, 'valid' all elements that the filter reaches.
    t = {"filters": 3, "kernelSize": k if n > 1 else 3, "strides": 2}

    def transpose(x, w, b, crop, n=n, groups=1):
        y = CONV_T[n](first(x), w.movedim(-1, 0).movedim(-1, 1), b, stride=2, groups=groups)
        return last(y[(..., *[slice(c, m + c) for c, m in crop(y)])])

    case(f"conv{n}dTranspose", t, shape, {"kernel": [*k, 3, 2], "bias": [3]}, lambda x, w, b: transpose(x, w, b, lambda y: [(0, m) for m in y.shape[2:]]))
    case(
        f"conv{n}dTranspose",
        {**t, "padding": "same"},
        shape,
        {"kernel": [*k, 3, 2], "bias": [3]},
        lambda x, w, b: transpose(x, w, b, lambda y: [(max(0, m - 2 * s) // 2, 2 * s) for m, s in zip(y.shape[2:], x.shape[1:])]),
    )
case("conv1d", {"filters": 4, "kernelSize": 3, "padding": "causal", "dilationRate": 2}, [2, 7, 2], {"kernel": [3, 2, 4], "bias": [4]}, lambda x, w, b: conv(x, w, b, padding="causal", dilation=2))


def depthwise(x, kernel, bias=None, **more):
    c, m = kernel.shape[-2:]
    return conv(x, kernel.reshape(*kernel.shape[:-2], 1, c * m), bias, groups=c, **more)


case("depthwiseConv2d", {"kernelSize": 3, "depthMultiplier": 2}, [2, 5, 6, 3], {"kernel": [3, 3, 3, 2], "bias": [6]}, depthwise)
case("depthwiseConv2d", {"kernelSize": 3, "padding": "same", "strides": 2, "useBias": False}, [2, 5, 6, 3], {"kernel": [3, 3, 3, 1]}, lambda x, w: depthwise(x, w, strides=2, padding="same"))
case("depthwiseConv1d", {"kernelSize": 3, "depthMultiplier": 2, "padding": "causal"}, [2, 6, 3], {"kernel": [3, 3, 2], "bias": [6]}, lambda x, w, b: depthwise(x, w, b, padding="causal"))
case(
    "separableConv2d",
    {"filters": 4, "kernelSize": 3, "depthMultiplier": 2, "padding": "same"},
    [2, 5, 4, 3],
    {"depthwiseKernel": [3, 3, 3, 2], "pointwiseKernel": [6, 4], "bias": [4]},
    lambda x, d, p, b: depthwise(x, d, padding="same") @ p + b,
)
case(
    "separableConv1d",
    {"filters": 4, "kernelSize": 3, "useBias": False, "activation": "relu"},
    [2, 6, 3],
    {"depthwiseKernel": [3, 3, 1], "pointwiseKernel": [3, 4]},
    lambda x, d, p: torch.relu(depthwise(x, d) @ p),
)

MAX = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
AVG = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
for n in (1, 2, 3):
    shape = [2, *sizes[n], 2]
    case(f"maxPooling{n}d", {}, shape, {}, lambda x: last(MAX[n](first(x), 2)))
    case(f"averagePooling{n}d", {"poolSize": 2, "strides": 1}, shape, {}, lambda x: last(AVG[n](first(x), 2, 1)))
    case(f"globalMaxPooling{n}d", {}, shape, {}, lambda x: x.amax(dim=tuple(range(1, n + 1))))
    case(f"globalAveragePooling{n}d", {"keepDims": True}, shape, {}, lambda x: x.mean(dim=tuple(range(1, n + 1)), keepdim=True))
case("maxPooling2d", {"poolSize": [3, 2], "strides": [1, 2]}, [2, 5, 6, 2], {}, lambda x: last(F.max_pool2d(first(x), (3, 2), (1, 2))))
case("averagePooling2d", {"poolSize": 3, "strides": 2, "padding": "same"}, [2, 5, 5, 2], {}, lambda x: last(F.avg_pool2d(first(x), 3, 2, 1, count_include_pad=False)))
case("adaptiveAveragePooling", {"outputSize": [3, 4]}, [2, 5, 6, 2], {}, lambda x: last(F.adaptive_avg_pool2d(first(x), (3, 4))))
case("adaptiveMaxPooling", {"outputSize": 3}, [2, 7, 2], {}, lambda x: last(F.adaptive_max_pool1d(first(x), 3)))

case("upSampling1d", {"size": 3}, [2, 3, 2], {}, lambda x: x.repeat_interleave(3, 1))
case("upSampling2d", {"size": [2, 3]}, [2, 3, 2, 2], {}, lambda x: last(F.interpolate(first(x), scale_factor=(2, 3))))
case("upSampling2d", {"interpolation": "bilinear"}, [2, 3, 4, 2], {}, lambda x: last(F.interpolate(first(x), scale_factor=2, mode="bilinear")))
case("upSampling2d", {"interpolation": "bicubic"}, [2, 3, 4, 2], {}, lambda x: last(F.interpolate(first(x), scale_factor=2, mode="bicubic")))
case("upSampling3d", {"size": [1, 2, 2]}, [2, 2, 3, 2, 2], {}, lambda x: last(F.interpolate(first(x), scale_factor=(1, 2, 2))))
case("resizing", {"height": 4, "width": 7}, [2, 6, 5, 2], {}, lambda x: last(F.interpolate(first(x), size=(4, 7), mode="bilinear")))
case("resizing", {"height": 3, "width": 3, "antialias": True}, [2, 6, 7, 2], {}, lambda x: last(F.interpolate(first(x), size=(3, 3), mode="bilinear", antialias=True)))
case("pixelShuffle", {"factor": 2}, [2, 2, 3, 8], {}, lambda x: last(F.pixel_shuffle(first(x), 2)))
MODES = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "circular": "circular"}
for mode in MODES:
    case("zeroPadding1d", {"padding": [2, 1], "mode": mode}, [2, 4, 2], {}, lambda x: last(F.pad(first(x), (2, 1), mode=MODES[mode])))
    case("zeroPadding2d", {"padding": [[1, 2], [2, 0]], "mode": mode}, [2, 4, 3, 2], {}, lambda x: last(F.pad(first(x), (2, 0, 1, 2), mode=MODES[mode])))
case("zeroPadding3d", {}, [1, 2, 2, 3, 2], {}, lambda x: last(F.pad(first(x), (1,) * 6)))
case("cropping1d", {"cropping": [1, 2]}, [2, 6, 2], {}, lambda x: x[:, 1:-2])
case("cropping2d", {"cropping": [[1, 0], [2, 1]]}, [2, 4, 5, 2], {}, lambda x: x[:, 1:, 2:-1])
case("cropping3d", {}, [1, 3, 4, 5, 2], {}, lambda x: x[:, 1:-1, 1:-1, 1:-1])
case("centerCrop", {"height": 2, "width": 4}, [2, 5, 6, 2], {}, lambda x: x[:, 1:3, 1:5])
case("permute", {"dims": [3, 1, 2]}, [2, 3, 4, 2], {}, lambda x: x.permute(0, 3, 1, 2))
case("repeatVector", {"n": 3}, [2, 4], {}, lambda x: x[:, None].expand(-1, 3, -1))
case("identity", {}, [2, 4], {}, lambda x: x * 1)

affine = lambda *shape: {"gamma": list(shape), "beta": list(shape)}
case("layerNormalization", {}, [2, 3, 4], affine(4), lambda x, g, b: F.layer_norm(x, [4], g, b, 1e-3))
case("layerNormalization", {"axis": [1, 2], "epsilon": 1e-5}, [2, 3, 4], affine(3, 4), lambda x, g, b: F.layer_norm(x, [3, 4], g, b, 1e-5))
case("layerNormalization", {"center": False, "scale": False}, [2, 5], {}, lambda x: F.layer_norm(x, [5], eps=1e-3))
case("groupNormalization", {"groups": 2}, [2, 3, 3, 4], affine(4), lambda x, g, b: last(F.group_norm(first(x), 2, g, b, 1e-3)))
case("groupNormalization", {"groups": -1, "axis": 1}, [2, 4, 3], affine(4), lambda x, g, b: F.group_norm(x, 4, g, b, 1e-3))
case("instanceNormalization", {}, [2, 3, 3, 2], affine(2), lambda x, g, b: last(F.instance_norm(first(x), weight=g, bias=b, eps=1e-3)))
case("rmsNormalization", {}, [2, 3, 4], {"gamma": [4]}, lambda x, g: x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-6) * g)
case("rmsNormalization", {"axis": 1}, [2, 3, 4], {"gamma": [3]}, lambda x, g: x * torch.rsqrt((x * x).mean(1, keepdim=True) + 1e-6) * g[:, None])
case("unitNormalization", {}, [3, 4], {}, lambda x: F.normalize(x, dim=-1))
case("leakyRelu", {}, [3, 4], {}, lambda x: F.leaky_relu(x, 0.3))
case("elu", {"alpha": 0.7}, [3, 4], {}, lambda x: F.elu(x, 0.7))
case("relu", {"maxValue": 1, "negativeSlope": 0.1, "threshold": 0.3}, [5, 4], {}, lambda x: torch.where(x >= 0.3, x, 0.1 * (x - 0.3)).clamp(max=1))
case("relu", {}, [5, 4], {}, torch.relu)
case("softmax", {"axis": 1}, [2, 3, 4], {}, lambda x: torch.softmax(x, 1))
case("prelu", {"sharedAxes": [1, 2]}, [2, 3, 2, 3], {"alpha": [1, 1, 3]}, lambda x, a: torch.where(x > 0, x, a * x))
case("prelu", {}, [2, 4], {"alpha": [4]}, lambda x, a: torch.where(x > 0, x, a * x))

case("einsumDense", {"equation": "abc,cde->abde", "outputShape": [None, 2, 5], "biasAxes": "de"}, [2, 3, 4], {"kernel": [4, 2, 5], "bias": [2, 5]}, lambda x, w, b: torch.einsum("abc,cde->abde", x, w) + b)
case("einsumDense", {"equation": "...bc,cd->...bd", "outputShape": [None, 3], "biasAxes": "b", "activation": "relu"}, [2, 2, 3, 4], {"kernel": [4, 3], "bias": [3, 1]}, lambda x, w, b: torch.relu(x @ w + b))
case("einsumDense", {"equation": "ab,bc->ac", "outputShape": 3}, [2, 4], {"kernel": [4, 3]}, lambda x, w: x @ w)

# Attention. Kernels have Keras's layout [features, heads, dim]; small numbers keep softmax from saturating.
SMALL = {"low": -1.0, "high": 1.0, "spread": (-0.6, 0.6)}


def heads_of(features, key, value, output, heads, key_heads, dim, value_dim, bias=True, prefix=""):
    name = lambda n: prefix + n[0].upper() + n[1:] if prefix else n
    shapes = {}
    rows = {"query": [features, heads, dim], "key": [key, key_heads, dim], "value": [value, key_heads, value_dim], "output": [heads, value_dim, output]}
    for n, s in rows.items():
        shapes[name(n + "Kernel")] = s
        if bias:
            shapes[name(n + "Bias")] = [output] if n == "output" else s[1:]
    return shapes


def by_torch(q, k, v, wq, bq, wk, bk, wv, bv, wo, bo, causal=False):
    """F.multi_head_attention_forward with the same weights; inputs [batch, time, features]."""
    e, h, d = wq.shape
    flat = lambda w: w.reshape(w.shape[0], -1).T
    mask = torch.triu(torch.ones(q.shape[1], k.shape[1], dtype=torch.bool), 1) if causal else None
    y, _ = F.multi_head_attention_forward(
        *[t.transpose(0, 1) for t in (q, k, v)],
        e,
        h,
        None,
        torch.cat([b.flatten() for b in (bq, bk, bv)]),
        None,
        None,
        False,
        0.0,
        wo.reshape(h * d, -1).T,
        bo,
        training=False,
        need_weights=False,
        attn_mask=mask,
        use_separate_proj_weight=True,
        q_proj_weight=flat(wq),
        k_proj_weight=flat(wk),
        v_proj_weight=flat(wv),
    )
    return y.transpose(0, 1)


def written(q, k, v, wq, wk, wv, wo, causal=False):
    """The formula, also for values of another size and for fewer heads of keys."""
    a, b, c = (torch.einsum("btf,fhd->bhtd", x, w) for x, w in ((q, wq), (k, wk), (v, wv)))
    b, c = (t.repeat_interleave(a.shape[1] // t.shape[1], 1) for t in (b, c))
    s = a @ b.transpose(-1, -2) / a.shape[-1] ** 0.5
    if causal:
        s = s.masked_fill(torch.triu(torch.ones(s.shape[-2:], dtype=torch.bool), 1), -torch.inf)
    return torch.einsum("bhtd,hdo->bto", torch.softmax(s, -1) @ c, wo)


case("multiHeadAttention", {"numHeads": 2, "keyDim": 3}, [2, 4, 6], heads_of(6, 6, 6, 6, 2, 2, 3, 3), lambda x, *p: by_torch(x, x, x, *p), **SMALL)
case("multiHeadAttention", {"numHeads": 2, "keyDim": 3, "causal": True}, [2, 4, 6], heads_of(6, 6, 6, 6, 2, 2, 3, 3), lambda x, *p: by_torch(x, x, x, *p, causal=True), **SMALL)
case("multiHeadAttention", {"numHeads": 2, "keyDim": 3}, [2, 4, 6], heads_of(6, 4, 5, 6, 2, 2, 3, 3), lambda x, v, k, *p: by_torch(x, k, v, *p), others=[[2, 3, 5], [2, 3, 4]], **SMALL)
case(
    "multiHeadAttention",
    {"numHeads": 2, "keyDim": 3, "valueDim": 2, "outputDim": 5, "useBias": False},
    [2, 4, 6],
    heads_of(6, 4, 4, 5, 2, 2, 3, 2, bias=False),
    lambda x, v, *p: written(x, v, v, *p),
    others=[[2, 3, 4]],
    **SMALL,
)
case("groupQueryAttention", {"headDim": 3, "numQueryHeads": 4, "numKeyValueHeads": 2, "useBias": False, "causal": True}, [2, 4, 6], heads_of(6, 6, 6, 6, 4, 2, 3, 3, bias=False), lambda x, *p: written(x, x, x, *p, causal=True), **SMALL)
case("attention", {}, [2, 3, 4], {}, lambda q, v: torch.softmax(q @ v.transpose(1, 2), -1) @ v, others=[[2, 5, 4]])
case("attention", {"useScale": True}, [2, 3, 4], {"scale": []}, lambda q, s: torch.softmax(s * q @ q.transpose(1, 2), -1) @ q)
case(
    "attention",
    {"scoreMode": "concat", "useScale": True},
    [2, 3, 4],
    {"scale": [], "scoreWeight": []},
    lambda q, v, k, s, w: torch.softmax(w * torch.tanh(s * (q[:, :, None] + k[:, None])).sum(-1), -1) @ v,
    others=[[2, 5, 2], [2, 5, 4]],
)
case(
    "additiveAttention",
    {"causal": True},
    [2, 4, 3],
    {"scale": [3]},
    lambda q, w: torch.softmax((w * torch.tanh(q[:, :, None] + q[:, None])).sum(-1).masked_fill(torch.triu(torch.ones(4, 4, dtype=torch.bool), 1), -torch.inf), -1) @ q,
)
case("positionEmbedding", {"sequenceLength": 5}, [2, 3, 4], {"positions": [5, 4]}, lambda x, p: x + p[:3])


def waves(x, wavelength):
    t, f = x.shape[1:]
    angle = torch.arange(t)[:, None] / wavelength ** (2 * (torch.arange(f) // 2) / f)
    return x + torch.where(torch.arange(f) % 2 == 0, torch.sin(angle), torch.cos(angle))


def rotated(x, wavelength=10000.0, factor=1.0):
    """As complex numbers, of which pairs of features are the parts."""
    t, f = x.shape[1], x.shape[-1]
    z = torch.complex(x[..., : f // 2], x[..., f // 2 :])
    angle = torch.arange(t)[:, None] / factor / wavelength ** (2 * torch.arange(f // 2) / f)
    angle = angle.reshape(t, *[1] * (x.dim() - 3), f // 2)
    y = z * torch.polar(torch.ones_like(angle), angle)
    return torch.cat([y.real, y.imag], -1)


# The layer has sine tables in f32.
case("sinusoidal", {"maxWavelength": 50}, [1, 4, 6], {}, lambda x: waves(x, 50.0), tolerance=1e-7)
case("rotaryEmbedding", {}, [1, 4, 6], {}, rotated, tolerance=1e-7)
case("rotaryEmbedding", {"maxWavelength": 50, "scalingFactor": 2}, [1, 3, 2, 4], {}, lambda x: rotated(x, 50.0, 2.0), tolerance=1e-7)
case("alibi", {}, [1, 2, 3, 4], {}, lambda x: x - torch.tensor([2.0**-4, 2.0**-8])[:, None, None] * (torch.arange(3)[:, None] + 1 - torch.arange(4)).abs())


def block(options):
    """The path around a part of a block, as in PyTorch's TransformerEncoderLayer and TransformerDecoderLayer."""
    pre = options.get("normalizeFirst", False)
    norm = lambda y, g, b: F.layer_norm(y, y.shape[-1:], g, b, 1e-5)

    def around(x, fn, g, b):
        return x + fn(norm(x, g, b)) if pre else norm(x + fn(x), g, b)

    return around


def encoder(options, causal=False):
    def fn(x, *p):
        attention, (g1, b1, w1, c1, w2, c2, g2, b2) = p[:8], p[8:]
        around = block(options)
        x = around(x, lambda y: by_torch(y, y, y, *attention, causal=causal), g1, b1)
        return around(x, lambda y: torch.relu(y @ w1 + c1) @ w2 + c2, g2, b2)

    return fn


def decoder(x, memory, *p):
    own, (g1, b1), other, (g2, b2), (w1, c1, w2, c2, g3, b3) = p[:8], p[8:10], p[10:18], p[18:20], p[20:]
    around = block({})
    x = around(x, lambda y: by_torch(y, y, y, *own, causal=True), g1, b1)
    x = around(x, lambda y: by_torch(y, memory, memory, *other), g2, b2)
    return around(x, lambda y: torch.relu(y @ w1 + c1) @ w2 + c2, g3, b3)


def norm_of(name, n):
    return {name + "Gamma": [n], name + "Beta": [n]}


def dense_of(n, hidden):
    return {"hiddenKernel": [n, hidden], "hiddenBias": [hidden], "outputKernel": [hidden, n], "outputBias": [n], **norm_of("outputNorm", n)}


BLOCK = {"intermediateDim": 5, "numHeads": 2}
for more in ({}, {"normalizeFirst": True, "causal": True}):
    parameters = {**heads_of(4, 4, 4, 4, 2, 2, 2, 2, prefix="attention"), **norm_of("attentionNorm", 4), **dense_of(4, 5)}
    case("transformerEncoder", {**BLOCK, **more}, [2, 3, 4], parameters, encoder(more, more.get("causal", False)), **SMALL)
parameters = {
    **{**heads_of(4, 4, 4, 4, 2, 2, 2, 2, prefix="attention"), **norm_of("attentionNorm", 4)},
    **{**heads_of(4, 3, 3, 4, 2, 2, 2, 2, prefix="memory"), **norm_of("memoryNorm", 4), **dense_of(4, 5)},
}
case("transformerDecoder", BLOCK, [2, 3, 4], parameters, decoder, others=[[2, 2, 3]], **SMALL)

path = pathlib.Path(__file__).parent.parent.parent / "test" / "golden" / "layers.json"
path.write_text("[\n" + ",\n".join(json.dumps(one, separators=(",", ":")) for one in cases) + "\n]\n")
print(f"{len(cases)} cases, {path.stat().st_size} bytes")
