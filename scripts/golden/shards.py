"""Files of several safetensors with an index, for test/unit/shards.test.ts. Needs the packages numpy, safetensors and huggingface_hub, which are
the reference: python3 scripts/golden/shards.py. With a folder as its argument, it reads the files that the library wrote there."""
import base64
import json
import pathlib
import sys

import numpy as np
from huggingface_hub.serialization._base import split_state_dict_into_shards_factory
from safetensors.numpy import load_file, save

path = pathlib.Path(__file__).parent.parent.parent / 'test' / 'golden' / 'shards.json'
names = {'z.weight': (8, 4), 'a.bias': (3,), 'big': (40, 3), 'b.weight': (5, 5), 'empty': (0, 2), 'größe': (2, 2), 'last': (6,)}
state = {name: (np.arange(int(np.prod(shape))) / 8 + i).astype('f2' if name == 'a.bias' else 'f4').reshape(shape) for i, (name, shape) in enumerate(names.items())}


def files(limit, metadata):
    split = split_state_dict_into_shards_factory(
        state, get_storage_size=lambda x: x.nbytes, filename_pattern='model{suffix}.safetensors', max_shard_size=limit)
    found = {file: base64.b64encode(save({key: state[key] for key in keys}, metadata or None)).decode() for file, keys in split.filename_to_tensors.items()}
    if split.is_sharded:
        index = {'metadata': {**split.metadata, **metadata}, 'weight_map': split.tensor_to_filename}
        found['model.safetensors.index.json'] = base64.b64encode(json.dumps(index, indent=2, ensure_ascii=False).encode()).decode()
    return {'limit': limit, 'metadata': metadata, 'files': found}


if len(sys.argv) > 1:
    folder = pathlib.Path(sys.argv[1])
    index = json.loads((folder / 'model.safetensors.index.json').read_text())
    for name, x in state.items():
        y = load_file(folder / index['weight_map'][name])[name]
        assert y.dtype == x.dtype and np.array_equal(x, y), name
    assert index['metadata']['total_size'] == sum(x.nbytes for x in state.values())
    print(len(state), 'tensors agree')
else:
    cases = [files(200, {}), files(128, {'format': 'pt'}), files(1000, {'format': 'pt'}), files(1, {})]
    plain = {name: {'dtype': 'F16' if x.dtype == np.float16 else 'F32', 'shape': list(x.shape), 'data': x.ravel().tolist()} for name, x in state.items()}
    path.write_text(json.dumps({'tensors': plain, 'cases': cases}, ensure_ascii=False) + '\n')
    print(path.stat().st_size, 'bytes', [list(case['files']) for case in cases])
