// One thread of the WebAssembly runtime. Workers get the text of `makeThread`, so it uses nothing outside of itself.

/** Computes workgroups `begin` to `end` of a grid. `launch` is the address of the bindings, `stack` that of the local arrays. */
export type RunKernel = (launch: number, stack: number, begin: number, end: number, width: number, height: number) => void;

/** A dispatch that stopped. */
export interface Failure {
  /** Number of the run, as `submit` returned it. 0 if the calling thread ran it. */
  readonly ticket: number;
  /** Number of the dispatch in its run. */
  readonly dispatch: number;
  readonly text: string;
  readonly cause?: unknown;
}

export interface Thread {
  /** Number of runs that may be queued. */
  readonly maxQueued: number;
  /** Makes a kernel known that this thread has an instance of. The address is that of its module. */
  adopt(kernel: number, run: RunKernel): void;
  /**
   * Computes a run, with the helpers if there are some. A run is a list of words: number of dispatches, number of copies, address of the stacks,
   * bytes of each. For each dispatch follow the address of the module, the address of the bindings, the number of workgroups, width and height of the
   * grid, and the address of its times. For each copy follow source, target and bytes. Returns the dispatch that stopped, if any.
   */
  lead(run: number): Failure | undefined;
  /** Helps another thread that leads. Never returns. */
  help(): void;
  /** Leads the runs of the queue. Calls `notify` when a run is done that another thread waits for. Never returns. */
  serve(notify: () => void): void;
  /** Appends a run to the queue. Returns its ticket. */
  submit(run: number): number;
  /** Tickets of the last run submitted, and of the last that is done. */
  readonly submitted: number;
  readonly completed: number;
  /** Requests a call of `notify` when a run is done. */
  want(ticket: number): void;
  /** The first failure of a queued run since the last call. */
  takeFailure(): Failure | undefined;
  /** A helper has ended. */
  lose(): void;
}

/**
 * `index` is 0 for the thread that leads. Each thread has its own stack. A dispatch that takes less than `splitTime` tenths of microseconds in one
 * thread is not split.
 */
export function makeThread(memory: WebAssembly.Memory, index: number, splitTime: number): Thread {
  // Words of the first 4096 bytes, which the heap leaves to the threads. Those that different threads write are in different cache lines.
  const open = 16; // number of the dispatch that helpers may join, or 0.
  const next = 32; // number of the next chunk.
  const active = 48; // number of helpers that have joined.
  const joining = 64; // the leader sleeps until `active` is 0
  const sleepers = 80; // number of helpers that sleep
  const ready = 96; // number of helpers that run
  const present = 112; // the dispatch: module, bindings, stacks, stack bytes, workgroups, chunks, width, height
  const trouble = 128; // a helper has failed
  const failed = 144; // a failure is kept: flag, ticket, dispatch, length of the text
  const submittedAt = 160;
  const completedAt = 176;
  const wanted = 192; // flag, ticket
  const queue = 256; // addresses of the queued runs
  const maxQueued = 64;
  const text = 320; // of the failure, a character in each word
  const maxText = 300;

  /** How often a thread looks before it sleeps: about 20 microseconds when it joins, 100 when it waits for the next dispatch. */
  const joinLooks = 2000;
  const idleLooks = 10000;
  /** Chunks for each thread. Threads that are slow take fewer. */
  const chunksPerThread = 4;

  const kernels = new Map<number, RunKernel>();
  let words = new Int32Array(memory.buffer);
  let generation = 0;

  /** Makes `words` reach to an address. A memory that has grown has a new buffer. */
  const reach = (end: number): void => {
    while (words.byteLength < end) words = new Int32Array(memory.buffer);
  };

  const kernelAt = (address: number): RunKernel => {
    let run = kernels.get(address);
    if (!run) {
      reach(address + 4);
      const length = words[address >>> 2];
      reach(address + 4 + length);
      const bytes = new Uint8Array(words.buffer, address + 4, length).slice();
      const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
      run = exports.run as RunKernel;
      kernels.set(address, run);
    }
    return run;
  };

  const keepText = (error: unknown): void => {
    if (words[failed]) return;
    const said = String(error).slice(0, maxText);
    words[failed + 3] = said.length;
    for (let i = 0; i < said.length; i++) words[text + i] = said.charCodeAt(i);
  };

  const keptText = (): string => String.fromCharCode(...words.slice(text, text + words[failed + 3]));

  /** Takes chunks of the present dispatch until none is left. */
  const work = (run: RunKernel): void => {
    const launch = words[present + 1];
    const stack = words[present + 2] + index * words[present + 3];
    const groups = words[present + 4];
    const chunks = words[present + 5];
    const width = words[present + 6];
    const height = words[present + 7];
    for (;;) {
      const chunk = Atomics.add(words, next, 1);
      if (chunk >= chunks) return;
      const begin = Math.floor((chunk * groups) / chunks);
      const end = Math.floor(((chunk + 1) * groups) / chunks);
      run(launch, stack, begin, end, width, height);
    }
  };

  /** Waits until all helpers have left. */
  const join = (): void => {
    for (let looks = 0; Atomics.load(words, active) > 0; looks++) {
      if (looks < joinLooks) continue;
      Atomics.store(words, joining, 1);
      const count = Atomics.load(words, active);
      if (count > 0) Atomics.wait(words, active, count);
      Atomics.store(words, joining, 0);
    }
  };

  /** Computes the present dispatch with the helpers. Returns the text of a helper's error. @throws the error of this thread. */
  const split = (run: RunKernel): string | undefined => {
    Atomics.store(words, next, 0);
    generation = (generation % 0x3fffffff) + 1;
    Atomics.store(words, open, generation);
    if (Atomics.load(words, sleepers) > 0) Atomics.notify(words, open);
    let hasTrouble: number;
    try {
      work(run);
    } finally {
      // After an error no chunk is left. Without one this changes nothing.
      Atomics.store(words, next, 0x3fffffff);
      Atomics.store(words, open, 0);
      join();
      hasTrouble = Atomics.exchange(words, trouble, 0);
    }
    return hasTrouble ? keptText() : undefined;
  };

  const lead = (address: number): Failure | undefined => {
    reach(address + 16);
    const at = address >>> 2;
    const dispatches = words[at];
    const copies = words[at + 1];
    const stack = words[at + 2];
    const copyAt = at + 4 + 6 * dispatches;
    reach(4 * (copyAt + 3 * copies));
    for (let dispatch = 0; dispatch < dispatches; dispatch++) {
      const entry = at + 4 + 6 * dispatch;
      const groups = words[entry + 2];
      const width = words[entry + 3];
      const height = words[entry + 4];
      const timesAddress = words[entry + 5] >>> 0;
      reach(timesAddress + 12);
      // Times: of the dispatch in one thread, of its last run, and the number of runs that were short though split.
      const times = timesAddress >>> 2;
      const helpers = groups > 1 ? Atomics.load(words, ready) : 0;
      let isSplit = helpers > 0 && words[times] >= splitTime;
      // Code becomes faster after its first runs, so the time in one thread is measured again.
      if (isSplit && words[times + 1] < splitTime && ++words[times + 2] % 16 === 0) isSplit = false;
      const began = performance.now();
      try {
        const run = kernelAt(words[entry] >>> 0);
        if (!isSplit) run(words[entry + 1], stack, 0, groups, width, height);
        else {
          words[present] = words[entry];
          words[present + 1] = words[entry + 1];
          words[present + 2] = stack;
          words[present + 3] = words[at + 3];
          words[present + 4] = groups;
          words[present + 5] = Math.min(groups, chunksPerThread * (helpers + 1));
          words[present + 6] = width;
          words[present + 7] = height;
          const said = split(run);
          if (said !== undefined) return { ticket: 0, dispatch, text: said };
        }
      } catch (error) {
        return { ticket: 0, dispatch, text: String(error), cause: error };
      }
      const elapsed = Math.min(0x3fffffff, Math.round((performance.now() - began) * 1e4));
      words[times + 1] = elapsed;
      if (!isSplit) words[times] = elapsed;
    }
    for (let copy = 0; copy < copies; copy++) {
      const from = words[copyAt + 3 * copy] >>> 0;
      const to = words[copyAt + 3 * copy + 1] >>> 0;
      const bytes = words[copyAt + 3 * copy + 2] >>> 0;
      reach(Math.max(from, to) + bytes);
      new Uint8Array(words.buffer).copyWithin(to, from, from + bytes);
    }
    return undefined;
  };

  const help = (): void => {
    let last = 0;
    Atomics.add(words, ready, 1);
    for (;;) {
      let now = Atomics.load(words, open);
      for (let looks = 0; now === 0 || now === last; looks++) {
        if (looks >= idleLooks) {
          Atomics.add(words, sleepers, 1);
          Atomics.wait(words, open, now);
          Atomics.sub(words, sleepers, 1);
          looks = 0;
        }
        now = Atomics.load(words, open);
      }
      last = now;
      try {
        // To compile takes long, so this is done before the leader would wait for it.
        kernelAt(words[present] >>> 0);
      } catch {
        continue; // the others compute the dispatch
      }
      Atomics.add(words, active, 1);
      // The leader has seen this thread, or has closed the dispatch. The words of an open dispatch do not change.
      const joined = Atomics.load(words, open);
      if (joined) {
        last = joined;
        try {
          work(kernelAt(words[present] >>> 0));
        } catch (error) {
          if (Atomics.exchange(words, trouble, 1) === 0) keepText(error);
          Atomics.store(words, next, 0x3fffffff);
        }
      }
      if (Atomics.sub(words, active, 1) === 1 && Atomics.load(words, joining)) Atomics.notify(words, active);
    }
  };

  const serve = (notify: () => void): void => {
    for (let done = 0; ;) {
      for (let looks = 0; Atomics.load(words, submittedAt) === done; looks++) {
        if (looks >= idleLooks) Atomics.wait(words, submittedAt, done);
      }
      const failure = lead(words[queue + (done & (maxQueued - 1))] >>> 0);
      done = (done + 1) | 0;
      if (failure && !words[failed]) {
        keepText(failure.text);
        words[failed + 1] = done;
        words[failed + 2] = failure.dispatch;
        words[failed] = 1;
      }
      Atomics.store(words, completedAt, done);
      if (Atomics.load(words, wanted) && ((done - Atomics.load(words, wanted + 1)) | 0) >= 0) {
        Atomics.store(words, wanted, 0);
        notify();
      }
    }
  };

  return {
    maxQueued,
    adopt: (kernel, run): void => void kernels.set(kernel, run),
    lead,
    help,
    serve,
    submit: (run): number => {
      const ticket = Atomics.load(words, submittedAt);
      words[queue + (ticket & (maxQueued - 1))] = run;
      Atomics.store(words, submittedAt, (ticket + 1) | 0);
      Atomics.notify(words, submittedAt);
      return (ticket + 1) | 0;
    },
    get submitted(): number {
      return Atomics.load(words, submittedAt);
    },
    get completed(): number {
      return Atomics.load(words, completedAt);
    },
    want: (ticket): void => {
      Atomics.store(words, wanted + 1, ticket);
      Atomics.store(words, wanted, 1);
    },
    takeFailure: (): Failure | undefined => {
      if (!Atomics.load(words, failed)) return undefined;
      const failure = { ticket: words[failed + 1], dispatch: words[failed + 2], text: keptText() };
      Atomics.store(words, failed, 0);
      return failure;
    },
    lose: (): void => void Atomics.sub(words, ready, 1),
  };
}
