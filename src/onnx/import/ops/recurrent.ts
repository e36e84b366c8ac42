// RNN, LSTM and GRU. The usual forms are one recurrence; clipped ones, other functions and peepholes are computed step by step.
import type { Tensor } from '../../../graph/tensor.ts';
import {
  add,
  arange,
  broadcastTo,
  clip,
  concat,
  cast,
  elu,
  expandDims,
  flip,
  leakyRelu,
  less,
  matmul,
  mul,
  recurrence,
  relu,
  reshape,
  sigmoid,
  slice,
  softplus,
  softsign,
  split,
  squeeze,
  stack,
  sub,
  takeAlongAxis,
  tanh,
  transpose,
  where,
  zeros,
  type CellName,
  type GateFunctionName,
} from '../../../ops/index.ts';
import type { Call, RuleTable } from '../call.ts';

/** Number of gates, and the functions that a direction has by default. */
const cells = {
  RNN: { gates: 1, functions: ['Tanh'] },
  GRU: { gates: 3, functions: ['Sigmoid', 'Tanh'] },
  LSTM: { gates: 4, functions: ['Sigmoid', 'Tanh', 'Tanh'] },
} as const;

const maxSteps = 2 ** 16;

type CellKind = keyof typeof cells;

interface GateFunction {
  readonly name: string;
  readonly apply: (x: Tensor) => Tensor;
}

/** A function by its name, with its parameters. */
function gateFunction(call: Call, name: string, alpha: number | undefined, beta: number | undefined): GateFunction {
  const made: Readonly<Record<string, (x: Tensor) => Tensor>> = {
    relu,
    tanh,
    sigmoid,
    softsign,
    softplus,
    affine: (x) => add(mul(x, alpha ?? 1), beta ?? 0),
    elu: (x) => elu(x, { alpha: alpha ?? 1 }),
    hardsigmoid: (x) => clip(add(mul(x, alpha ?? 0.2), beta ?? 0.5), 0, 1),
    leakyrelu: (x) => leakyRelu(x, { negativeSlope: alpha ?? 0.01 }),
    scaledtanh: (x) => mul(tanh(mul(x, beta ?? 1)), alpha ?? 1),
    thresholdedrelu: (x) => where(less(alpha ?? 1, x), x, 0),
  };
  const key = name.toLowerCase();
  return Object.hasOwn(made, key) ? { name: key, apply: made[key] } : call.fail(`activations has '${name}', which is not known`);
}

/** Functions that the recurrence op has under its own names. */
const ownNames: Readonly<Record<string, GateFunctionName>> = { tanh: 'tanh', sigmoid: 'sigmoid', relu: 'relu' };

interface Direction {
  /** [time, batch, input] in the order of the steps. */
  readonly x: Tensor;
  /** [gates · units, input], [gates · units, units]. */
  readonly w: Tensor;
  readonly r: Tensor;
  /** Biases of w and r, each [gates · units]. */
  readonly biases: readonly [Tensor, Tensor] | undefined;
  readonly h: Tensor | undefined;
  readonly c: Tensor | undefined;
  readonly peepholes: Tensor | undefined;
  readonly functions: readonly GateFunction[];
  /** bool [batch, time]: steps that count. */
  readonly mask: Tensor | undefined;
}

interface States {
  /** [time, batch, units] */
  readonly all: Tensor;
  readonly h: Tensor;
  readonly c: Tensor | undefined;
}

/** Order of the gates in the recurrence op: ONNX has i o f c, z r h. */
const orders: Readonly<Record<CellKind, readonly number[]>> = { RNN: [0], GRU: [0, 1, 2], LSTM: [0, 2, 3, 1] };
const cellNames: Readonly<Record<CellKind, CellName>> = { RNN: 'simple', GRU: 'gru', LSTM: 'lstm' };

const reordered = (t: Tensor, kind: CellKind): Tensor => {
  const parts = split(t, cells[kind].gates, 0);
  return concat(orders[kind].map((i) => parts[i]));
};

function wholeRecurrence(kind: CellKind, d: Direction): States {
  const [time, batch] = d.x.shape;
  const units = d.r.shape[1];
  const isGru = kind === 'GRU';
  const [ofInput, ofState] = d.biases?.map((bias) => reordered(bias, kind)) ?? [];
  // The candidate's recurrent bias of a GRU is inside of the reset gate.
  const inner = ofState && isGru ? slice(ofState, [2 * units]) : undefined;
  const outer = ofState && isGru ? concat([slice(ofState, [0], [2 * units]), zeros([units])]) : ofState;
  const product = matmul(transpose(d.x, [1, 0, 2]), reordered(d.w, kind), { transposeB: true });
  const inputs = ofInput ? add(product, add(ofInput, outer)) : product;
  const start = [d.h ?? zeros([batch, units]), ...(kind === 'LSTM' ? [d.c ?? zeros([batch, units])] : [])];
  const last = d.functions[d.functions.length - 1].name;
  const states = recurrence(inputs, transpose(reordered(d.r, kind)), {
    cell: cellNames[kind],
    initialState: stack(start, 1),
    activation: ownNames[last],
    ...(kind !== 'RNN' && { recurrentActivation: ownNames[d.functions[0].name] }),
    ...(d.mask && { mask: d.mask }),
    ...(inner && { recurrentBias: inner }),
  });
  const at = (step: number, state: number): Tensor =>
    reshape(slice(states, [0, step, state], [batch, step + 1, state + 1]), [batch, units]);
  const all = transpose(reshape(slice(states, [0, 1, 0], [batch, time + 1, 1]), [batch, time, units]), [1, 0, 2]);
  return { all, h: at(time, 0), c: kind === 'LSTM' ? at(time, 1) : undefined };
}

interface StepOptions {
  readonly clip: number | undefined;
  readonly linearBeforeReset: boolean;
  readonly coupled: boolean;
}

function stepwise(kind: CellKind, d: Direction, options: StepOptions): States {
  const [time, batch] = d.x.shape;
  const units = d.r.shape[1];
  const { gates } = cells[kind];
  const limit = (t: Tensor): Tensor => (options.clip === undefined ? t : clip(t, -options.clip, options.clip));
  const [f, g, k] = d.functions.map(
    ({ apply }) =>
      (t: Tensor) =>
        apply(limit(t)),
  );
  const product = matmul(d.x, d.w, { transposeB: true });
  const inputs = d.biases ? add(product, d.biases[0]) : product;
  const parts = (t: Tensor): Tensor[] => split(t, gates, -1);
  const ofState = d.biases && parts(d.biases[1]);
  const [pi, po, pf] = d.peepholes ? split(d.peepholes, 3, 0) : [];
  const peep = (p: Tensor | undefined, c: Tensor): Tensor | number => (p ? mul(p, c) : 0);
  let h = d.h ?? zeros([batch, units]);
  let c = d.c ?? zeros([batch, units]);
  const all: Tensor[] = [];
  for (let t = 0; t < time; t++) {
    const x = parts(squeeze(slice(inputs, [t], [t + 1]), 0));
    const y = parts(matmul(h, d.r, { transposeB: true })).map((part, i) => (ofState ? add(part, ofState[i]) : part));
    let nextH: Tensor;
    let nextC = c;
    if (kind === 'RNN') nextH = f(add(x[0], y[0]));
    else if (kind === 'GRU') {
      const [z, r] = [f(add(x[0], y[0])), f(add(x[1], y[1]))];
      const candidate = options.linearBeforeReset
        ? mul(r, y[2])
        : add(matmul(mul(r, h), split(d.r, 3, 0)[2], { transposeB: true }), ofState ? ofState[2] : 0);
      nextH = add(mul(sub(1, z), g(add(x[2], candidate))), mul(z, h));
    } else {
      const i = f(add(add(x[0], y[0]), peep(pi, c)));
      const forget = options.coupled ? sub(1, i) : f(add(add(x[2], y[2]), peep(pf, c)));
      nextC = add(mul(forget, c), mul(i, g(add(x[3], y[3]))));
      nextH = mul(f(add(add(x[1], y[1]), peep(po, nextC))), k(nextC));
    }
    const counts = d.mask && slice(d.mask, [0, t], [batch, t + 1]);
    [h, c] = counts ? [where(counts, nextH, h), where(counts, nextC, c)] : [nextH, nextC];
    all.push(h);
  }
  return { all: stack(all), h, c: kind === 'LSTM' ? c : undefined };
}

/** Reverses the steps that count of [time, batch, ..]. */
function reversed(x: Tensor, lengths: Tensor | undefined): Tensor {
  if (!lengths) return flip(x, 0);
  const [time, batch, units] = x.shape;
  const steps = reshape(arange(time), [time, 1]);
  const count = reshape(lengths, [1, batch]);
  const places = where(less(steps, count), sub(sub(count, steps), 1), steps);
  return takeAlongAxis(x, broadcastTo(expandDims(places, -1), [time, batch, units]), { axis: 0 });
}

function recurrent(kind: CellKind): (call: Call) => Tensor[] {
  return (call) => {
    call.checkRank(0, 3);
    call.checkRank(1, 3);
    call.checkRank(2, 3);
    const standard = cells[kind].functions;
    const isBatchFirst = call.flag('layout');
    const given = call.tensor(0);
    const x = isBatchFirst ? transpose(given, [1, 0, 2]) : given;
    const [time, batch] = x.shape;
    if (time > maxSteps) call.fail(`X has ${time} steps; at most ${maxSteps} are computed`);
    const [directions] = call.shape(2);
    const direction = call.text('direction', 'forward');
    if (directions !== (direction === 'bidirectional' ? 2 : 1)) call.fail(`R has ${directions} directions; direction is '${direction}'`);
    const lengths = call.has(4) ? cast(call.tensor(4), 'i32') : undefined;
    const mask = lengths && less(reshape(arange(time), [1, time]), reshape(lengths, [batch, 1]));
    const names = call.texts('activations') ?? Array.from({ length: directions }, () => standard).flat();
    if (names.length !== directions * standard.length)
      call.fail(`activations has ${names.length} names; it needs ${directions * standard.length}`);
    const [alphas, betas] = [call.floats('activation_alpha') ?? [], call.floats('activation_beta') ?? []];
    const functions = names.map((name, i) => gateFunction(call, name, alphas[i], betas[i]));
    const part = (i: number, at: number): Tensor => squeeze(slice(call.tensor(i), [at], [at + 1]), 0);
    const state = (i: number, at: number): Tensor | undefined => {
      const t = call.optional(i);
      if (!t) return undefined;
      return squeeze(isBatchFirst ? slice(t, [0, at], [batch, at + 1]) : slice(t, [at], [at + 1]), isBatchFirst ? 1 : 0);
    };
    const options = {
      clip: call.float('clip'),
      linearBeforeReset: call.flag('linear_before_reset'),
      coupled: call.flag('input_forget'),
    };
    const results = Array.from({ length: directions }, (_, at): States => {
      const isReverse = direction === 'reverse' || at === 1;
      const bias = call.has(3) ? split(part(3, at), 2, 0) : undefined;
      const own: Direction = {
        x: isReverse ? reversed(x, lengths) : x,
        w: part(1, at),
        r: part(2, at),
        biases: bias && [bias[0], bias[1]],
        h: state(5, at),
        c: kind === 'LSTM' ? state(6, at) : undefined,
        peepholes: kind === 'LSTM' && call.has(7) ? part(7, at) : undefined,
        functions: functions.slice(at * standard.length, (at + 1) * standard.length),
        mask,
      };
      const isUsual =
        time > 0 &&
        own.functions.every(({ name }) => Object.hasOwn(ownNames, name)) &&
        (kind !== 'LSTM' || own.functions[1].name === own.functions[2].name) &&
        options.clip === undefined &&
        !own.peepholes &&
        !options.coupled &&
        (kind !== 'GRU' || options.linearBeforeReset);
      const states = isUsual ? wholeRecurrence(kind, own) : stepwise(kind, own, options);
      // Steps that do not count give zeros.
      const counted = mask ? where(expandDims(transpose(mask), -1), states.all, 0) : states.all;
      return { ...states, all: isReverse ? reversed(counted, lengths) : counted };
    });
    const all = stack(
      results.map((states) => states.all),
      1,
    );
    const last = (pick: (states: States) => Tensor): Tensor => stack(results.map(pick), isBatchFirst ? 1 : 0);
    return [isBatchFirst ? transpose(all, [2, 0, 1, 3]) : all, last(({ h }) => h), ...(kind === 'LSTM' ? [last(({ c }) => c!)] : [])];
  };
}

export const recurrentRules: RuleTable = {
  GRU: recurrent('GRU'),
  LSTM: recurrent('LSTM'),
  RNN: recurrent('RNN'),
};
