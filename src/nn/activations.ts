// Activations by the names that layers take. Defaults are Keras's: 'gelu' is the exact one, 'geluTanh' the approximation by tanh.
// A namespace and no table: a bundler keeps only the activations that are used.
import * as ops from '../ops/index.ts';
import { activation } from './activation.ts';

/** x. */
export const linear = /* @__PURE__ */ activation('linear', (x) => ops.linear(x));

/** max(x, 0). */
export const relu = /* @__PURE__ */ activation('relu', (x) => ops.relu(x));

/** min(max(x, 0), 6). */
export const relu6 = /* @__PURE__ */ activation('relu6', (x) => ops.relu6(x));

/** x, or 0.2 x below 0. */
export const leakyRelu = /* @__PURE__ */ activation('leakyRelu', (x) => ops.leakyRelu(x));

/** x, or exp(x) - 1 below 0. */
export const elu = /* @__PURE__ */ activation('elu', (x) => ops.elu(x));

/** 1.0507 x, or 1.7581 (exp(x) - 1) below 0. Klambauer et al., 2017. */
export const selu = /* @__PURE__ */ activation('selu', (x) => ops.selu(x));

/** x Φ(x), with Φ the distribution function of the normal distribution. */
export const gelu = /* @__PURE__ */ activation('gelu', (x) => ops.gelu(x, { approximate: false }));

/** gelu by its approximation with tanh. */
export const geluTanh = /* @__PURE__ */ activation('geluTanh', (x) => ops.gelu(x, { approximate: true }));

/** x sigmoid(x). */
export const silu = /* @__PURE__ */ activation('silu', (x) => ops.silu(x));

/** Another name of silu. */
export const swish = /* @__PURE__ */ activation('swish', (x) => ops.silu(x));

/** x tanh(softplus(x)). Misra, 2019. */
export const mish = /* @__PURE__ */ activation('mish', (x) => ops.mish(x));

/** 1 / (1 + exp(-x)). */
export const sigmoid = /* @__PURE__ */ activation('sigmoid', (x) => ops.sigmoid(x));

/** min(max(x / 6 + 1 / 2, 0), 1). */
export const hardSigmoid = /* @__PURE__ */ activation('hardSigmoid', (x) => ops.hardSigmoid(x));

/** x hardSigmoid(x). */
export const hardSwish = /* @__PURE__ */ activation('hardSwish', (x) => ops.hardSwish(x));

/** log(sigmoid(x)). */
export const logSigmoid = /* @__PURE__ */ activation('logSigmoid', (x) => ops.logSigmoid(x));

/** Hyperbolic tangent. */
export const tanh = /* @__PURE__ */ activation('tanh', (x) => ops.tanh(x));

/** min(max(x, -1), 1). */
export const hardTanh = /* @__PURE__ */ activation('hardTanh', (x) => ops.hardTanh(x));

/** x - tanh(x). */
export const tanhShrink = /* @__PURE__ */ activation('tanhShrink', (x) => ops.tanhShrink(x));

/** x, or 0 where |x| <= 0.5. */
export const hardShrink = /* @__PURE__ */ activation('hardShrink', (x) => ops.hardShrink(x));

/** sign(x) max(|x| - 0.5, 0). */
export const softShrink = /* @__PURE__ */ activation('softShrink', (x) => ops.softShrink(x));

/** x above 0, otherwise 0. */
export const threshold = /* @__PURE__ */ activation('threshold', (x) => ops.threshold(x));

/** (x + √(x² + 4)) / 2. */
export const squareplus = /* @__PURE__ */ activation('squareplus', (x) => ops.squareplus(x));

/** max(x, 0), with a parabola (x + 1)² / 4 between -1 and 1. */
export const sparsePlus = /* @__PURE__ */ activation('sparsePlus', (x) => ops.sparsePlus(x));

/** min(max((x + 1) / 2, 0), 1). */
export const sparseSigmoid = /* @__PURE__ */ activation('sparseSigmoid', (x) => ops.sparseSigmoid(x));

/** exp(x). */
export const exponential = /* @__PURE__ */ activation('exponential', (x) => ops.exp(x));

/** log(1 + exp(x)). */
export const softplus = /* @__PURE__ */ activation('softplus', (x) => ops.softplus(x));

/** x / (1 + |x|). */
export const softsign = /* @__PURE__ */ activation('softsign', (x) => ops.softsign(x));

/** exp(x) over its sum along the last axis. */
export const softmax = /* @__PURE__ */ activation('softmax', (x) => ops.softmax(x, { axis: -1 }));

/** log(softmax(x)) over the last axis. */
export const logSoftmax = /* @__PURE__ */ activation('logSoftmax', (x) => ops.logSoftmax(x, { axis: -1 }));

/** Projection of the last axis onto the probability simplex. Martins and Astudillo, 2016. */
export const sparsemax = /* @__PURE__ */ activation('sparsemax', (x) => ops.sparsemax(x, { axis: -1 }));
