import { describe, expect, test } from 'vitest';
import { PromiseQueue, runExclusive } from '../../src/core/promiseQueue.ts';
import { RandomStream } from '../../src/core/random.ts';

const turnOfLoop = () => new Promise<void>((resolve) => setTimeout(resolve, 0));

/** A function that takes `turns` turns of the event loop, and writes its start and its end to the log. */
const job =
  (log: string[], name: string, turns = 1) =>
  async (): Promise<string> => {
    log.push(`${name} starts`);
    for (let i = 0; i < turns; i++) await turnOfLoop();
    log.push(`${name} ends`);
    return name;
  };

describe('a queue', () => {
  test('runs functions one at a time, in the order of the calls', async () => {
    const queue = new PromiseQueue();
    const log: string[] = [];
    const results = await Promise.all([queue.run(job(log, 'a', 3)), queue.run(job(log, 'b', 0)), queue.run(job(log, 'c'))]);
    expect(results).toEqual(['a', 'b', 'c']);
    expect(log).toEqual(['a starts', 'a ends', 'b starts', 'b ends', 'c starts', 'c ends']);
  });

  test('never calls the function before run() has returned', async () => {
    const queue = new PromiseQueue();
    let isCalled = false;
    const turn = queue.run(() => (isCalled = true));
    expect(isCalled).toBe(false);
    expect(await turn).toBe(true);
  });

  test('reports a failure to the caller and continues', async () => {
    const queue = new PromiseQueue();
    const rejected = queue.run(() => Promise.reject(new Error('rejected')));
    const thrown = queue.run(() => {
      throw new Error('thrown');
    });
    const after = queue.run(() => 'after');
    await expect(rejected).rejects.toThrow('rejected');
    await expect(thrown).rejects.toThrow('thrown');
    expect(await after).toBe('after');
  });

  test('idle() waits for everything queued before it, and never rejects', async () => {
    const queue = new PromiseQueue();
    const log: string[] = [];
    const first = queue.run(job(log, 'a', 2));
    const failing = queue.run(() => Promise.reject(new Error('rejected')));
    failing.catch(() => undefined);
    await queue.idle();
    expect(log).toEqual(['a starts', 'a ends']);
    await first;
  });
});

describe('runExclusive', () => {
  test('waits for all owners and holds all of them', async () => {
    const [a, b] = [new PromiseQueue(), new PromiseQueue()];
    const log: string[] = [];
    void a.run(job(log, 'a', 2));
    void b.run(job(log, 'b', 4));
    void runExclusive([a, b], job(log, 'both'));
    void a.run(job(log, 'a after'));
    void b.run(job(log, 'b after'));
    await Promise.all([a.idle(), b.idle()]);
    expect(log.slice(0, 2)).toEqual(['a starts', 'b starts']);
    expect(log.slice(2, 6)).toEqual(['a ends', 'b ends', 'both starts', 'both ends']);
    expect(log.slice(6).sort()).toEqual(['a after ends', 'a after starts', 'b after ends', 'b after starts']);
  });

  test('leaves other owners as they are', async () => {
    const [a, b, c] = [new PromiseQueue(), new PromiseQueue(), new PromiseQueue()];
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const held = runExclusive([a, b], () => gate);
    expect(await c.run(() => 'c')).toBe('c');
    open();
    await held;
  });

  test('counts an owner that is named twice once, and runs without owners too', async () => {
    const queue = new PromiseQueue();
    expect(await runExclusive([queue, queue], () => 'twice')).toBe('twice');
    expect(await queue.run(() => 'after')).toBe('after');
    expect(await runExclusive([], () => 'none')).toBe('none');
  });

  test('a failure frees all owners', async () => {
    const [a, b] = [new PromiseQueue(), new PromiseQueue()];
    const failing = runExclusive([a, b], () => Promise.reject(new Error('rejected')));
    const after = runExclusive([b, a], () => 'after');
    await expect(failing).rejects.toThrow('rejected');
    expect(await after).toBe('after');
  });

  test('opposite orders of the same owners do not deadlock', async () => {
    const [a, b] = [new PromiseQueue(), new PromiseQueue()];
    const log: string[] = [];
    await Promise.all([runExclusive([a, b], job(log, 'ab', 2)), runExclusive([b, a], job(log, 'ba'))]);
    expect(log).toEqual(['ab starts', 'ab ends', 'ba starts', 'ba ends']);
  });

  test('sets with an owner in common never run at once; 200 random sets of five owners end in the order of the calls', async () => {
    const stream = new RandomStream([5, 7]);
    const owners = Array.from({ length: 5 }, () => new PromiseQueue());
    const busy = new Set<number>();
    const order: number[][] = owners.map(() => []);
    let most = 0;
    let running = 0;
    const turns = Array.from({ length: 200 }, (_, i) => {
      const [bits, length] = stream.nextKey();
      const chosen = owners.flatMap((_owner, o) => ((bits >>> o) & 1 ? [o] : []));
      return runExclusive(
        chosen.map((o) => owners[o]),
        async () => {
          for (const o of chosen) {
            expect(busy.has(o)).toBe(false);
            busy.add(o);
            order[o].push(i);
          }
          most = Math.max(most, ++running);
          for (let turn = 0; turn < length % 3; turn++) await turnOfLoop();
          for (const o of chosen) busy.delete(o);
          running--;
        },
      );
    });
    await Promise.all(turns);
    for (const calls of order) expect(calls).toEqual([...calls].sort((x, y) => x - y));
    expect(order.flat().length).toBeGreaterThan(300);
    expect(most).toBeGreaterThan(1); // sets without a common owner do run at once
  });
});
