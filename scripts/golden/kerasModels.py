"""Models that Keras 3 writes, with inputs and outputs, for test/unit/keras*.test.ts. Needs keras, jax and h5py: python3
scripts/golden/kerasModels.py. With a folder as its argument, it loads the files that the library wrote there and compares their outputs."""
import base64
import gzip
import json
import math
import os
import pathlib
import re
import sys
import zipfile

os.environ.setdefault('KERAS_BACKEND', 'jax')

import h5py
import keras
import numpy as np
from keras import Input, Model, Sequential, layers as L

GOLDEN, PLASTIC = 0.6180339887498949, 0.7548776662466927
folder = pathlib.Path(__file__).parent.parent.parent / 'test' / 'golden' / 'keras'
cases = {}


def values(k, shape, low=-1.0, high=1.0):
    """Value i is low + (high - low) * frac((i + 1) * golden + k * plastic), as in goldenRows.py."""
    n = int(np.prod(shape))
    return (low + (high - low) * np.mod((np.arange(n) + 1) * GOLDEN + k * PLASTIC, 1.0)).reshape(shape)


def fill(model):
    """Weights with different values everywhere. Variances and counts are positive."""
    for k, w in enumerate(model.weights):
        if 'seed' in w.path or w.path.split('/')[-1] in ('mean', 'variance', 'count'):
            continue
        low, high = (0.5, 1.5) if re.search('var|gamma', w.path.split('/')[-1]) else (-0.6, 0.6)
        value = values(k, w.shape, low, high)
        w.assign(np.floor(value * 10) if 'int' in str(w.dtype) else value.astype('float32'))


def case(name, model, *inputs, h5=False):
    """Writes a model as .keras, or as .h5 of Keras 2, and keeps its outputs for a batch."""
    fill(model)
    given = [values(50 + i, x, -2, 2).astype('float32') if isinstance(x, tuple) else np.asarray(x) for i, x in enumerate(inputs)]
    outputs = model.predict(given if len(given) > 1 else given[0], verbose=0)
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    file = folder / f'{name}{".h5" if h5 else ".keras"}'
    model.save(file)
    if not h5:
        compress(file)
    else:
        file = pack(file)
    listed = lambda x: {'shape': list(x.shape), 'values': [float(f'{v:.7g}') for v in np.asarray(x, 'float64').ravel()]}
    cases[name] = {
        'file': file.name,
        'inputs': [{**listed(x), 'whole': x.dtype.kind == 'i'} for x in given],
        'outputs': [listed(np.asarray(y)) for y in outputs],
    }


def pack(file):
    """Compresses a .h5 file, most of which is empty."""
    packed = file.with_suffix('.h5.gz')
    packed.write_bytes(gzip.compress(file.read_bytes(), mtime=0))
    file.unlink()
    return packed


def keras2(name):
    """A .h5 file of Keras 2, in its published layout, with a model of test/golden/tensorflowJs.json, whose config has the form of Keras 2."""
    row = json.loads((folder.parent / 'tensorflowJs.json').read_text())[name]
    topology = row['model']['modelTopology']
    data = np.frombuffer(base64.b64decode(row['weights']), '<f4')
    weights, begin = {}, 0
    for spec in row['model']['weightsManifest'][0]['weights']:
        count = int(np.prod(spec['shape']))
        weights[spec['name']] = data[begin:begin + count].reshape(spec['shape'])
        begin += count

    def names_in(layer):
        config = layer['config']
        inner = config.get('layers', []) if isinstance(config, dict) else []
        return [n for part in inner for n in names_in(part)] if inner else [n for n in weights if n.startswith(layer['config']['name'] + '/')]
    file = folder / f'{name}Keras2.h5'
    with h5py.File(file, 'w') as h5:
        h5.attrs['keras_version'] = b'2.4.0'
        h5.attrs['backend'] = b'tensorflow'
        h5.attrs['model_config'] = json.dumps({'class_name': topology['class_name'], 'config': topology['config']}).encode('utf8')
        group = h5.create_group('model_weights')
        layers = topology['config']['layers']
        group.attrs['layer_names'] = [layer['config']['name'].encode('utf8') for layer in layers]
        for layer in layers:
            own = group.create_group(layer['config']['name'])
            names = names_in(layer)
            own.attrs['weight_names'] = [f'{n}:0'.encode('utf8') for n in names]
            for n in names:
                own[f'{n}:0'] = weights[n]
    packed = pack(file)
    cases[f'{name}Keras2'] = {'file': packed.name, 'inputs': row['inputs'], 'outputs': row['outputs']}


def compress(file):
    """Packs the file again with deflate and fixed dates, so that the goldens are small and repeat."""
    with zipfile.ZipFile(file) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    with zipfile.ZipFile(file, 'w', zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in members:
            if name == 'metadata.json':
                data = re.sub(rb'"date_saved": "[^"]*"', b'"date_saved": "2026-01-01@00:00:00"', data)
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)


def chain(*parts):
    return Sequential([Input(parts[0]), *parts[1:]])


def functional(shapes, build, **options):
    inputs = [Input(s, name=f'in_{i}', **options) for i, s in enumerate(shapes)]
    outputs = build(*inputs)
    return Model(inputs if len(inputs) > 1 else inputs[0], outputs)


def build_cases():
    l2 = keras.regularizers.L2(0.01)
    case('dense', chain((5,), L.Dense(4, activation='relu', kernel_regularizer=l2, kernel_constraint=keras.constraints.MaxNorm(3), bias_initializer='ones'),
                        L.Dropout(0.3), L.Dense(3, activation='softmax', use_bias=False, kernel_initializer=keras.initializers.VarianceScaling(2.0, 'fan_out', 'uniform', seed=3))), (3, 5))
    case('activations', chain((6,), L.Dense(6, activation='gelu'), L.LeakyReLU(0.1), L.ELU(0.5), L.PReLU(), L.ReLU(max_value=2.0, negative_slope=0.1, threshold=0.05),
                              L.Activation('hard_sigmoid'), L.Dense(4, activation='hard_silu'), L.Activation('swish'), L.Dense(3, activation='leaky_relu'), L.Activation('exponential'), L.Softmax()), (2, 6))
    case('einsum', chain((3, 4), L.EinsumDense('abc,cd->abd', output_shape=(None, 5), bias_axes='d', activation='tanh'), L.Reshape((5, 3)), L.Permute((2, 1)), L.Flatten(), L.RepeatVector(2), L.Dense(2)), (2, 3, 4))
    case('conv1d', chain((10, 3), L.Conv1D(4, 3, padding='causal', dilation_rate=2, activation='relu'), L.MaxPooling1D(2), L.DepthwiseConv1D(3, depth_multiplier=2), L.SeparableConv1D(5, 2, padding='same'),
                         L.Conv1DTranspose(3, 3, strides=2, padding='same'), L.AveragePooling1D(2, padding='same'), L.UpSampling1D(2), L.ZeroPadding1D((1, 2)), L.Cropping1D((1, 0)), L.GlobalMaxPooling1D()), (2, 10, 3))
    case('conv2d', chain((9, 8, 4), L.Conv2D(6, (3, 2), strides=(2, 1), groups=2, padding='same', use_bias=False), L.BatchNormalization(), L.ReLU(6.0), L.DepthwiseConv2D(3, padding='same', depth_multiplier=2),
                         L.MaxPooling2D((2, 1), padding='same'), L.SeparableConv2D(5, 3, depth_multiplier=2), L.Conv2DTranspose(3, 3, strides=2, padding='same', output_padding=1), L.ZeroPadding2D(((1, 0), (0, 2))),
                         L.UpSampling2D((1, 2), interpolation='bilinear'), L.Cropping2D(((0, 1), (1, 1))), L.AveragePooling2D(2), L.GlobalAveragePooling2D(keepdims=True), L.Flatten(), L.Dense(2)), (2, 9, 8, 4))
    case('conv3d', chain((4, 5, 4, 2), L.Conv3D(3, 2, activation='elu'), L.MaxPooling3D(2, padding='same'), L.Conv3DTranspose(2, 2, strides=2), L.ZeroPadding3D(1), L.Cropping3D(((1, 0), (0, 1), (1, 1))),
                         L.UpSampling3D(2), L.AveragePooling3D(2), L.GlobalAveragePooling3D()), (1, 4, 5, 4, 2))
    case('norms', chain((4, 6), L.LayerNormalization(axis=[-1], epsilon=1e-4), L.GroupNormalization(3), L.UnitNormalization(), L.RMSNormalization(), L.BatchNormalization(axis=1, scale=False, momentum=0.9),
                        L.Dense(3), L.LayerNormalization(center=False), L.GroupNormalization(-1)), (2, 4, 6))
    case('recurrent', functional([(5, 3)], lambda x: L.GRU(3)(L.SimpleRNN(4, return_sequences=True, go_backwards=True)(L.LSTM(4, return_sequences=True, dropout=0.1)(x)))), (2, 5, 3))
    case('gru', chain((4, 2), L.GRU(3, reset_after=False, return_sequences=True, recurrent_activation='hard_sigmoid'), L.GRU(2, use_bias=False)), (2, 4, 2))
    case('bidirectional', chain((5, 3), L.Bidirectional(L.LSTM(3, return_sequences=True)), L.Bidirectional(L.GRU(2), merge_mode='sum'), L.Dense(2)), (2, 5, 3))
    case('cells', chain((4, 3), L.RNN(L.LSTMCell(3), return_sequences=True), L.RNN(L.StackedRNNCells([L.GRUCell(3), L.SimpleRNNCell(2)]), return_sequences=True), L.TimeDistributed(L.Dense(2, activation='tanh'))), (2, 4, 3))

    def states(x):
        y, h, c = L.LSTM(3, return_sequences=True, return_state=True, name='encoder')(x)
        z = L.LSTM(3, name='decoder')(y, initial_state=[h, c])
        return [z, h]
    case('states', functional([(4, 2)], states), (2, 4, 2))
    case('embedding', functional([(4,)], lambda x: L.LSTM(3)(L.Embedding(7, 3, mask_zero=True)(x)), dtype='int32'), [[1, 2, 0, 0], [3, 6, 5, 0]])
    case('masking', chain((4, 2), L.Masking(0.0), L.SimpleRNN(3)), np.array([[[1, 2], [0.5, -1], [0, 0], [0, 0]], [[1, 1], [2, 0], [3, 1], [1, 0]]], 'float32'))

    def attend(q, v):
        a = L.Attention(use_scale=True)([q, v])
        b = L.AdditiveAttention()([q, v])
        c = L.MultiHeadAttention(2, 3, output_shape=5, name='heads')(q, v)
        d = L.MultiHeadAttention(2, 2)(c, c, use_causal_mask=True)
        e = L.GroupQueryAttention(3, 4, 2)(q, v)
        return L.Concatenate()([a, b, c, d, e])
    case('attention', functional([(3, 4), (5, 4)], attend), (2, 3, 4), (2, 5, 4))

    def merge(a, b):
        u, v = L.Dense(3)(a), L.Dense(3)(b)
        parts = [L.Add()([u, v]), L.Subtract()([u, v]), L.Multiply()([u, v]), L.Average()([u, v]), L.Maximum()([u, v]), L.Minimum()([u, v])]
        return [L.Concatenate(axis=1)(parts), L.Dot(1, normalize=True)([u, v])]
    case('merges', functional([(4,), (2,)], merge), (2, 4), (2, 2))

    def shared(a, b):
        tower = Sequential([Input((3,)), L.Dense(4, activation='tanh'), L.BatchNormalization()], name='tower')
        head = Model(i := Input((4,)), [L.Dense(2, name='left')(i), L.Dense(2, name='right')(i)], name='head')
        p, q = tower(a), tower(b)
        l, r = head(L.Add()([p, q]))
        return [l, L.Add()([r, L.Dense(2, name='after')(q)])]
    case('nested', functional([(3,), (3,)], shared), (2, 3), (2, 3))
    case('noise', chain((4, 4, 3), L.SpatialDropout2D(0.2), L.GaussianNoise(0.1), L.GaussianDropout(0.1), L.AlphaDropout(0.1), L.ActivityRegularization(0.1, 0.2), L.Identity(), L.RandomFlip(), L.Rescaling(2.0, 0.5), L.Resizing(3, 5), L.CenterCrop(2, 2), L.Flatten()), (2, 4, 4, 3))
    scale = L.Normalization()
    scale.adapt(values(9, (20, 3)).astype('float32'))
    case('preprocessing', functional([(3,)], lambda x: L.Dense(2)(scale(x))), (4, 3))
    case('categories', functional([(3,)], lambda x: L.Dense(2)(L.CategoryEncoding(5, output_mode='multi_hot')(x)), dtype='int32'), [[1, 2, 4], [0, 0, 3]])
    case('distributed', chain((3, 6, 6, 2), L.TimeDistributed(Sequential([Input((6, 6, 2)), L.Conv2D(2, 3), L.BatchNormalization(), L.Flatten()])), L.LSTM(2)), (1, 3, 6, 6, 2))
    case('legacySequential', chain((6, 3), L.Conv1D(4, 2), L.BatchNormalization(), L.Bidirectional(L.LSTM(3)), L.Dense(2)), (2, 6, 3), h5=True)
    case('legacyNested', functional([(3,), (3,)], shared), (2, 3), (2, 3), h5=True)
    keras2('nested')
    keras2('bidirectional')
    keras2('conv2d')
    case('legacyAttention', functional([(3, 4)], lambda x: L.GRU(2)(L.LayerNormalization()(L.MultiHeadAttention(2, 2)(x, x)))), (2, 3, 4), h5=True)


def verify(folder):
    """Loads the .keras files that the library wrote, and compares their outputs with those beside them."""
    worst, count = 0.0, 0
    for file in sorted(pathlib.Path(folder).glob('*.keras')):
        row = json.loads(file.with_suffix('.json').read_text())
        numbers = lambda x: np.array(x['values'], 'int32' if x.get('whole') else 'float32').reshape(x['shape'])
        given = [numbers(x) for x in row['inputs']]
        count += 1
        try:
            model = keras.saving.load_model(file)
            outputs = model.predict(given if len(given) > 1 else given[0], verbose=0)
            outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
            difference = max(float(np.max(np.abs(np.asarray(y) - numbers(x)))) for x, y in zip(row['outputs'], outputs))
        except Exception as error:
            difference = math.inf
            print(f'{file.name}: {str(error)[-400:]}')
        worst = max(worst, difference)
        print(f'{file.name}: {difference:.2e}')
    print(f'{count} models, worst difference {worst:.2e}, Keras {keras.__version__}')


if __name__ == '__main__' and len(sys.argv) > 1:
    verify(sys.argv[1])
elif __name__ == '__main__':
    folder.mkdir(exist_ok=True)
    for file in folder.iterdir():
        file.unlink()
    build_cases()
    text = ',\n'.join(f'  {json.dumps(name)}: {json.dumps(row, separators=(",", ":"))}' for name, row in cases.items())
    (folder / 'cases.json').write_text('{\n' + text + '\n}\n')
    print(f'{len(cases)} cases, {sum(f.stat().st_size for f in folder.iterdir())} bytes, Keras {keras.__version__}')
