// Casts beyond the range of a dtype, on a GPU stack: WGSL leaves these cases open, the library does not.
import { beforeAll, expect, test } from 'vitest';
import { setDevice } from '../../src/engine/index.ts';
import { arange, cast, tensor } from '../../src/ops/index.ts';
import '../../src/ops/methods.ts';
import { castRows } from '../support/castRows.ts';

beforeAll(async () => {
  await setDevice('webgpu');
});

test.each(castRows)('cast %s', async (_, from, values, to, want) => {
  expect(Array.from(await cast(tensor(values, [values.length], from), to).data())).toEqual(want);
});

test.each([
  ['over all of i32', () => arange(-2e9, 2e9 + 1, 2e9), [-2e9, 0, 2e9]],
  ['by a step beyond i32', () => arange(-2e9, 2e9, 3e9), [-2e9, 1e9]],
  ['down in u32', () => arange(3e9 + 2, 3e9, -1, 'u32'), [3e9 + 2, 3e9 + 1]],
  ['beyond i32', () => arange(3e9, 3e9 + 1024, 512), [3e9, 3e9 + 512]],
] as const)('arange %s', async (_, make, want) => {
  expect(Array.from(await make().data())).toEqual(want.map(make().dtype === 'f32' ? Math.fround : (v) => v));
});
