"""Files of NumPy for test/unit/npy.test.ts. Needs numpy: python3 scripts/golden/numpyFiles.py. With a folder as its argument, it reads the files
that the library wrote there, compares their arrays, and compares the bytes of .npy files with NumPy's own."""
import base64
import io
import json
import pathlib
import sys

import numpy as np
from numpy.lib import format as npy

GOLDEN = 0.6180339887498949
path = pathlib.Path(__file__).parent.parent.parent / 'test' / 'golden' / 'numpyFiles.json'


def values(code, *shape):
    n = int(np.prod(shape))
    x = (np.mod((np.arange(n) + 1) * GOLDEN, 1.0) * 200 - (0 if code[0] in 'ub' else 100)).reshape(shape)
    return (x > 100 if code == 'b1' else np.floor(x) if code[0] in 'iu' else x).astype(code)


arrays = {code: values(code, 3, 2) for code in ['b1', 'u1', 'u2', 'u4', 'u8', 'i1', 'i2', 'i4', 'i8', 'f2', 'f4', 'f8']}
arrays |= {'scalar': np.float32(1.5)[()], 'empty': np.zeros((0, 4), 'f4'), 'vector': values('f4', 5), 'cube': values('i2', 2, 3, 4), 'long': values('u1', 1234, 1)}


def saved(write):
    buffer = io.BytesIO()
    write(buffer)
    return base64.b64encode(buffer.getvalue()).decode()


def plain(x):
    x = np.asarray(x)
    kind = {'b': 'BOOL', 'f': f'F{8 * x.itemsize}', 'i': f'I{8 * x.itemsize}', 'u': f'U{8 * x.itemsize}'}[x.dtype.kind]
    data = x.ravel().tolist()
    return {'dtype': kind, 'shape': list(x.shape), 'data': [str(v) for v in data] if kind[1:] == '64' and kind != 'F64' else [int(v) if kind == 'BOOL' else v for v in data]}


def write():
    rows = {}
    for name, x in arrays.items():
        rows[name] = {'file': saved(lambda b: np.save(b, x)), 'same': True, **plain(x)}
    for code in ['u2', 'i4', 'i8', 'f2', 'f4', 'f8']:
        x = values(code, 3, 2)
        rows[f'big {code}'] = {'file': saved(lambda b: np.save(b, x.astype('>' + code))), **plain(x)}
        rows[f'fortran {code}'] = {'file': saved(lambda b: np.save(b, np.asfortranarray(x))), **plain(x)}
    rows['fortran cube'] = {'file': saved(lambda b: np.save(b, np.asfortranarray(arrays['cube']))), **plain(arrays['cube'])}
    for version in [(2, 0), (3, 0)]:
        rows[f'version {version[0]}'] = {'file': saved(lambda b: npy.write_array(b, arrays['f4'], version)), **plain(arrays['f4'])}
    some = {name: arrays[name] for name in ['f4', 'i8', 'b1', 'scalar', 'cube']}
    archives = {'stored': saved(lambda b: np.savez(b, **some)), 'deflated': saved(lambda b: np.savez_compressed(b, **some))}
    lines = ',\n'.join(f'{json.dumps(name)}: {json.dumps(row, separators=(",", ":"))}' for name, row in rows.items())
    path.write_text('{"rows": {\n' + lines + '\n}, "archives": ' + json.dumps(archives) + ', "names": ' + json.dumps(list(some)) + '}\n')
    print(len(rows), 'rows', path.stat().st_size, 'bytes')


def compare(folder):
    count = 0
    for name, x in arrays.items():
        written = (folder / f'{name}.npy').read_bytes()
        buffer = io.BytesIO()
        np.save(buffer, x)
        assert written == buffer.getvalue(), name
        count += 1
    for name in ['stored', 'deflated']:
        with np.load(folder / f'{name}.npz') as archive:
            assert sorted(archive.files) == sorted(arrays), archive.files
            for key, x in arrays.items():
                assert archive[key].dtype == np.asarray(x).dtype and np.array_equal(archive[key], x), key
                count += 1
    print(count, 'arrays agree')


if __name__ == '__main__':
    compare(pathlib.Path(sys.argv[1])) if len(sys.argv) > 1 else write()
