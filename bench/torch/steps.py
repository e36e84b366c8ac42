"""The workloads in PyTorch eager, TF32 off: the other half of `npm run bench:torch`.

Reads one JSON request a line and answers each with one line. Data and first weights come through a file, in the layout that tensorsFile.ts writes;
images and filters have their channels first. Needs torch 1.13 or newer and nothing else.
"""

import json
import struct
import subprocess
import sys
import time

import torch
import torch.nn.functional as F

torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def read_tensors(path):
    """Name -> tensor on the device."""
    with open(path, "rb") as file:
        content = file.read()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    dtypes = {"F32": torch.float32, "I32": torch.int32}
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        flat = torch.frombuffer(bytearray(content[begin:end]), dtype=dtypes[entry["dtype"]])
        tensor = flat.reshape(entry["shape"])
        # Indices are i64 in PyTorch.
        tensors[name] = (tensor.long() if entry["dtype"] == "I32" else tensor.clone()).to(device)
    return tensors


def dense(p, x, depth):
    for i in range(depth):
        x = torch.addmm(p[f"bias{i}"], x, p[f"kernel{i}"])
        if i < depth - 1:
            x = F.relu(x)
    return x


def perceptron(depth):
    return lambda p, inputs: F.cross_entropy(dense(p, inputs["x"], depth), inputs["labels"])


def cnn(p, inputs):
    x = inputs["x"]
    for i in range(2):
        x = F.max_pool2d(F.relu(F.conv2d(x, p[f"filter{i}"], p[f"filter{i}Bias"], padding="same")), 2)
    return F.cross_entropy(dense(p, x.flatten(1), 2), inputs["labels"])


def attention(query, key, value):
    if hasattr(F, "scaled_dot_product_attention"):
        return F.scaled_dot_product_attention(query, key, value, is_causal=True)
    time_steps = query.shape[-2]
    hidden = torch.ones(time_steps, time_steps, dtype=torch.bool, device=device).triu(1)
    scores = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
    return scores.masked_fill(hidden, float("-inf")).softmax(-1) @ value


def gpt(p, inputs, time=64, depth=128, heads=4, layers=2):
    tokens = inputs["tokens"].reshape(-1, time)
    x = (F.embedding(tokens, p["table"]) + p["positions"]).reshape(-1, depth)

    def norm(x, name):
        return F.layer_norm(x, [depth], p[f"gamma{name}"], p[f"beta{name}"], eps=1e-5)

    def linear(x, name, i):
        return torch.addmm(p[f"{name}Bias{i}"], x, p[f"{name}{i}"])

    for i in range(layers):
        qkv = linear(norm(x, f"1_{i}"), "qkv", i).reshape(-1, time, 3, heads, depth // heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        attended = attention(query, key, value).transpose(1, 2).reshape(-1, depth)
        x = x + linear(attended, "out", i)
        x = x + linear(F.gelu(linear(norm(x, f"2_{i}"), "up", i), approximate="tanh"), "down", i)
    return F.cross_entropy(norm(x, "") @ p["head"], inputs["labels"])


def lstm(p, inputs):
    """PyTorch's LSTM (cuDNN on a card). Its gates have the order of the parameters: input, forget, candidate, output."""
    x = inputs["x"]
    units = p["recurrent"].shape[0]
    zeros = torch.zeros(1, x.shape[0], units, device=x.device)
    no_bias = torch.zeros(4 * units, device=x.device)
    weights = [p["kernel"].t().contiguous(), p["recurrent"].t().contiguous(), p["bias"], no_bias]
    _, hidden, _ = torch._VF.lstm(x, (zeros, zeros), weights, True, 1, 0.0, True, False, True)
    return F.cross_entropy(hidden[0] @ p["kernel1"] + p["bias1"], inputs["labels"])


models = {"mlp": perceptron(2), "mlpwide": perceptron(3), "cnn": cnn, "gpt": gpt}
models.update({name: lstm for name in ("lstm", "lstm28", "lstm200", "lstm1000")})


class Training:
    def __init__(self, model, parameters, inputs, optimizer):
        self.model, self.inputs = model, inputs
        self.parameters = {name: tensor.requires_grad_() for name, tensor in parameters.items()}
        make = {"sgd": torch.optim.SGD, "adam": lambda p, lr: torch.optim.Adam(p, lr=lr, eps=1e-7)}[optimizer["name"]]
        self.optimizer = make(list(self.parameters.values()), lr=optimizer["learningRate"])

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        self.loss = self.model(self.parameters, self.inputs)
        self.loss.backward()
        self.optimizer.step()

    def sample(self, _):
        return [self.loss.item()]


class Product:
    def __init__(self, inputs):
        self.a, self.b = inputs["a"], inputs["b"]

    def step(self):
        self.result = self.a @ self.b

    def sample(self, count):
        flat = self.result.flatten()
        return flat[:: max(1, flat.numel() // count)].tolist()


def synchronize():
    if device.type == "cuda":
        torch.cuda.synchronize()


def card():
    """Name of the device, and for a CUDA card what its plain f32 peak follows from; `clock` is the highest of its multiprocessors, in MHz."""
    about = {"torch": torch.__version__, "device": device.type, "name": "CPU", "threads": torch.get_num_threads()}
    if device.type != "cuda":
        return about
    properties = torch.cuda.get_device_properties(0)
    lanes = {(7, 0): 64, (7, 2): 64, (7, 5): 64, (8, 0): 64}.get((properties.major, properties.minor), 128)
    query = ["nvidia-smi", "--query-gpu=clocks.max.sm", "--format=csv,noheader,nounits", "--id=0"]
    try:
        clock = float(subprocess.run(query, capture_output=True, text=True, check=True).stdout.split()[0])
    except (OSError, subprocess.CalledProcessError, ValueError, IndexError):
        clock = None
    return {**about, "name": properties.name, "multiprocessors": properties.multi_processor_count, "lanes": lanes, "clock": clock}


def prepare(request):
    tensors = read_tensors(request["file"])
    inputs = {name: tensors[name] for name in request["inputs"]}
    if request["kind"] == "forward":
        return Product(inputs)
    parameters = {name: tensor for name, tensor in tensors.items() if name not in inputs}
    return Training(models[request["workload"]], parameters, inputs, request["optimizer"])


def main():
    unit = None
    clock = time.perf_counter
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["do"] == "describe":
                clock = time.process_time if request["clock"] == "processor" else time.perf_counter
                if request["threads"]:
                    torch.set_num_threads(request["threads"])
                answer = card()
            elif request["do"] == "prepare":
                unit = None
                unit = prepare(request)
                answer = {}
            elif request["do"] == "steps":
                synchronize()
                start = clock()
                for done in range(request["steps"]):
                    unit.step()
                    if (done + 1) % request["burst"] == 0:
                        synchronize()
                synchronize()
                answer = {"milliseconds": (clock() - start) * 1000 / request["steps"]}
            else:
                answer = {"values": unit.sample(request["count"])}
        except Exception as error:  # The other side decides what an error means.
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
