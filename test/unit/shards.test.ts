// Safetensors in parts: several files with an index against those of huggingface_hub, and readers of ranges of paths, Blobs and servers.
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ArgumentError, FormatError } from '../../src/core/errors.ts';
import { openSafetensors } from '../../src/formats/openSafetensors.ts';
import { type StoredTensor, readSafetensors, writeSafetensors } from '../../src/formats/safetensors.ts';
import { shardSafetensors } from '../../src/formats/shardSafetensors.ts';
import { layers, loadModel, sequential } from '../../src/index.ts';

interface Golden {
  tensors: Record<string, { dtype: 'F16' | 'F32'; shape: number[]; data: number[] }>;
  cases: { limit: number; metadata: Record<string, string>; files: Record<string, string> }[];
}
const { tensors, cases } = JSON.parse(readFileSync(new URL('../golden/shards.json', import.meta.url), 'utf8')) as Golden;
const state = Object.entries(tensors).map(([name, { dtype, shape, data }]): [string, StoredTensor] => [name, { dtype, shape, data: Float32Array.from(data) }]); // prettier-ignore
const sorted = (map: Iterable<[string, StoredTensor]>): [string, StoredTensor][] => [...map].sort(([a], [b]) => (a < b ? -1 : 1));

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ombre-shards-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const write = (files: Iterable<readonly [string, Uint8Array]>, to = folder): void => {
  for (const [file, bytes] of files) writeFileSync(join(to, file), bytes);
};

describe('several files', () => {
  test.each(cases)('of $limit bytes are those of huggingface_hub', ({ limit, metadata, files }) => {
    const written = Object.fromEntries(
      [...shardSafetensors(state, { shardSize: limit, metadata })].map(([file, bytes]) => [file, Buffer.from(bytes).toString('base64')]),
    );
    expect(written).toEqual(files);
  });

  test.each(cases)('of $limit bytes are read', async ({ limit, metadata, files }) => {
    write(Object.entries(files).map(([file, text]) => [file, Buffer.from(text, 'base64')]));
    const name = limit === 1000 ? 'model.safetensors' : 'model.safetensors.index.json';
    for (const source of [join(folder, name), pathToFileURL(join(folder, name)), pathToFileURL(join(folder, name)).href]) {
      const file = await openSafetensors(source);
      expect(sorted(await file.read())).toEqual(sorted(state));
      expect([...(await file.read(['big', 'a.bias', 'big']))].map(([key]) => key).sort()).toEqual(['a.bias', 'big']);
      expect(file.tensors.get('big')).toEqual({ dtype: 'F32', shape: [40, 3] });
      expect(file.metadata).toEqual(metadata);
      await file.close();
    }
  });

  // huggingface_hub and safetensors read these files in scripts/golden/shards.py.
  const target = process.env.OMBRE_WRITE_TO;
  if (target) test('files for Python are written', () => write(shardSafetensors(state, { shardSize: 128 }), target));

  test('from a function of their names', async () => {
    const files = new Map(shardSafetensors(state, { shardSize: 128, name: 'x' }));
    const index = files.get('x.safetensors.index.json')!;
    const asked: string[] = [];
    const file = await openSafetensors(index, { shard: (name) => (asked.push(name), new Blob([files.get(name)!])) });
    expect(sorted(await file.read())).toEqual(sorted(state));
    expect(asked).toEqual([...files.keys()].slice(0, -1));
  });

  test('indexes that do not fit are refused', async () => {
    const files = new Map(shardSafetensors(state, { shardSize: 128 }));
    const open = (index: unknown): Promise<unknown> =>
      openSafetensors(new TextEncoder().encode(typeof index === 'string' ? index : JSON.stringify(index)), { shard: (name) => files.get(name)! });
    const all = JSON.parse(new TextDecoder().decode(files.get('model.safetensors.index.json'))) as { weight_map: Record<string, string> };
    await expect(open('{')).rejects.toThrow(FormatError);
    await expect(open([])).rejects.toThrow('bytes: not an index of safetensors files: it is []; it must be an object');
    await expect(open({ weight_map: 3 })).rejects.toThrow('weight_map is 3; it must be an object of files');
    for (const file of ['../x.safetensors', '/x.safetensors', 'a/b.safetensors', 'a\\b.safetensors', '.x.safetensors', 'x.bin', 5]) {
      await expect(open({ weight_map: { a: file } })).rejects.toThrow("the file of 'a' is");
    }
    const { 'b.weight': shared, ...without } = all.weight_map;
    await expect(open({ weight_map: without })).rejects.toThrow(`bytes: ${shared} has other tensors than the index states; not in the index: b.weight`);
    await expect(open({ weight_map: { ...all.weight_map, more: shared } })).rejects.toThrow('missing: more');
    await expect(open({ ...all, metadata: { ombreSave: '1' } })).rejects.toThrow('was written by another save than the index; a save was interrupted');
    const file = (await open(all)) as Awaited<ReturnType<typeof openSafetensors>>;
    await expect(file.read(['__proto__'])).rejects.toThrow("bytes: has no tensor '__proto__'");
    await expect(openSafetensors('x', { shard: 5 as never })).rejects.toThrow(ArgumentError);
  }); // prettier-ignore

  test('options are checked', () => {
    expect(() => [...shardSafetensors(state, { shardSize: 0 })]).toThrow(
      'shardSafetensors: shardSize is 0; it must be a number of bytes above 0',
    );
    expect(() => [...shardSafetensors(state, { name: 'a/b' })]).toThrow("shardSafetensors: name is 'a/b'; it must be a name of a file");
    expect(() => [...shardSafetensors([...state, state[0]], { shardSize: 200 })]).toThrow("two tensors are called 'z.weight'");
    expect([...shardSafetensors([])].map(([file]) => file)).toEqual(['model.safetensors']);
  });
});

describe('models', () => {
  const make = () => {
    const model = sequential([layers.dense({ units: 20, inputShape: [10], name: 'a' }), layers.dense({ units: 5, name: 'b' })]);
    model.compile({ optimizer: 'adam', loss: 'mse', seed: 4 });
    return model;
  };
  const fit = (model: ReturnType<typeof make>, epochs: number, initialEpoch = 0) =>
    model.fit([new Array<number>(10).fill(1)], [[1, 2, 3, 4, 5]], { epochs, initialEpoch, verbose: 0 });
  const valuesOf = async (model: ReturnType<typeof make>): Promise<number[][]> =>
    Promise.all((await model.getWeights()).map(async (tensor) => Array.from(await tensor.data())));

  test('are saved in several files, and go on from them', async () => {
    const whole = make();
    await fit(whole, 4);
    const first = make();
    await fit(first, 2);
    await first.saveWeights(join(folder, 'm.safetensors'), { shardSize: 1000 });
    const names = readdirSync(folder).sort();
    expect(names.at(-1)).toBe('m.safetensors.index.json');
    expect(names).toHaveLength(7);
    const second = make();
    await second.loadWeights(join(folder, 'm.safetensors.index.json'));
    await fit(second, 4, 2);
    expect(await valuesOf(second)).toEqual(await valuesOf(whole));
    // A save that ended before its index leaves files of two saves.
    const old = readFileSync(join(folder, 'm.safetensors.index.json'));
    await fit(first, 3, 2);
    await first.saveWeights(join(folder, 'm.safetensors'), { shardSize: 1000 });
    writeFileSync(join(folder, 'm.safetensors.index.json'), old);
    await expect(second.loadWeights(join(folder, 'm.safetensors.index.json'))).rejects.toThrow(
      'was written by another save than the index',
    );
  });

  test('targets without names have one file', async () => {
    const model = make();
    await expect(model.saveWeights(() => undefined, { shardSize: 1000 })).rejects.toThrow('saveWeights: shardSize is 1000, and the target has no name for several files');
    await expect(model.saveWeights(join(folder, 'm.st'), { shardSize: 1000 })).rejects.toThrow('bytes need several files; give it the ending .safetensors');
    await expect(model.saveWeights(join(folder, 'm.safetensors'), { shardSize: NaN })).rejects.toThrow('saveWeights: shardSize is NaN');
    expect(readdirSync(folder)).toEqual([]);
    await model.save(join(folder, 'm.safetensors'));
    expect(await valuesOf(await loadModel(join(folder, 'm.safetensors')))).toEqual(await valuesOf(model));
  }); // prettier-ignore
});

describe('ranges of a server', () => {
  type Answer = (request: IncomingMessage, response: ServerResponse, file: Buffer) => void;
  const big = writeSafetensors([...state, ['wide', { dtype: 'F32', shape: [100_000], data: new Float32Array(100_000).fill(2) }]]);
  let server: Server;
  let answer: Answer;
  let served: string[] = [];
  let address = '';
  beforeAll(async () => {
    server = createServer((request, response) => answer(request, response, Buffer.from(big)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.safetensors`;
  });
  afterAll(() => void server.close());
  beforeEach(() => void (served = []));

  const whole: Answer = (_, response, file) => {
    served.push('whole');
    response.end(file);
  };
  /** Answers ranges, with changes of the answer. */
  const ranges =
    (change: (range: string) => string = (range) => range, tag = () => '"1"'): Answer =>
    (request, response, file) => {
      const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
      if (first === undefined) return whole(request, response, file);
      served.push(`${first}-${last}`);
      const end = Math.min(Number(last), file.length - 1);
      const range = change(`bytes ${first}-${end}/${file.length}`);
      response.writeHead(206, { etag: tag(), ...(range && { 'content-range': range }) }).end(file.subarray(Number(first), end + 1));
    };

  test('only the header and the tensors that are needed are fetched', async () => {
    answer = ranges();
    const file = await openSafetensors(address);
    expect(served).toEqual(['0-65535']);
    const found = await file.read(['a.bias', 'z.weight']);
    expect(found.get('z.weight')).toEqual(state[0][1]);
    const all = await file.read();
    expect(sorted(all)).toEqual(sorted(readSafetensors(big).tensors));
    const { length } = big;
    const start = 8 + Number(new DataView(big.buffer).getBigUint64(0, true));
    // Tensors that touch are one request.
    expect(served).toEqual(['0-65535', `${length - 134}-${length - 1}`, `${start}-${length - 1}`]);
  });

  test('a server without ranges gives the file once', async () => {
    answer = whole;
    const file = await openSafetensors(address);
    expect(sorted(await file.read())).toEqual(sorted(readSafetensors(big).tensors));
    expect(served).toEqual(['whole']);
  });

  test('a range whose place is hidden is read whole', async () => {
    answer = ranges(() => '');
    expect((await (await openSafetensors(address)).read(['last'])).get('last')).toEqual(state.at(-1)![1]);
    expect(served).toEqual(['0-65535', 'whole']);
  });

  test('wrong ranges, changed files and refusals', async () => {
    const open = () => openSafetensors(address);
    for (const range of ['bytes 1-65535/900000', 'bytes 0-65536/900000', 'bytes 0-65535/*', 'bytes 0-9/900000', 'x']) {
      answer = ranges(() => range);
      await expect(open()).rejects.toThrow(`${address}: the server gave the range '${range}'; requested were the bytes 0 to 65535`);
    }
    answer = ranges(() => 'bytes 0-65535/900000');
    const file = await open().catch((error: Error) => error.message);
    expect(file).toContain('the tensors end at byte');
    let tag = '"1"';
    answer = ranges(undefined, () => tag);
    const opened = await open();
    tag = '"2"';
    await expect(opened.read(['wide'])).rejects.toThrow('has changed between two requests');
    answer = (_, response) => response.end('short');
    await expect(opened.read(['wide'])).rejects.toThrow('has changed between two requests');
    answer = (_, response) => void response.writeHead(404).end();
    await expect(opened.read(['wide'])).rejects.toThrow(`openSafetensors: ${address} gave the status 404; check the address`);
    await expect(open()).rejects.toThrow('gave the status 404');
  });

  test('a file in Node that became shorter', async () => {
    const path = join(folder, 'x.safetensors');
    writeFileSync(path, big);
    const file = await openSafetensors(path);
    writeFileSync(path, big.subarray(0, 1000));
    await expect(file.read()).rejects.toThrow(`ends at byte 1000; it had ${big.length} bytes when it was opened`);
    await file.close();
  });
});
