"""Writes test/golden/models: state dicts of torch modules as safetensors (written by hand), their inputs and outputs. Run: python3 scripts/golden/models.py

The modules are written here with the names of torchvision and of Hugging Face's transformers, since neither is needed for random weights.
"""
import json
import math
import pathlib
import struct

import numpy as np
import torch
from torch import nn
import torch.nn.functional as F

folder = pathlib.Path(__file__).parent.parent.parent / 'test' / 'golden' / 'models'
names = {'float32': 'F32', 'float16': 'F16', 'int64': 'I64'}


def save(name, state, half):
    """The format of safetensors: length of the header, header, data."""
    header, parts, at = {'__metadata__': {'format': 'pt'}}, [], 0
    for key, tensor in state.items():
        array = tensor.detach().cpu().numpy()
        if half and array.dtype == np.float32:
            array = array.astype(np.float16)
        data = np.ascontiguousarray(array).tobytes()
        header[key] = {'dtype': names[str(array.dtype)], 'shape': list(array.shape), 'data_offsets': [at, at + len(data)]}
        parts.append(data)
        at += len(data)
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    (folder / f'{name}.safetensors').write_bytes(struct.pack('<Q', len(text)) + text + b''.join(parts))


def randomise(module):
    """Weights that f16 holds exactly, with statistics of batches that are not 0 and 1."""
    for key, tensor in module.state_dict().items():
        if tensor.dtype != torch.float32:
            continue
        if key.endswith('running_var'):
            value = torch.rand_like(tensor) + 0.5
        elif tensor.dim() > 1:
            value = torch.randn_like(tensor) / math.sqrt(tensor[0].numel())
        else:
            value = torch.randn_like(tensor) * 0.3 + (1 if key.endswith('weight') else 0)
        tensor.copy_(value.half().float())


cases = {}


def numbers(tensor):
    return [float(f'{v:.9g}') for v in tensor.flatten().tolist()]


def pattern(*shape):
    """Value i is -2 + 4 frac((i + 1) golden), for the axes in our order. The tests compute the same."""
    count = np.arange(1, math.prod(shape) + 1)
    return torch.tensor(-2 + 4 * np.fmod(count * 0.6180339887498949, 1.0)).float().reshape(shape)


def case(name, module, inputs, half=True, is_new=True):
    """Computes in f64, from weights that f32 holds exactly. Inputs are integers, or made by `pattern`."""
    with torch.no_grad():
        if is_new:
            randomise(module)
        module.eval()
        module.double()
        results = module(*[x.double() if x.is_floating_point() else x for x in inputs])
        module.float()
    if is_new:
        save(name, module.state_dict(), half)
    cases[name] = [{'shape': list(y.shape), 'data': numbers(y)} for y in (results if isinstance(results, tuple) else (results,))]
    print(name, sum(p.numel() for p in module.parameters()), 'parameters')


def last(x):
    """Channels last."""
    return x.movedim(1, -1) if x.dim() > 2 and x.is_floating_point() else x


# torchvision.models.resnet18
class BasicBlock(nn.Module):
    def __init__(self, inputs, filters, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, filters, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(filters)
        if stride != 1 or inputs != filters:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, filters, 1, stride, bias=False), nn.BatchNorm2d(filters))

    def forward(self, x):
        around = self.downsample(x) if hasattr(self, 'downsample') else x
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + around)


class ResNet18(nn.Module):
    def __init__(self, width, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        inputs = width
        for i, factor in enumerate([1, 2, 4, 8]):
            blocks = nn.Sequential(BasicBlock(inputs, width * factor, 1 if i == 0 else 2), BasicBlock(width * factor, width * factor, 1))
            setattr(self, f'layer{i + 1}', blocks)
            inputs = width * factor
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


# torchvision.models.mobilenet_v2
def divisible(v):
    new = max(8, int(v + 4) // 8 * 8)
    return new + 8 if new < 0.9 * v else new


def convolved(inputs, filters, size, stride=1, groups=1):
    convolution = nn.Conv2d(inputs, filters, size, stride, size // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(filters), nn.ReLU6())


class InvertedResidual(nn.Module):
    def __init__(self, inputs, filters, stride, expansion):
        super().__init__()
        hidden = inputs * expansion
        wide = [convolved(inputs, hidden, 1)] if expansion != 1 else []
        deep = convolved(hidden, hidden, 3, stride, hidden)
        self.conv = nn.Sequential(*wide, deep, nn.Conv2d(hidden, filters, 1, bias=False), nn.BatchNorm2d(filters))
        self.around = stride == 1 and inputs == filters

    def forward(self, x):
        return x + self.conv(x) if self.around else self.conv(x)


class MobileNetV2(nn.Module):
    def __init__(self, width, classes):
        super().__init__()
        inputs = divisible(32 * width)
        features = [convolved(3, inputs, 3, 2)]
        stages = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
        for t, c, n, s in stages:
            for i in range(n):
                features.append(InvertedResidual(inputs, divisible(c * width), s if i == 0 else 1, t))
                inputs = divisible(c * width)
        last_channel = divisible(1280 * max(1.0, width))
        self.features = nn.Sequential(*features, convolved(inputs, last_channel, 1))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(last_channel, classes))

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


def as_keras(module):
    """The same weights in keras.applications.MobileNetV2: zeros only at the bottom and the right before strides, and another epsilon."""
    for m in module.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.eps = 1e-3
        if isinstance(m, nn.Conv2d) and m.stride == (2, 2):
            m.padding = (0, 0)
            m.register_forward_pre_hook(lambda _, inputs: F.pad(inputs[0], (0, 1, 0, 1)))
    return module


# transformers.GPT2LMHeadModel
class Conv1D(nn.Module):
    def __init__(self, outputs, inputs):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(inputs, outputs))
        self.bias = nn.Parameter(torch.empty(outputs))

    def forward(self, x):
        return x @ self.weight + self.bias


def attend(q, k, v, heads, mask=None):
    batch, time, width = q.shape
    q, k, v = (x.view(batch, -1, heads, width // heads).transpose(1, 2) for x in (q, k, v))
    scores = q @ k.transpose(2, 3) / math.sqrt(width // heads)
    if mask is not None:
        scores = scores.masked_fill(~mask, float('-inf'))
    return (scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, time, width)


class Gpt2Attention(nn.Module):
    def __init__(self, width, heads, window):
        super().__init__()
        self.register_buffer('bias', torch.tril(torch.ones(1, 1, window, window)).float())
        self.c_attn = Conv1D(3 * width, width)
        self.c_proj = Conv1D(width, width)
        self.heads = heads

    def forward(self, x):
        time = x.shape[1]
        earlier = torch.tril(torch.ones(time, time)).bool()
        return self.c_proj(attend(*self.c_attn(x).chunk(3, -1), self.heads, earlier))


class Gpt2Mlp(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.c_fc = Conv1D(4 * width, width)
        self.c_proj = Conv1D(width, 4 * width)

    def forward(self, x):
        return self.c_proj(F.gelu(self.c_fc(x), approximate='tanh'))


class Gpt2Block(nn.Module):
    def __init__(self, width, heads, window):
        super().__init__()
        self.ln_1 = nn.LayerNorm(width)
        self.attn = Gpt2Attention(width, heads, window)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp = Gpt2Mlp(width)

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class Gpt2(nn.Module):
    def __init__(self, blocks, heads, width, vocabulary, window):
        super().__init__()
        self.transformer = nn.Module()
        self.transformer.wte = nn.Embedding(vocabulary, width)
        self.transformer.wpe = nn.Embedding(window, width)
        self.transformer.h = nn.ModuleList([Gpt2Block(width, heads, window) for _ in range(blocks)])
        self.transformer.ln_f = nn.LayerNorm(width)
        self.lm_head = nn.Linear(width, vocabulary, bias=False)
        self.lm_head.weight = self.transformer.wte.weight

    def forward(self, ids):
        t = self.transformer
        x = t.wte(ids) + t.wpe.weight[: ids.shape[1]]
        for block in t.h:
            x = block(x)
        return self.lm_head(t.ln_f(x))


# transformers.BertForSequenceClassification
class BertSelfAttention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))


class BertOutput(nn.Module):
    def __init__(self, inputs, width):
        super().__init__()
        self.dense = nn.Linear(inputs, width)
        self.LayerNorm = nn.LayerNorm(width, eps=1e-12)

    def forward(self, hidden, x):
        return self.LayerNorm(self.dense(hidden) + x)


def part(**modules):
    module = nn.Module()
    for name, value in modules.items():
        setattr(module, name, value)
    return module


class BertLayer(nn.Module):
    def __init__(self, width, heads, intermediate):
        super().__init__()
        self.attention = part(self=BertSelfAttention(width), output=BertOutput(width, width))
        self.intermediate = part(dense=nn.Linear(width, intermediate))
        self.output = BertOutput(intermediate, width)
        self.heads = heads

    def forward(self, x, mask):
        own = self.attention._modules['self']
        x = self.attention.output(attend(own.query(x), own.key(x), own.value(x), self.heads, mask[:, None, None, :]), x)
        return self.output(F.gelu(self.intermediate.dense(x)), x)


class Bert(nn.Module):
    def __init__(self, blocks, heads, width, intermediate, vocabulary, window, types, classes):
        super().__init__()
        embeddings = part(
            word_embeddings=nn.Embedding(vocabulary, width),
            position_embeddings=nn.Embedding(window, width),
            token_type_embeddings=nn.Embedding(types, width),
            LayerNorm=nn.LayerNorm(width, eps=1e-12),
        )
        embeddings.register_buffer('position_ids', torch.arange(window)[None])
        layers = nn.ModuleList([BertLayer(width, heads, intermediate) for _ in range(blocks)])
        self.bert = part(embeddings=embeddings, encoder=part(layer=layers), pooler=part(dense=nn.Linear(width, width)))
        self.classifier = nn.Linear(width, classes)

    def forward(self, ids, types):
        e = self.bert.embeddings
        x = e.word_embeddings(ids) + e.position_embeddings.weight[: ids.shape[1]] + e.token_type_embeddings(types)
        x = e.LayerNorm(x)
        for layer in self.bert.encoder.layer:
            x = layer(x, ids != 0)
        pooled = torch.tanh(self.bert.pooler.dense(x[:, 0]))
        return x, pooled, self.classifier(pooled)


# Modules of torch.nn, in one state dict: every layout.
class Modules(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv1d(4, 6, 3, padding=1, groups=2)
        self.conv2 = nn.Conv2d(3, 4, (3, 1))
        self.conv3 = nn.Conv3d(2, 3, 2)
        self.up1 = nn.ConvTranspose1d(4, 3, 3, stride=2)
        self.up2 = nn.ConvTranspose2d(3, 2, 3, stride=2)
        self.up3 = nn.ConvTranspose3d(2, 3, 2)
        self.depthwise = nn.Conv2d(3, 6, 3, groups=3)
        self.separable = part(depthwise=nn.Conv2d(3, 6, 3, groups=3, bias=False), pointwise=nn.Conv2d(6, 2, 1))
        self.batch = nn.BatchNorm2d(3)
        self.group = nn.GroupNorm(2, 4)
        self.instance = nn.InstanceNorm2d(3, affine=True)
        self.slope = nn.PReLU(3)
        self.rnn = nn.RNN(4, 3, batch_first=True)
        self.lstm = nn.LSTM(4, 3, num_layers=2, bidirectional=True, batch_first=True)
        self.gru = nn.GRU(4, 3, batch_first=True)
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.encoder = nn.TransformerEncoderLayer(4, 2, 6, batch_first=True, norm_first=True)
        self.decoder = nn.TransformerDecoderLayer(4, 2, 6, batch_first=True)
        self.embedding = nn.Embedding(5, 3)

    def forward(self, steps, image, volume, ids):
        channels = steps.transpose(1, 2)
        separable = self.separable.pointwise(self.separable.depthwise(image))
        attended = self.attention(steps, steps, steps, need_weights=False)[0]
        later = torch.triu(torch.ones(steps.shape[1], steps.shape[1]), 1).bool()
        results = [
            self.conv1(channels), self.conv2(image), self.conv3(volume), self.up1(channels), self.up2(image), self.up3(volume),
            self.depthwise(image), separable, self.batch(image), self.group(channels), self.instance(image), self.slope(image),
        ]  # fmt: skip
        rows = [
            self.rnn(steps)[0], self.lstm(steps)[0], self.gru(steps)[0], attended, self.encoder(steps),
            self.decoder(steps, steps.flip(1), tgt_mask=later), self.embedding(ids),
        ]  # fmt: skip
        return tuple([last(y) for y in results] + rows)


def first(x):
    """Channels after the batch, as torch has them."""
    return x.movedim(-1, 1)


if __name__ == '__main__':
    folder.mkdir(exist_ok=True)
    torch.manual_seed(11)
    image = first(pattern(2, 32, 32, 3))
    case('resnet18', ResNet18(4, 5), [image])
    mobile = MobileNetV2(0.1, 5)
    case('mobileNetV2', mobile, [image])
    case('mobileNetV2Keras', as_keras(mobile), [image], is_new=False)
    ids = torch.tensor([[3, 1, 4, 1, 5, 9, 2, 6, 5], [8, 9, 7, 9, 3, 2, 3, 8, 4]])
    case('gpt2', Gpt2(2, 2, 8, 13, 12), [ids], half=False)
    padded = ids * (ids.new_tensor([[9], [6]]) > torch.arange(9))
    types = (torch.arange(9) > 4).long().expand(2, 9)
    case('bert', Bert(2, 2, 8, 20, 13, 12, 2, 3), [padded, types], half=False)
    inputs = [pattern(2, 5, 4), first(pattern(2, 5, 5, 3)), first(pattern(1, 3, 4, 3, 2)), torch.tensor([[0, 4, 2]])]
    case('modules', Modules(), inputs, half=False)
    rows = ',\n'.join(f'{json.dumps(name)}: {json.dumps(value, separators=(",", ":"))}' for name, value in cases.items())
    (folder / 'cases.json').write_text('{\n' + rows + '\n}\n')
    print({p.name: p.stat().st_size for p in folder.iterdir()})
