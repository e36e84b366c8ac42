// Stored autotuning choices: by kernel and size, in a file that several processes may write and that may be damaged.
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Dispatch, Launch } from '../../src/compiler/index.ts';
import { setDevice } from '../../src/engine/index.ts';
import { Choices, fingerprint, identify } from '../../src/runtime/webgpu/tuning/choices.ts';
import { openStore } from '../../src/runtime/webgpu/tuning/store.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ombre-'));
  path = join(folder, 'below', 'kernels.json');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

const launch = (wgsl: string): Launch => ({ label: wgsl, wgsl, bindings: [], params: [1], workgroups: [1, 1, 1] });
const dispatchOf = (texts: readonly string[], bucket = '64'): Dispatch => ({
  ...launch(texts[0]),
  scope: '',
  ops: [],
  operations: 0,
  alternatives: { bucket, names: texts.slice(1), variant: (n) => launch(texts[n + 1]) },
});

test('the file is made with its folder, added to, and read by device', async () => {
  const store = openStore(path)!;
  expect(await store.read('one')).toEqual({});
  await store.add('one', { a: '1' });
  await store.add('one', { b: '2', a: '3' });
  await store.add('two', { a: '4' });
  expect(await openStore(path)!.read('one')).toEqual({ a: '3', b: '2' });
  expect(await openStore(path)!.read('two')).toEqual({ a: '4' });
  expect(await readdir(join(folder, 'below'))).toEqual(['kernels.json']);
});

test('additions made at once are all kept', async () => {
  const store = openStore(path)!;
  await Promise.all(Array.from({ length: 20 }, (_, i) => store.add('one', { [`key${i}`]: `${i}` })));
  expect(Object.keys(await store.read('one'))).toHaveLength(20);
});

test.each(['', '{"one": {"a"', '[1, 2]', '{"one": [1]}', '{"one": {"a": 1, "b": {}}}', 'null', '7'])(
  'a damaged file counts as empty: %s',
  async (text) => {
    path = join(folder, 'kernels.json');
    await writeFile(path, text);
    const store = openStore(path)!;
    expect(await store.read('one')).toEqual({});
    await store.add('one', { a: '1' });
    expect(await store.read('one')).toEqual({ a: '1' });
  },
);

test('the oldest entries are dropped', async () => {
  const store = openStore(path)!;
  const many = (from: number, count: number): Record<string, string> =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`key${from + i}`, '']));
  await store.add('one', many(0, 4000));
  await store.add('one', many(4000, 200));
  const kept = await store.read('one');
  expect(Object.keys(kept)).toHaveLength(4096);
  expect(kept).toHaveProperty('key4199');
  expect(kept).toHaveProperty('key104');
  expect(kept).not.toHaveProperty('key103');
});

test('if nothing can be written, choices last as long as the device', async () => {
  await writeFile(join(folder, 'file'), '');
  const choices = await Choices.open('one', join(folder, 'file', 'kernels.json'));
  choices.set('a', '1');
  expect(choices.get('a')).toBe('1');
  await new Promise((resolve) => setTimeout(resolve, 20)); // an unhandled rejection would fail the run
});

test('by default in the cache folder of the user', async () => {
  vi.stubEnv('XDG_CACHE_HOME', folder);
  await openStore()!.add('one', { a: '1' });
  expect(JSON.parse(await readFile(join(folder, 'ombre', 'kernels.json'), 'utf8'))).toEqual({ one: { a: '1' } });
});

test('a relative cache folder is none; a user without a home folder keeps nothing', async () => {
  const os = process.getBuiltinModule('node:os');
  const home = vi.spyOn(os, 'homedir').mockReturnValue(folder);
  for (const cache of ['', 'somewhere']) {
    vi.stubEnv('XDG_CACHE_HOME', cache);
    await openStore()!.add('one', { [`in ${cache}`]: '1' });
  }
  expect(JSON.parse(await readFile(join(folder, '.cache', 'ombre', 'kernels.json'), 'utf8'))).toEqual({
    one: { 'in ': '1', 'in somewhere': '1' },
  });

  home.mockImplementation(() => {
    throw new Error('uv_os_homedir returned ENOENT');
  });
  const choices = await Choices.open('one', undefined);
  choices.set('a', '1');
  expect(choices.get('a')).toBe('1');
  await openStore(path)!.add('one', { a: '1' });
  expect(await openStore(path)!.read('one')).toEqual({ a: '1' });
});

test('devices of one process that share a file keep the entries of each other', async () => {
  const stores = Array.from({ length: 8 }, () => openStore(path)!);
  await Promise.all(stores.map((store, i) => store.add(`device ${i % 2}`, { [`key${i}`]: `${i}` })));
  expect(Object.keys(await stores[0].read('device 0'))).toEqual(['key0', 'key2', 'key4', 'key6']);
  expect(Object.keys(await stores[0].read('device 1'))).toEqual(['key1', 'key3', 'key5', 'key7']);
});

test('a file that cannot be replaced leaves no temporary file', async () => {
  await mkdir(path, { recursive: true });
  await expect(openStore(path)!.add('one', { a: '1' })).rejects.toThrow();
  expect(await readdir(join(folder, 'below'))).toEqual(['kernels.json']);
});

test('a store that does not answer delays a device for one second, and its later answer is used', async () => {
  vi.useFakeTimers();
  try {
    const request = { result: { 'a 64 b': 'chosen', 'c 64 d': 'old' }, onsuccess: (): void => undefined };
    const transaction = { objectStore: () => ({ get: () => request }), oncomplete: (): void => undefined };
    const opening = { result: { transaction: () => transaction, close: () => undefined }, onsuccess: (): void => undefined };
    const open = vi.fn().mockReturnValueOnce(opening).mockReturnValue({});
    vi.stubGlobal('process', undefined);
    vi.stubGlobal('indexedDB', { open });
    const asked = Choices.open('one', undefined);
    vi.unstubAllGlobals();
    await vi.advanceTimersByTimeAsync(1000);
    const choices = await asked;
    choices.set('c 64 d', 'new');
    opening.onsuccess();
    request.onsuccess();
    transaction.oncomplete();
    await vi.advanceTimersByTimeAsync(0);
    expect(choices.get('a 64 b')).toBe('chosen');
    expect(choices.get('c 64 d')).toBe('new');
  } finally {
    vi.useRealTimers();
  }
});

test('the choice is kept by text and size: a changed kernel is timed again, a changed comment does not count', async () => {
  const choices = await Choices.open('one', false);
  const dispatch = dispatchOf(['a // for dense_1', 'b', 'c']);
  choices.set(choices.keyOf(dispatch)!, identify(launch('c')));
  expect(choices.preferred(dispatch)).toMatchObject({ wgsl: 'c', ops: [], alternatives: dispatch.alternatives });
  expect(choices.preferred(dispatchOf(['a // for dense_2', 'b', 'c']))?.wgsl).toBe('c');
  expect(choices.preferred(dispatchOf(['a', 'b', 'revised']))).toBeUndefined();
  expect(choices.preferred(dispatchOf(['revised', 'b', 'c']))).toBeUndefined();
  expect(choices.preferred(dispatchOf(['a', 'b', 'c'], '128'))).toBeUndefined();
  expect(choices.preferred(dispatchOf(['a', 'b', 'c', 'd']))).toBeUndefined();
  expect(choices.preferred({ ...launch('a'), scope: '', ops: [], operations: 0 })).toBeUndefined();
});

test('a choice that is none of the kernels is dropped: a kernel of the same name has changed', async () => {
  await openStore(path)!.add('one', { [(await Choices.open('one', false)).keyOf(dispatchOf(['a', 'b']))!]: identify(launch('b')) });
  const choices = await Choices.open('one', path);
  const revised = dispatchOf(['a', 'b']);
  const dispatch = { ...revised, alternatives: { ...revised.alternatives!, variant: () => launch('b, but better') } };
  const key = choices.keyOf(dispatch)!;
  expect(choices.get(key)).toBeDefined();
  expect(choices.preferred(dispatch)).toBeUndefined();
  expect(choices.get(key)).toBeUndefined();
});

test('once it launches the chosen kernel, a dispatch keeps its key and prefers nothing else', async () => {
  const choices = await Choices.open('one', false);
  const dispatch = dispatchOf(['a', 'b']);
  const key = choices.keyOf(dispatch)!;
  choices.set(key, identify(launch('b')));
  const preferred = choices.preferred(dispatch)!;
  expect(choices.keyOf(preferred)).toBe(key);
  expect(choices.preferred(preferred)).toBeUndefined();
});

test('alternatives are emitted only for a choice among them', async () => {
  const choices = await Choices.open('one', false);
  const variant = vi.fn(() => launch('b'));
  const dispatch = { ...dispatchOf(['a']), alternatives: { bucket: '64', names: ['b'], variant } };
  choices.preferred(dispatch);
  choices.set(choices.keyOf(dispatch)!, identify(dispatch));
  choices.preferred(dispatch);
  expect(variant).not.toHaveBeenCalled();
});

test('of the dispatches with one choice the first is compared with all variants, the others with the one', async () => {
  const choices = await Choices.open('one', false);
  const dispatches = Array.from({ length: 10 }, () => dispatchOf(['a', 'b', 'c', 'd', 'e']));
  choices.set(choices.keyOf(dispatches[0])!, identify(launch('d')));
  const written = dispatches.map(({ alternatives }) => vi.spyOn(alternatives!, 'variant'));
  for (const dispatch of dispatches) expect(choices.preferred(dispatch)?.wgsl).toBe('d');
  expect(written.map(({ mock }) => mock.calls.length)).toEqual([3, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
});

test.each([
  [1, 'setDevice: tuning is 1; it must be true, false or { store }'],
  [null, 'setDevice: tuning is null; it must be true, false or { store }'],
  [{ path: 'x' }, "setDevice: tuning: unknown option 'path'"],
  [{ store: '' }, 'setDevice: tuning.store is ""; it must be the path of a file (Node), the name of a database (browser), or false'],
  [{ store: true }, 'setDevice: tuning.store is true; it must be'],
])('tuning %j is refused', async (tuning, message) => {
  await expect(setDevice('cpu', { tuning: tuning as unknown as boolean })).rejects.toThrow(message);
});

test.each(['abc', 5, [1]])('dawnFlags %j are refused', async (dawnFlags) => {
  await expect(setDevice('cpu', { dawnFlags: dawnFlags as unknown as string[] })).rejects.toThrow(
    `setDevice: dawnFlags is ${JSON.stringify(dawnFlags)}; it must be a list of texts`,
  );
});

test('fingerprints of like texts differ', () => {
  const texts = Array.from({ length: 4000 }, (_, i) => `let row = rowTile * ${i}u;`);
  texts.push('ab', 'ba', '', '\0', '\0\0', 'a\0', 'aa');
  expect(new Set(texts.map(fingerprint)).size).toBe(texts.length);
  expect(fingerprint('matmul')).toMatch(/^[0-9a-f]{16}$/);
});
