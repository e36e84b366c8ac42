// Functions that read values before they exist, and every function of the library that takes a user's function. Tables for the tests of
// TraceError.
import {
  type Layer,
  type Tensor,
  checkpoint,
  compile,
  customGradient,
  data,
  defineLayer,
  evaluate,
  grad,
  hessian,
  jacobian,
  jvp,
  layers,
  mean,
  metrics,
  mul,
  neg,
  ones,
  optimizers,
  profile,
  scalar,
  sequential,
  square,
  stack,
  tensor,
  valueAndGrad,
  vjp,
  vmap,
} from '../../src/index.ts';

/** A function of one tensor that should have used ops only. */
type Mistake = (x: Tensor) => Tensor;

const step = compile((x: Tensor) => mul(x, 2));
const network = sequential([layers.dense({ units: 1, inputShape: [1] })]);
const asTensor = (value: unknown): Tensor => value as Tensor;

/** Each function reads a value or is async. The first element is its name. */
export const mistakes: readonly (readonly [string, Mistake])[] = [
  ['compares item()', (x) => ((x.item() as unknown as number) > 0 ? x : neg(x))],
  [
    'data() without await',
    (x) => {
      void x.data();
      return x;
    },
  ],
  [
    'a chain after array()',
    (x) => {
      void x
        .array()
        .then((value) => value)
        .finally(() => undefined);
      return x;
    },
  ],
  [
    'Promise.all of reads',
    (x) => {
      void Promise.all([x.item(), x.data()]);
      return x;
    },
  ],
  [
    'an async function that awaits a read',
    (x) =>
      asTensor(
        (async () => {
          await x.item();
          return x;
        })(),
      ),
  ],
  [
    'an async function that is not awaited',
    (x) => {
      void (async () => {
        await x.data();
      })();
      return x;
    },
  ],
  [
    'a read whose error is caught',
    (x) => {
      void x.item().catch(() => 0);
      return x;
    },
  ],
  [
    'a coercion whose error is caught',
    (x) => {
      try {
        Number(x);
      } catch {
        return neg(x);
      }
      return x;
    },
  ],
  ['a coercion', (x) => ((x as unknown as number) > 0 ? x : neg(x))],
  [
    'a read, then an error of its own',
    (x) => {
      void x.item();
      throw new RangeError('after the read');
    },
  ],
  [
    'evaluate()',
    (x) => {
      void evaluate(x);
      return x;
    },
  ],
  [
    'another compiled function',
    (x) => {
      void step(x);
      return x;
    },
  ],
  [
    'predict()',
    (x) => {
      void network.predict(x).array();
      return x;
    },
  ],
  [
    'trainOnBatch()',
    (x) => {
      void network.trainOnBatch(x, x);
      return x;
    },
  ],
];

/** Async functions that do not read values. */
export const asyncMistakes: readonly (readonly [string, Mistake])[] = [
  ['an async function', (x) => asTensor(Promise.resolve(x))],
  ['an async function that fails', () => asTensor(Promise.reject(new RangeError('its own')))],
];

type Entry = (f: Mistake) => unknown;

const x = scalar(5);

/** Transforms. They are synchronous, so they throw. Each gets the mistake as a function of a scalar or a vector. */
export const transforms: readonly (readonly [string, (f: Mistake, x: Tensor) => unknown])[] = [
  ['grad', (f, x) => grad(f)(x)],
  ['valueAndGrad', (f, x) => valueAndGrad(f)(x)[0]],
  ['valueAndGrad with aux', (f, x) => valueAndGrad((x: Tensor) => [square(x), f(x)], { hasAux: true })(x)[1]],
  ['vjp', (f, x) => vjp(f, x)[0]],
  ['jvp', (f, x) => jvp(f, [x], [scalar(1)])[1]],
  ['vmap', (f, x) => vmap(f)(stack([x, x]))],
  ['jacobian', (f, x) => jacobian(f)(x)],
  ['hessian', (f, x) => hessian(f)(x)],
  ['checkpoint', (f, x) => checkpoint(f)(x)],
  ['checkpoint in grad', (f, x) => grad((x: Tensor) => checkpoint(f)(x))(x)],
  ['customGradient', (f, x) => customGradient((x: Tensor) => ({ value: f(x), gradient: (g: Tensor) => g }))(x)],
  ['customGradient: gradient', (f, x) => customGradient((x: Tensor) => ({ value: square(x), gradient: f }))(x)],
  ['grad in vmap', (f, x) => vmap(grad(f))(stack([x, x]))],
];

const inputs = tensor([[1], [2], [3], [4]]);

/** A layer with a custom apply(). */
function layerOf(f: Mistake): Layer {
  const dense = layers.dense({ units: 1, inputShape: [1] });
  return defineLayer({
    kind: 'dense',
    options: { inputShape: [1] },
    outputShape: () => [1],
    build: (shape, random) => dense.build(shape, random),
    apply: (variables, x, options) => f(dense.call(variables, x, options).outputs as Tensor),
  });
}

const modelOf = (f: Mistake): ReturnType<typeof sequential> => {
  const model = sequential([layerOf(f)]);
  model.compile({ loss: 'mse' });
  return model;
};

const trained = (options: Partial<Parameters<ReturnType<typeof sequential>['compile']>[0]>): Promise<unknown> => {
  const model = sequential([layers.dense({ units: 1, inputShape: [1] })]);
  model.compile({ loss: 'mse', ...options });
  return model.fit(inputs, inputs, { verbose: 0, batchSize: 2 });
};

const metricOf = (part: 'update' | 'result', f: Mistake): ReturnType<typeof metrics.meanSquaredError> => {
  const metric = metrics.meanSquaredError();
  const original = metric[part].bind(metric) as (...args: unknown[]) => unknown;
  return {
    ...metric,
    [part]: (...args: unknown[]) => {
      const made = original(...args);
      const [first] = part === 'update' ? [args[2] as Tensor] : [made as Tensor];
      const answer: unknown = f(first);
      return part === 'update' ? Object.assign({}, made, answer instanceof Promise ? { answer } : {}) : answer;
    },
  };
};

/** Functions whose call returns a promise. */
export const calls: readonly (readonly [string, Entry])[] = [
  ['compile', (f) => compile(f)(x)],
  ['compile, two levels down', (f) => compile((x: Tensor) => ({ a: [f(x)] }))(x)],
  ['plan', (f) => compile(f).plan(x)],
  ...transforms.map(([name, entry]) => [`compile of ${name}`, (f: Mistake) => compile((x: Tensor) => entry(f, x) as Tensor)(x)] as const),
  ['fit: loss', (f) => trained({ loss: (y, p) => f(mean(square(p.sub(y)))) })],
  ['fit: metric update', (f) => trained({ metrics: [metricOf('update', f)] })],
  ['fit: metric result', (f) => trained({ metrics: [metricOf('result', f)] })],
  ['fit: layer', (f) => modelOf(f).fit(inputs, inputs, { verbose: 0, batchSize: 2 })],
  ['fit: schedule', (f) => trained({ optimizer: optimizers.sgd({ learningRate: (step) => f(step.cast('f32')) }) })],
  ['evaluate: layer', (f) => modelOf(f).evaluate(inputs, inputs)],
  ['predict: layer', (f) => modelOf(f).predict(inputs)],
  ['predict: layer, its values', (f) => modelOf(f).predict(inputs).array()],
  ['trainOnBatch: layer', (f) => modelOf(f).trainOnBatch(inputs, inputs)],
  ['memoryPlan: layer', (f) => modelOf(f).memoryPlan(inputs, inputs)],
  ['two calls at once', (f) => { const own = compile(f); const first = own(x); first.catch(() => undefined); return own(ones([])); }], // prettier-ignore
];

/** Reads after the function has returned, by a promise that it did not await. The call has not run yet. */
export const lateMistakes: readonly (readonly [string, Mistake])[] = [
  [
    'after another await',
    (x) => {
      void (async () => {
        for (let i = 0; i < 20; i++) await Promise.resolve();
        await x.item();
      })();
      return mul(x, 1);
    },
  ],
  [
    'in then()',
    (x) => {
      void Promise.resolve().then(() => x.data());
      return mul(x, 1);
    },
  ],
  ['by evaluate() in then()', (x) => afterwards(x, () => evaluate(x))],
  ['by another compiled function in then()', (x) => afterwards(x, () => step(x))],
  ['by a compiled function that captures it, in then()', (x) => afterwards(x, () => compile((y: Tensor) => mul(y, x))(scalar(2)))],
  ['of a tensor that then() makes', (x) => afterwards(x, () => x.mul(2).item())],
  ['of a tensor that a transform makes in then()', (x) => afterwards(x, () => (grad(square)(x) as Tensor).item())],
  ['by predict() in then()', (x) => afterwards(x, () => network.predict(x.reshape([1, 1])))],
  ['by trainOnBatch() in then()', (x) => afterwards(x, () => network.trainOnBatch(x.reshape([1, 1]), [[1]]))],
];

/** Leaves a read for a later microtask. */
function afterwards(x: Tensor, read: () => Promise<unknown>): Tensor {
  void Promise.resolve().then(read);
  return mul(x, 1);
}

/** A call whose function sets a timer that reads its argument. It ends after the timer. */
const inTimer = (name: string, read: (x: Tensor) => Promise<unknown>) => async (): Promise<void> => {
  const timed = (x: Tensor): Tensor => {
    setTimeout(() => void read(x), 20);
    return mul(x, 1);
  };
  await compile(timed, { name })(scalar(5));
  await new Promise((resolve) => setTimeout(resolve, 40));
};

/** Reads after the call has ended. They warn. Each row has words of its warning. */
export const strayReads: readonly (readonly [string, () => unknown, RegExp])[] = [
  [
    'in then() under vmap',
    () => vmap((x: Tensor) => afterwards(x, () => x.item()))(tensor([1])),
    /argument 0 of a function under vmap: item\(\) of Tensor\(f32\[\]\) was called after the function had returned/,
  ],
  ['by a timer', inTimer('timed', (x) => x.item()), /timed: item\(\) of Tensor\(f32\[\]\) was called after the function had returned/],
  [
    'by a timer, of a tensor made then',
    inTimer('madeLate', async (x) => {
      await x.mul(2).array();
      fail();
    }),
    /madeLate: array\(\) of Tensor\(f32\[\]\) was called after the function had returned/,
  ],
  [
    'by evaluate() in a timer',
    inTimer('evaluated', (x) => evaluate([scalar(1), x])),
    /evaluated: evaluate\(\) was called after the function had returned/,
  ],
  [
    'by a compiled function that captures it, in a timer',
    inTimer('captured', (x) => compile((y: Tensor) => mul(y, x))(scalar(2))),
    /captured: the compiled function compiled\(\), which captures a tensor, was called after the function had returned/,
  ],
];

const plain = (): ReturnType<typeof sequential> => {
  const model = sequential([layers.dense({ units: 1, inputShape: [1] })]);
  model.compile({ loss: 'mse' });
  return model;
};

const fitWith = (callbacks: object): Promise<unknown> => plain().fit(inputs, inputs, { verbose: 0, batchSize: 1, epochs: 3, callbacks });

const fail = (): never => {
  throw new RangeError('its own');
};

/** A dataset whose third sample fails. */
const failing = (): ReturnType<typeof data.fromGenerator> =>
  data.fromGenerator(function* () {
    yield { x: [1], y: [1] };
    yield { x: [2], y: [2] };
    fail();
  });

const disposed = (): Tensor => {
  const x = tensor([[1], [2]]);
  x.dispose();
  return x;
};

/** Mistakes outside of traced functions. Each call rejects with the error named, and no other promise rejects. */
export const failures: readonly (readonly [string, () => Promise<unknown>, RegExp])[] = [
  ['an async callback that fails', () => fitWith({ onBatchEnd: () => Promise.reject(new RangeError('its own')) }), /its own/],
  ['a callback that throws', () => fitWith({ onEpochEnd: fail }), /its own/],
  ['a callback that reads a tensor disposed of', () => fitWith({ onBatchEnd: () => disposed().data().then(fail) }), /was disposed of/],
  ['a generator that fails', () => plain().fit(failing().batch(1), undefined, { verbose: 0 }), /its own/],
  ['a generator that fails ahead', () => plain().fit(failing().batch(1).prefetch(4), undefined, { verbose: 0 }), /its own/],
  ['a map function that fails', () => plain().evaluate(failing().map(() => Promise.reject(new RangeError('its own'))).batch(1)), /its own/], // prettier-ignore
  ['training stopped early by an error while drawing ahead', () => plain().fit(failing().batch(1).prefetch(4), undefined, { verbose: 0, callbacks: { onBatchEnd: fail } }), /its own/], // prettier-ignore
  ['inputs disposed of', () => plain().predict(disposed()), /was disposed of/],
  ['predictions of inputs disposed of', () => plain().predict(disposed()).array(), /was disposed of/],
  ['weights disposed of', () => { const w = tensor([[1]]); w.dispose(); return plain().setWeights([w, tensor([0])]); }, /was disposed of/], // prettier-ignore
  ['an argument disposed of', () => step(disposed()), /was disposed of/],
  ['an argument disposed of beside a pending one', () => evaluate([square(x), disposed()]), /was disposed of/],
  ['a captured tensor disposed of', () => { const w = tensor([1]); const own = compile((v: Tensor) => mul(v, w)); w.dispose(); return own(x); }, /was disposed of/], // prettier-ignore
  ['a second fit', () => { const model = plain(); const first = model.fit(inputs, inputs, { verbose: 0 }); return Promise.all([model.fit(inputs, inputs), first]); }, /is being trained already/], // prettier-ignore
  ['a profile of a function that fails', () => profile(() => Promise.reject(new RangeError('its own'))), /its own/],
];
