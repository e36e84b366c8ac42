"""GGUF files for test/unit/gguf.test.ts. Needs the packages numpy and gguf (the reference): python3 scripts/golden/ggufFiles.py
Values of quantised blocks come from gguf.quants, and are compared with a second implementation here, element by element."""
import base64
import json
import pathlib
import tempfile

import gguf
import numpy as np
from gguf import GGMLQuantizationType as T
from gguf import quants

path = pathlib.Path(__file__).parent.parent.parent / 'test' / 'golden' / 'gguf.json'
rng = np.random.default_rng(7)
K = {'Q2_K': (84, (80, 82)), 'Q3_K': (110, (108,)), 'Q4_K': (144, (0, 2)), 'Q5_K': (176, (0, 2)), 'Q6_K': (210, (208,))}


def k_blocks(name, rows):
    """Blocks of random bytes. Scales are halves of a usual size, and one is subnormal."""
    size, scales = K[name]
    blocks = rng.integers(0, 256, (rows, size), dtype=np.uint8)
    for at in scales:
        values = rng.uniform(-0.1, 0.1, rows).astype(np.float16)
        values[0] = 3e-6
        blocks[:, at:at + 2] = values.view(np.uint8).reshape(rows, 2)
    return blocks


def bits(block, at, count):
    return [(int(block[at + i // 8]) >> (i % 8)) & 1 for i in range(count)]


def scalar(name, b):
    """One block, written from the description of the format, in f32."""
    f = np.float32
    h = lambda at: f(np.frombuffer(b[at:at + 2].tobytes(), np.float16)[0])
    b = b.astype(np.uint8)
    out = []
    if name in ('Q4_0', 'Q4_1', 'Q5_0', 'Q5_1'):
        low = 4 if name[-1] == '1' else 2
        five = bits(b, low, 32) if name[1] == '5' else [0] * 32
        qs = low + (4 if name[1] == '5' else 0)
        for i in range(32):
            q = (int(b[qs + i]) & 15 if i < 16 else int(b[qs + i - 16]) >> 4) + 16 * five[i]
            out.append(h(0) * f(q) + h(2) if low == 4 else h(0) * f(q - (16 if name[1] == '5' else 8)))
    elif name == 'Q8_0':
        out = [h(0) * f(np.int8(v)) for v in b[2:].view(np.int8)]
    elif name == 'Q2_K':
        for half in range(2):
            for shift in range(4):
                for i in range(32):
                    s = int(b[half * 8 + shift * 2 + i // 16])
                    q = (int(b[16 + half * 32 + i]) >> (2 * shift)) & 3
                    out.append(h(80) * f(s & 15) * f(q) - h(82) * f(s >> 4))
    elif name == 'Q3_K':
        packed = b[96:108].astype(int)
        s = [(packed[i] & 15 if i < 8 else packed[i - 8] >> 4) | (((packed[8 + i % 4] >> (2 * (i // 4))) & 3) << 4) for i in range(16)]
        for half in range(2):
            for shift in range(4):
                for i in range(32):
                    q = (int(b[32 + half * 32 + i]) >> (2 * shift)) & 3
                    q -= 0 if (int(b[i]) >> (half * 4 + shift)) & 1 else 4
                    out.append(h(108) * f(s[half * 8 + shift * 2 + i // 16] - 32) * f(q))
    elif name in ('Q4_K', 'Q5_K'):
        p = b[4:16].astype(int)
        pairs = [(p[j] & 63, p[j + 4] & 63) if j < 4 else ((p[j + 4] & 15) | (p[j - 4] >> 6 << 4), (p[j + 4] >> 4) | (p[j] >> 6 << 4)) for j in range(8)]
        qs = 48 if name == 'Q5_K' else 16
        for j in range(8):
            for i in range(32):
                q = (int(b[qs + j // 2 * 32 + i]) >> (4 * (j % 2))) & 15
                q += 16 * ((int(b[16 + i]) >> j) & 1) if name == 'Q5_K' else 0
                out.append(h(0) * f(pairs[j][0]) * f(q) - h(2) * f(pairs[j][1]))
    elif name == 'Q6_K':
        scales = b[192:208].view(np.int8)
        for half in range(2):
            ql, qh = b[half * 64:half * 64 + 64].astype(int), b[128 + half * 32:160 + half * 32].astype(int)
            for quarter in range(4):
                for i in range(32):
                    low = ql[i + 32 * (quarter % 2)] >> (4 * (quarter // 2)) & 15
                    q = (low | ((qh[i] >> (2 * quarter)) & 3) << 4) - 32
                    out.append(h(208) * f(scales[half * 8 + quarter * 2 + i // 16]) * f(q))
    return np.array(out, np.float32)


tensors = {}


def quantised(name, blocks):
    expected = quants.dequantize(blocks, T[name])
    size = blocks.shape[-1] // {'Q4_0': 18, 'Q4_1': 20, 'Q5_0': 22, 'Q5_1': 24, 'Q8_0': 34}.get(name, K.get(name, (1,))[0])
    flat = blocks.reshape(-1, blocks.shape[-1] // size)
    again = np.concatenate([scalar(name, one) for one in flat]).reshape(expected.shape)
    assert np.array_equal(expected.view(np.uint32), again.view(np.uint32)), name
    tensors[name] = (blocks, T[name], expected)


for name in ['Q4_0', 'Q4_1', 'Q5_0', 'Q5_1', 'Q8_0']:
    quantised(name, quants.quantize(rng.normal(size=(3, 64)).astype(np.float32), T[name]))
for name in K:
    quantised(name, k_blocks(name, 3))
floats = rng.normal(size=(2, 3, 4))
tensors['F32'] = (floats.astype('f4'), T.F32, floats.astype('f4'))
tensors['F16'] = (floats.astype('f2'), T.F16, floats.astype('f2').astype('f4'))
bf16 = quants.quantize(floats.astype('f4'), T.BF16)
tensors['BF16'] = (bf16, T.BF16, quants.dequantize(bf16, T.BF16))
tensors['F64'] = (floats, T.F64, floats)
for name in ['I8', 'I16', 'I32', 'I64']:
    x = rng.integers(-100, 100, (5, 3)).astype(name.lower().replace('8', '1').replace('16', '2').replace('32', '4').replace('64', '8'))
    tensors[name] = (x, T[name], x)
tensors['vector'] = (floats.astype('f4').ravel()[:7], T.F32, floats.astype('f4').ravel()[:7])

values = {'u8': 200, 'i8': -3, 'u16': 60000, 'i16': -30000, 'u32': 4000000000, 'i32': -5, 'f32': 0.5, 'bool': True, 'string': 'größe', 'u64': 2 ** 63, 'i64': -(2 ** 62), 'f64': 0.1}
adders = {'u8': 'uint8', 'i8': 'int8', 'u16': 'uint16', 'i16': 'int16', 'u32': 'uint32', 'i32': 'int32', 'f32': 'float32', 'bool': 'bool', 'string': 'string', 'u64': 'uint64', 'i64': 'int64', 'f64': 'float64'}
arrays = {'texts': ['a', '', 'bc'], 'numbers': [1, 2, 3], 'nested': [[1, 2], [3]], 'flags': [True, False]}


def write(alignment):
    with tempfile.TemporaryDirectory() as folder:
        name = pathlib.Path(folder) / 'x.gguf'
        writer = gguf.GGUFWriter(name, 'test')
        if alignment:
            writer.add_custom_alignment(alignment)
        for key, value in values.items():
            getattr(writer, f'add_{adders[key]}')(f'test.{key}', value)
        for key, value in arrays.items():
            writer.add_array(f'test.{key}', value)
        for key, (data, kind, _) in tensors.items():
            raw = data.view(np.uint8) if key == 'BF16' else data
            writer.add_tensor(key, raw, raw_dtype=kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return base64.b64encode(name.read_bytes()).decode()


def plain(x):
    kind = f'{x.dtype.kind.upper()}{8 * x.itemsize}'
    wide = kind == 'I64'
    return {'dtype': kind, 'shape': list(x.shape), 'data': [str(v) if wide else v for v in x.ravel().tolist()]}


def text(x):
    return str(x) if isinstance(x, int) and not isinstance(x, bool) and abs(x) > 2 ** 53 else x


files = {'default': write(None), 'aligned': write(64)}
expected = {}
for key, (_, kind, x) in tensors.items():
    row = plain(x)
    if kind.name in ('F16', 'BF16'):
        row['dtype'] = kind.name
    expected[key] = row | {'type': kind.name}
rows = ',\n'.join(f'{json.dumps(k)}: {json.dumps(v, separators=(",", ":"))}' for k, v in expected.items())
metadata = {f'test.{k}': text(v) for k, v in values.items()} | {f'test.{k}': v for k, v in arrays.items()}
path.write_text(f'{{"files": {json.dumps(files)},\n"metadata": {json.dumps(metadata)},\n"tensors": {{\n{rows}\n}}}}\n')
print(len(expected), 'tensors', path.stat().st_size, 'bytes')
