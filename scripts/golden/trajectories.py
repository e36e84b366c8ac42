"""Writes test/golden/trajectories.json: 200 updates of two parameters by every optimizer, in f64.

PyTorch 1.13 where it has the optimizer with the same formula, otherwise the formula of the paper or of Keras, written here with NumPy.
Run with a Python that has PyTorch (1.13 made the committed file): python3 scripts/golden/trajectories.py
The loss is sum(c (p - 0.3)^2) / 2 + sum(p noise(t)). The tests compute the same loss.
"""
import json
import math
from pathlib import Path

import numpy as np
import torch

from goldenRows import make

STEPS = 200
STORED = [1, 2, 10, 50, 200]
SHAPES = {"kernel": [3, 4], "bias": [5]}


def fill(k, shape, low, high):
    return make(k, shape, low, high, False).numpy()


INITIAL = {"kernel": fill(0, [3, 4], -1, 1), "bias": fill(1, [5], -1, 1)}
CURVATURE = {"kernel": fill(2, [3, 4], 0.2, 2), "bias": fill(3, [5], 0.2, 2)}


def noise(t, name, amount):
    offset = 0 if name == "kernel" else 12
    shape = SHAPES[name]
    return amount * np.array([math.sin(1.7 * t + 2.3 * (offset + i)) for i in range(math.prod(shape))]).reshape(shape)


def gradient_at(p, t, amount):
    return {k: CURVATURE[k] * (p[k] - 0.3) + noise(t, k, amount) for k in p}


def loss_at(p, t, amount):
    return sum((CURVATURE[k] * (p[k] - 0.3) ** 2 / 2 + p[k] * noise(t, k, amount)).sum() for k in p)


cases = []


def run(name, options, step, amount=0.1, averages=None):
    """step(t, p, g, at) changes the arrays of p in place; at(p) gives loss and gradients at other values."""
    p = {k: v.copy() for k, v in INITIAL.items()}
    stored = []
    for t in range(1, STEPS + 1):
        g = gradient_at(p, t, amount)
        step(t, p, g, lambda q: (loss_at(q, t, amount), gradient_at(q, t, amount)))
        if t in STORED:
            row = {k: v.flatten().tolist() for k, v in p.items()}
            if averages:
                row["averages"] = {k: np.asarray(v).flatten().tolist() for k, v in averages(p).items()}
            stored.append(row)
    assert all(np.isfinite(v).all() for v in p.values()), name
    cases.append({"name": name, "options": options, "noise": amount, "trajectory": stored})


def by_torch(name, options, make, averages=False):
    tensors = {k: torch.tensor(v.copy(), requires_grad=True) for k, v in INITIAL.items()}
    optimizer = make(list(tensors.values()))

    def step(t, p, g, at):
        for k, tensor in tensors.items():
            tensor.grad = torch.tensor(g[k])
        optimizer.step()
        for k, tensor in tensors.items():
            p[k] = tensor.detach().numpy().copy()

    run(name, options, step, averages=(lambda p: {k: optimizer.state[t]["ax"].numpy() for k, t in tensors.items()}) if averages else None)


def each(name, options, slots, rule, amount=0.1, **more):
    """A rule for one parameter: rule(t, p, g, s) returns the new value and changes the slots s in place."""
    state = {k: {slot: np.full(v.shape, float(first)) for slot, first in slots.items()} for k, v in INITIAL.items()}

    def step(t, p, g, at):
        for k in p:
            p[k] = rule(t, p[k], g[k], state[k])

    run(name, options, step, amount, **more)


O = torch.optim
by_torch("sgd", {"learningRate": 0.05, "momentum": 0.9, "nesterov": True}, lambda p: O.SGD(p, lr=0.05, momentum=0.9, nesterov=True))
by_torch("adagrad", {"learningRate": 0.1}, lambda p: O.Adagrad(p, lr=0.1, initial_accumulator_value=0.1, eps=1e-7))
by_torch("adadelta", {"learningRate": 1}, lambda p: O.Adadelta(p, lr=1, rho=0.95, eps=1e-7))
by_torch("rmsprop", {"learningRate": 0.01, "momentum": 0.5, "centered": True, "epsilon": 1e-3}, lambda p: O.RMSprop(p, lr=0.01, alpha=0.9, eps=1e-3, momentum=0.5, centered=True))
by_torch("adam", {"learningRate": 0.02}, lambda p: O.Adam(p, lr=0.02, eps=1e-7))
by_torch("adam", {"learningRate": 0.02, "amsgrad": True}, lambda p: O.Adam(p, lr=0.02, eps=1e-7, amsgrad=True))
by_torch("adamW", {"learningRate": 0.02, "weightDecay": 0.1}, lambda p: O.AdamW(p, lr=0.02, eps=1e-7, weight_decay=0.1))
by_torch("radam", {"learningRate": 0.02}, lambda p: O.RAdam(p, lr=0.02))
by_torch("radam", {"learningRate": 0.02, "beta2": 0.9}, lambda p: O.RAdam(p, lr=0.02, betas=(0.9, 0.9)))
by_torch("rprop", {"learningRate": 0.01}, lambda p: O.Rprop(p, lr=0.01))
by_torch("asgd", {"learningRate": 0.1, "lambd": 0.01, "t0": 20}, lambda p: O.ASGD(p, lr=0.1, lambd=0.01, t0=20), averages=True)


def adamax(lr, b1=0.9, b2=0.999, eps=1e-7):
    def rule(t, p, g, s):
        s["m"] = s["m"] + (g - s["m"]) * (1 - b1)
        s["u"] = np.maximum(b2 * s["u"], np.abs(g))
        return p - lr * s["m"] / ((1 - b1**t) * (s["u"] + eps))

    return rule


each("adamax", {"learningRate": 0.02}, {"m": 0, "u": 0}, adamax(0.02))


def nadam(lr, b1=0.9, b2=0.999, eps=1e-7, wd=0.0):
    products = [1.0]
    schedule = lambda t: b1 * (1 - 0.5 * 0.96**t)

    def rule(t, p, g, s):
        while len(products) <= t:
            products.append(products[-1] * schedule(len(products)))
        p = p * (1 - lr * wd)
        s["m"] = b1 * s["m"] + (1 - b1) * g
        s["v"] = b2 * s["v"] + (1 - b2) * g * g
        m = schedule(t + 1) * s["m"] / (1 - products[t] * schedule(t + 1)) + (1 - schedule(t)) * g / (1 - products[t])
        return p - lr * m / (np.sqrt(s["v"] / (1 - b2**t)) + eps)

    return rule


each("nadam", {"learningRate": 0.02}, {"m": 0, "v": 0}, nadam(0.02))
each("nadamW", {"learningRate": 0.02, "weightDecay": 0.1}, {"m": 0, "v": 0}, nadam(0.02, wd=0.1))


def adabelief(lr, b1=0.9, b2=0.999, eps=1e-16):
    def rule(t, p, g, s):
        s["m"] = b1 * s["m"] + (1 - b1) * g
        s["s"] = b2 * s["s"] + (1 - b2) * (g - s["m"]) ** 2 + eps
        return p - lr * (s["m"] / (1 - b1**t)) / (np.sqrt(s["s"] / (1 - b2**t)) + eps)

    return rule


each("adabelief", {"learningRate": 0.02}, {"m": 0, "s": 0}, adabelief(0.02))


def adan(lr, b1=0.98, b2=0.92, b3=0.99, eps=1e-8, wd=0.0):
    def rule(t, p, g, s):
        d = g - s["last"] if t > 1 else np.zeros_like(g)
        s["last"] = g.copy()
        s["m"] = b1 * s["m"] + (1 - b1) * g
        s["v"] = b2 * s["v"] + (1 - b2) * d
        s["n"] = b3 * s["n"] + (1 - b3) * (g + b2 * d) ** 2
        size = np.sqrt(s["n"] / (1 - b3**t)) + eps
        return (p - lr * (s["m"] / (1 - b1**t) + b2 * s["v"] / (1 - b2**t)) / size) / (1 + lr * wd)

    return rule


each("adan", {"learningRate": 0.02, "weightDecay": 0.02}, {"m": 0, "v": 0, "n": 0, "last": 0}, adan(0.02, wd=0.02))


def adafactor(lr, relative=True, eps1=1e-30, eps2=1e-3, clip=1.0, decay=-0.8):
    moments = {}
    rms = lambda x: math.sqrt((x * x).mean())

    def rule(t, p, g, s):
        rate = min(lr, 1 / math.sqrt(t)) if relative else lr
        rho = 1 - t**decay
        squares = g * g + eps1
        if g.ndim >= 2:
            r, c = moments.get("factors", (0.0, 0.0))
            r = rho * r + (1 - rho) * squares.mean(-1)
            c = rho * c + (1 - rho) * squares.mean(-2)
            moments["factors"] = (r, c)
            u = g / np.sqrt((r / r.mean(-1, keepdims=True))[..., :, None] * c[..., None, :])
        else:
            v = rho * moments.get("full", 0.0) + (1 - rho) * squares
            moments["full"] = v
            u = g / np.sqrt(v)
        return p - max(eps2, rms(p)) * rate * u / max(1.0, rms(u) / clip)

    return rule


each("adafactor", {"learningRate": 0.05}, {}, adafactor(0.05))
each("adafactor", {"learningRate": 0.2, "clipThreshold": 0.5}, {}, adafactor(0.2, clip=0.5))


def ftrl(lr, power=-0.5, l1=0.0, l2=0.0, shrinkage=0.0, beta=0.0):
    def rule(t, p, g, s):
        grown = s["n"] + g * g
        shrunk = g + 2 * shrinkage * p
        s["z"] = s["z"] + shrunk - (grown**-power - s["n"] ** -power) / lr * p
        s["n"] = grown
        quadratic = grown**-power / lr + 2 * (l2 + beta / (2 * lr))
        return (np.clip(s["z"], -l1, l1) - s["z"]) / quadratic

    return rule


each("ftrl", {"learningRate": 0.5}, {"n": 0.1, "z": 0}, ftrl(0.5))
each(
    "ftrl",
    {
        **{"learningRate": 0.3, "learningRatePower": -0.7, "l1RegularizationStrength": 0.02, "l2RegularizationStrength": 0.01},
        **{"l2ShrinkageRegularizationStrength": 0.005, "beta": 0.1},
    },
    {"n": 0.1, "z": 0},
    ftrl(0.3, power=-0.7, l1=0.02, l2=0.01, shrinkage=0.005, beta=0.1),
)


def lion(lr, b1=0.9, b2=0.99, wd=0.0):
    def rule(t, p, g, s):
        p = p * (1 - lr * wd) - lr * np.sign(b1 * s["m"] + (1 - b1) * g)
        s["m"] = b2 * s["m"] + (1 - b2) * g
        return p

    return rule


each("lion", {"learningRate": 0.005, "weightDecay": 0.1}, {"m": 0}, lion(0.005, wd=0.1))


def signum(lr, momentum):
    def rule(t, p, g, s):
        s["m"] = momentum * s["m"] + (1 - momentum) * g
        return p - lr * np.sign(s["m"])

    return rule


each("signum", {"learningRate": 0.005}, {"m": 0}, signum(0.005, 0.9))
each("signum", {"learningRate": 0.005, "momentum": 0}, {"m": 0}, signum(0.005, 0))


def lamb(lr, wd, b1=0.9, b2=0.999, eps=1e-7):
    def rule(t, p, g, s):
        s["m"] = b1 * s["m"] + (1 - b1) * g
        s["v"] = b2 * s["v"] + (1 - b2) * g * g
        d = (s["m"] / (1 - b1**t)) / (np.sqrt(s["v"] / (1 - b2**t)) + eps) + wd * p
        size, length = np.linalg.norm(p), np.linalg.norm(d)
        return p - lr * (size / length if size > 0 and length > 0 else 1) * d

    return rule


each("lamb", {"learningRate": 0.02, "weightDecay": 0.05}, {"m": 0, "v": 0}, lamb(0.02, 0.05))


def lars(lr, wd, momentum, trust, nesterov):
    def rule(t, p, g, s):
        size, length = np.linalg.norm(p), np.linalg.norm(g)
        ratio = trust * size / (length + wd * size) if size > 0 and length > 0 else 1
        d = lr * ratio * (g + wd * p)
        s["v"] = momentum * s["v"] + d
        return p - (d + momentum * s["v"] if nesterov else s["v"])

    return rule


each("lars", {"learningRate": 5, "weightDecay": 1e-3}, {"v": 0}, lars(5, 1e-3, 0.9, 1e-3, False))
each(
    "lars",
    {"learningRate": 2, "momentum": 0.8, "nesterov": True, "trustCoefficient": 0.01},
    {"v": 0},
    lars(2, 0, 0.8, 0.01, True),
)


def muon(lr, momentum=0.95, nesterov=True, steps=6, ratio=1.0, b1=0.9, b2=0.999, eps=1e-7):
    def rule(t, p, g, s):
        if p.ndim < 2:
            s["m"] = b1 * s["m"] + (1 - b1) * g
            s["v"] = b2 * s["v"] + (1 - b2) * g * g
            return p - lr * ratio * (s["m"] / (1 - b1**t)) / (np.sqrt(s["v"] / (1 - b2**t)) + eps)
        s["m"] = momentum * s["m"] + g
        x = g + momentum * s["m"] if nesterov else s["m"]
        n, m = x.shape
        x = x / (np.linalg.norm(x) + 1e-7)
        for _ in range(steps):
            a = x @ x.T
            x = 3.4445 * x + (-4.775 * a + 2.0315 * a @ a) @ x
        return p - lr * math.sqrt(max(1, m / n)) * x

    return rule


# Small steps, because the direction of a small gradient near the minimum is chaotic.
each("muon", {"learningRate": 0.002, "adamLearningRateRatio": 5}, {"m": 0, "v": 0}, muon(0.002, ratio=5))
each("muon", {"learningRate": 0.002, "nesterov": False, "nsSteps": 4}, {"m": 0, "v": 0}, muon(0.002, nesterov=False, steps=4))


def prodigy(options, lr=1.0, b1=0.9, b2=0.999, eps=1e-8, d0=1e-6, coefficient=1.0, growth=math.inf, wd=0.0, corrected=False):
    """The authors' code, with decoupled weight decay."""
    b3 = math.sqrt(b2)
    d, largest, numerator = d0, d0, 0.0
    m, v, s = ({k: np.zeros_like(x) for k, x in INITIAL.items()} for _ in range(3))

    def step(t, p, g, at):
        nonlocal d, largest, numerator
        correction = math.sqrt(1 - b2**t) / (1 - b1**t) if corrected else 1.0
        rate = d * lr * correction
        numerator = numerator * b3
        for k in p:
            numerator += (d / d0) * rate * float((g[k] * (INITIAL[k] - p[k])).sum())
            m[k] = b1 * m[k] + d * (1 - b1) * g[k]
            v[k] = b2 * v[k] + d * d * (1 - b2) * g[k] ** 2
            s[k] = b3 * s[k] + (d / d0) * rate * g[k]
        denominator = sum(float(np.abs(x).sum()) for x in s.values())
        before = d
        if denominator > 0:
            estimate = coefficient * numerator / denominator
            if d == d0:
                d = max(d, estimate)
            largest = max(largest, estimate)
            d = min(largest, d * growth)
        for k in p:
            p[k] = p[k] * (1 - rate * wd) - rate * m[k] / (np.sqrt(v[k]) + d * eps)

    run("prodigy", options, step)


# With d0 = 1e-6 in f32, the difference of the first and the second parameters has one digit, in PyTorch too.
prodigy({"d0": 2**-10}, d0=2**-10)
prodigy({"weightDecay": 0.01, "useBiasCorrection": True, "d0": 1e-4}, wd=0.01, corrected=True, d0=1e-4)
prodigy({"growthRate": 1.5, "dCoef": 0.5, "d0": 2**-10}, growth=1.5, coefficient=0.5, d0=2**-10)


def schedule_free(lr, b1=0.9, b2=0.999, eps=1e-8, wd=0.0, warmup=0, r=0.0, power=2.0):
    """The authors' code; x is their weights in evaluation."""
    z = {k: v.copy() for k, v in INITIAL.items()}
    v = {k: np.zeros_like(x) for k, x in INITIAL.items()}
    total, largest = 0.0, 0.0

    def step(t, p, g, at):
        nonlocal total, largest
        rate = lr * (min(1.0, t / warmup) if warmup else 1.0) * math.sqrt(1 - b2**t)
        largest = max(largest, rate)
        weight = t**r * largest**power
        total += weight
        c = weight / total
        for k in p:
            v[k] = b2 * v[k] + (1 - b2) * g[k] ** 2
            d = g[k] / (np.sqrt(v[k]) + eps) + wd * p[k]
            p[k] = p[k] + c * (z[k] - p[k]) + rate * (b1 * (1 - c) - 1) * d
            z[k] = z[k] - rate * d

    return step, lambda p: {k: p[k] + (1 - 1 / b1) * (z[k] - p[k]) for k in p}


step, averages = schedule_free(0.02)
run("scheduleFreeAdamW", {"learningRate": 0.02}, step, averages=averages)
step, averages = schedule_free(0.02, wd=0.05, warmup=20, r=1)
run("scheduleFreeAdamW", {"learningRate": 0.02, "weightDecay": 0.05, "warmupSteps": 20, "r": 1}, step, averages=averages)

# L-BFGS needs the same loss at all updates, so there is no noise.
tensors = {k: torch.tensor(v.copy(), requires_grad=True) for k, v in INITIAL.items()}
optimizer = O.LBFGS(list(tensors.values()), lr=0.5, max_iter=1, max_eval=10, history_size=4, tolerance_grad=0, tolerance_change=0)


def lbfgs(t, p, g, at):
    def closure():
        optimizer.zero_grad()
        q = {k: x.detach().numpy() for k, x in tensors.items()}
        loss, gradients = at(q)
        for k, x in tensors.items():
            x.grad = torch.tensor(gradients[k])
        return torch.tensor(loss)

    optimizer.step(closure)
    for k, x in tensors.items():
        p[k] = x.detach().numpy().copy()


run("lbfgs", {"learningRate": 0.5, "historySize": 4}, lbfgs, amount=0)


# Optimizers that wrap another one.
def wrapped_adam(lr=0.02):
    s = {k: {"m": np.zeros_like(x), "v": np.zeros_like(x)} for k, x in INITIAL.items()}

    def step(t, p, g, at):
        for k in p:
            s[k]["m"] = 0.9 * s[k]["m"] + 0.1 * g[k]
            s[k]["v"] = 0.999 * s[k]["v"] + 0.001 * g[k] ** 2
            p[k] = p[k] - lr * (s[k]["m"] / (1 - 0.9**t)) / (np.sqrt(s[k]["v"] / (1 - 0.999**t)) + 1e-7)

    return step


ADAM = {"$optimizer": "adam", "learningRate": 0.02}
slow = {k: v.copy() for k, v in INITIAL.items()}
inner = wrapped_adam()


def lookahead(t, p, g, at):
    inner(t, p, g, at)
    if t % 5 == 0:
        for k in p:
            slow[k] = slow[k] + 0.4 * (p[k] - slow[k])
            p[k] = slow[k].copy()


run("lookahead", {"optimizer": ADAM, "syncPeriod": 5, "slowStepSize": 0.4}, lookahead)

inner_swa = wrapped_adam()
mean, count = {}, [0]


def swa(t, p, g, at):
    inner_swa(t, p, g, at)
    if t <= 8:
        mean.update({k: v.copy() for k, v in p.items()})
    elif (t - 8) % 3 == 0:
        count[0] += 1
        for k in p:
            mean[k] = mean[k] + (p[k] - mean[k]) / count[0]


run("swa", {"optimizer": ADAM, "start": 8, "every": 3}, swa, averages=lambda p: mean)


def sam(adaptive, rho):
    inner_sam = wrapped_adam()

    def step(t, p, g, at):
        scaled = {k: g[k] * np.abs(p[k]) if adaptive else g[k] for k in p}
        length = math.sqrt(sum((x * x).sum() for x in scaled.values()))
        ahead = {k: p[k] + rho * g[k] * (p[k] ** 2 if adaptive else 1) / length for k in p}
        inner_sam(t, p, at(ahead)[1], at)

    return step


run("sam", {"optimizer": ADAM}, sam(False, 0.05))
run("sam", {"optimizer": ADAM, "rho": 0.5, "adaptive": True}, sam(True, 0.5))

private_adam = wrapped_adam()


def private(t, p, g, at):
    """Three samples with half, once and one and a half times the gradient."""
    length = math.sqrt(sum((x * x).sum() for x in g.values()))
    share = sum(min(size, 0.4 / length) for size in (0.5, 1, 1.5)) / 3
    private_adam(t, p, {k: share * x for k, x in g.items()}, at)


run("dpSgd", {"optimizer": ADAM, "l2NormClip": 0.4, "noiseMultiplier": 0}, private)

multi_adam = wrapped_adam()


def multi(t, p, g, at):
    bias = p["bias"] - 0.1 * g["bias"]
    multi_adam(t, p, g, at)
    p["bias"] = bias


run("multiOptimizer", {"optimizers": {"bias$": {"$optimizer": "sgd", "learningRate": 0.1}}, "otherwise": ADAM}, multi)


# The common options of all optimizers, on sgd.
def clipped(lr, share):
    def rule(t, p, g, s):
        axes = None if p.ndim < 2 else tuple(range(p.ndim - 1))
        size = lambda x: np.sqrt((x * x).sum(axis=axes, keepdims=p.ndim >= 2))
        limit = np.maximum(size(p), 1e-3) * share
        return p - lr * g * limit / np.maximum(size(g), limit)

    return rule


each("sgd", {"learningRate": 0.1, "adaptiveGradientClipping": 0.1}, {}, clipped(0.1, 0.1))

path = Path(__file__).parent.parent.parent / "test" / "golden" / "trajectories.json"
flat = lambda tree: {k: v.flatten().tolist() for k, v in tree.items()}
golden = {"steps": STEPS, "stored": STORED, "shapes": SHAPES, "initial": flat(INITIAL), "curvature": flat(CURVATURE), "cases": cases}
path.write_text(json.dumps(golden).replace('{"name"', '\n{"name"') + "\n")
print(f"{len(cases)} cases in {path.name}, {path.stat().st_size} bytes")
