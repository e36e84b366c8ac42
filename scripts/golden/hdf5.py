"""HDF5 files of h5py, packed by gzip, and their contents for test/unit/hdf5.test.ts. Needs h5py: python3 scripts/golden/hdf5.py"""
import gzip
import json
import pathlib
import tempfile

import h5py
import numpy as np

GOLDEN = 0.6180339887498949
folder = pathlib.Path(__file__).parent.parent.parent / 'test' / 'golden' / 'hdf5'
contents = {}


def values(*shape, low=-2.0, high=2.0):
    n = int(np.prod(shape))
    return (low + (high - low) * np.mod((np.arange(n) + 1) * GOLDEN, 1.0)).reshape(shape)


def plain(x):
    """A value as the tests compare it: dtype of the host array, shape, and numbers or texts."""
    if isinstance(x, h5py.Empty):
        return None
    if isinstance(x, (str, bytes)):
        return {'dtype': 'text', 'shape': [], 'data': [x if isinstance(x, str) else x.decode()]}
    x = np.asarray(x)
    if x.dtype.kind in 'OS':
        return {'dtype': 'text', 'shape': list(x.shape), 'data': [v.decode() if isinstance(v, bytes) else v for v in x.ravel().tolist()]}
    kind = {'b': 'BOOL', 'f': f'F{8 * x.itemsize}', 'i': f'I{8 * x.itemsize}', 'u': f'U{8 * x.itemsize}'}[x.dtype.kind]
    numbers = [str(v) for v in x.ravel().tolist()] if x.dtype.kind in 'iu' and x.itemsize == 8 else [int(v) if x.dtype.kind in 'b' else v for v in x.ravel().tolist()]
    return {'dtype': kind, 'shape': list(x.shape), 'data': numbers}


def describe(node):
    found = {'attributes': {k: plain(v) for k, v in node.attrs.items()}}
    if isinstance(node, h5py.Dataset):
        found['value'] = plain(node[()])
    else:
        found['children'] = {k: describe(v) for k, v in node.items()}
    return found


def make(name, build, **options):
    path = pathlib.Path(tempfile.mkdtemp()) / name
    with h5py.File(path, 'w', **options) as f:
        build(f)
    with h5py.File(path, 'r') as f:
        contents[name] = describe(f)
    packed = gzip.compress(path.read_bytes(), 9, mtime=0)
    (folder / f'{name}.gz').write_bytes(packed)
    print(name, path.stat().st_size, len(packed))


def types(f):
    for code in ['f2', 'f4', 'f8', 'i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8']:
        for order in '<>':
            low, high = {'f': (-2, 2), 'i': (-100, 100), 'u': (0, 200)}[code[0]]
            x = values(2, 3, low=low, high=high)
            if code[0] != 'f':
                x = np.floor(x)
                x[0, 0] = np.iinfo(code).max if code[1] != '8' else 0
                x[1, 2] = np.iinfo(code).min
            data = x.astype(order + code)
            if code[1] == '8' and code[0] != 'f':
                data[0, 0] = np.iinfo(code).max
            f[f'{code}{"le" if order == "<" else "be"}'] = data
    f['bool'] = np.array([True, False, True])
    f['scalar'] = np.float32(1.5)
    f['null'] = h5py.Empty('f4')
    f['empty'] = np.zeros((0, 3), 'f4')
    f['unwritten'] = f.create_dataset('later', (3,), 'f4', fillvalue=7)
    f['fixed'] = np.array([b'one', b'three'])
    f['variable'] = np.array(['eins', 'zwölf', ''], dtype=h5py.string_dtype())
    f['text'] = 'größer'
    padded = h5py.h5t.C_S1.copy()
    padded.set_size(4)
    padded.set_strpad(h5py.h5t.STR_SPACEPAD)
    d = h5py.h5d.create(f.id, b'spaces', padded, h5py.h5s.create_simple((2,)))
    d.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array([b'ab', b'c'], 'S4'), mtype=h5py.h5t.py_create(np.dtype('S4')))
    compact = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    compact.set_layout(h5py.h5d.COMPACT)
    d = h5py.h5d.create(f.id, b'compact', h5py.h5t.NATIVE_FLOAT, h5py.h5s.create_simple((4,)), compact)
    d.write(h5py.h5s.ALL, h5py.h5s.ALL, np.arange(4, dtype='f4'))
    f.attrs['list'] = [1, 2, 3]
    f.attrs['names'] = [b'alpha', b'be']
    f.attrs['utf8'] = 'ü'
    f.attrs['none'] = h5py.Empty('f8')
    f.attrs['flag'] = True
    f.attrs['half'] = np.float16(0.1)


def chunks(f):
    x = values(13, 7).astype('f4')
    f.create_dataset('plain', data=x, chunks=(5, 3))
    f.create_dataset('gzip', data=x, chunks=(4, 7), compression='gzip')
    f.create_dataset('shuffled', data=x, chunks=(13, 2), compression='gzip', shuffle=True)
    f.create_dataset('checked', data=x, chunks=(6, 6), compression='gzip', shuffle=True, fletcher32=True)
    f.create_dataset('checksum', data=x.astype('i2')[:, :3], chunks=(5, 3), fletcher32=True)
    f.create_dataset('big', data=x.astype('>f8'), chunks=(5, 3), compression='gzip', shuffle=True)
    f.create_dataset('many', data=np.arange(300, dtype='i4'), chunks=(1,))
    grown = f.create_dataset('grown', (2, 2), 'i4', maxshape=(None, None), chunks=(3, 3), fillvalue=-1)
    grown[...] = 5
    grown.resize((7, 5))
    grown[6, 4] = 9
    f.create_dataset('texts', data=np.array(['a', 'bc', 'déf'], dtype=h5py.string_dtype()), chunks=(2,), compression='gzip')
    f.create_dataset('cube', data=values(3, 4, 5), chunks=(2, 3, 2), compression='gzip')


def many(f):
    g = f.create_group('layers')
    for i in range(60):
        g.create_group(f'layer_{i}').attrs['index'] = i
    deep = f
    for i in range(12):
        deep = deep.create_group(f'level{i}')
    deep['bottom'] = np.int8(3)
    # Attributes that are added later go to continuations of the header.
    for i in range(12):
        f.attrs[f'attribute_{i}'] = f'{i}' * 20
    f['again'] = f['layers/layer_7']


def dense(f):
    for i in reversed(range(20)):
        f[f'weight_{i}'] = np.full((2,), i, 'f4')
    for i in range(14):
        f.attrs[f'attribute_{i}'] = np.arange(i, dtype='i4')
    f.attrs['large'] = 'x' * 5000
    f.attrs['table'] = np.arange(700, dtype='i8')
    f.create_dataset('single', data=values(5, 4), chunks=(5, 4), compression='gzip')


def tracked(f):
    """Groups that keep the order of creation, as Keras 3 makes them."""
    for name in ['zeta', 'alpha', 'mid']:
        f.create_group(name, track_order=True)
    for i in reversed(range(11)):
        f['zeta'][f'{i}'] = np.float64(i)


def indexed(f):
    """Enough links and attributes for trees of several levels and tables of blocks."""
    g = f.create_group('links')
    for i in range(250):
        g[f'a_name_of_a_link_{i:04}'] = g['a_name_of_a_link_0000'] if i else np.int8(1)
    for i in range(90):
        f.attrs[f'number_{i:03}'] = np.arange(60, dtype='i1') + np.int8(i % 50)


def keras2(f):
    """The layout of model.save('model.h5') of Keras 2."""
    f.attrs['backend'] = 'tensorflow'
    f.attrs['keras_version'] = '2.11.0'
    f.attrs['model_config'] = json.dumps({'class_name': 'Sequential', 'config': {'name': 'sequential', 'layers': [{'class_name': 'Dense', 'config': {'name': 'dense', 'units': 3}}] * 40}}).encode()
    f.attrs['training_config'] = json.dumps({'loss': 'mse'}).encode()
    weights = f.create_group('model_weights')
    weights.attrs['backend'] = b'tensorflow'
    weights.attrs['layer_names'] = [b'dense', b'dropout']
    dense_group = weights.create_group('dense')
    dense_group.attrs['weight_names'] = [b'dense/kernel:0', b'dense/bias:0']
    dense_group.create_dataset('dense/kernel:0', data=values(4, 3).astype('f4'))
    dense_group.create_dataset('dense/bias:0', data=values(3).astype('f4'))
    weights.create_group('dropout').attrs['weight_names'] = []
    optimizer = f.create_group('optimizer_weights')
    optimizer.attrs['weight_names'] = [b'Adam/iter:0']
    optimizer.create_dataset('Adam/iter:0', data=np.int64(12))


def keras3(f):
    """The layout of model.weights.h5 in a file of Keras 3."""
    for path, shapes in {'layers/dense/vars': [(4, 3), (3,)], 'layers/dense_1/vars': [(3, 2), (2,)], 'optimizer/vars': [(), (), (4, 3)], 'vars': [], 'metrics/mean/vars': [()]}.items():
        group = f.create_group(path)
        for i, shape in enumerate(shapes):
            group.create_dataset(str(i), data=values(*shape).astype('f4') if shape else np.float32(i))
    f['layers/dense'].attrs['name'] = 'dense'


if __name__ == '__main__':
    folder.mkdir(exist_ok=True)
    make('types.h5', types)
    make('chunks.h5', chunks)
    make('many.h5', many)
    make('dense.h5', dense, libver='latest')
    make('v108.h5', dense, libver=('v108', 'v108'))
    make('tracked.h5', tracked, track_order=True)
    make('indexed.h5', indexed, libver='latest')
    make('userblock.h5', lambda f: f.create_dataset('x', data=np.arange(3, dtype='f4')), userblock_size=1024)
    make('keras2.h5', keras2)
    make('keras3.weights.h5', keras3)
    rows = ',\n'.join(f'{json.dumps(name)}: {json.dumps(value, separators=(",", ":"), ensure_ascii=False)}' for name, value in contents.items())
    (folder / 'contents.json').write_text('{\n' + rows + '\n}\n')
    print('contents.json', (folder / 'contents.json').stat().st_size)
