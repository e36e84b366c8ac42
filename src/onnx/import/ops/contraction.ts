// Matrix products and what is made of them.
import { isFloat } from '../../../core/dtype.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { add, cast, determinant, einsum, matmul, mul } from '../../../ops/index.ts';
import type { Call, RuleTable } from '../call.ts';

/** The product in floats. Integers below 2^24 are exact. */
function product(a: Tensor, b: Tensor, options: { transposeA?: boolean; transposeB?: boolean } = {}): Tensor {
  if (isFloat(a.dtype)) return matmul(a, b, options);
  return cast(matmul(cast(a, 'f32'), cast(b, 'f32'), options), a.dtype);
}

/** alpha A B + beta C. */
function gemm(call: Call): Tensor {
  call.checkRank(0, 2);
  call.checkRank(1, 2);
  const y = product(call.tensor(0), call.tensor(1), { transposeA: call.flag('transA'), transposeB: call.flag('transB') });
  const [alpha, beta] = [call.float('alpha', 1), call.float('beta', 1)];
  const c = call.optional(2);
  const scaled = alpha === 1 ? y : mul(y, alpha);
  return c ? add(scaled, beta === 1 ? c : mul(c, beta)) : scaled;
}

export const contractionRules: RuleTable = {
  Det: (call) => determinant(call.tensor(0)),
  Einsum: (call) => einsum(call.text('equation', ''), ...call.all().map(({ tensor }) => tensor)),
  Gemm: gemm,
  MatMul: (call) => product(call.tensor(0), call.tensor(1)),
};
