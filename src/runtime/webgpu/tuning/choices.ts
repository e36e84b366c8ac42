// The fastest of several kernels with equal results on this device, by kernel and size.
import type { Dispatch, Launch } from '../../../compiler/index.ts';
import { plainText } from '../../../wgsl/index.ts';
import { type ChoiceStore, openStore } from './store.ts';

/** 64 bits of FNV-1a, in two halves that begin apart, as hexadecimal digits. */
export function fingerprint(text: string): string {
  let [a, b] = [0x811c9dc5, 0x01000193];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ (code + i), 0x01000193);
  }
  return [a, b].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
}

/** Identity of a launch: a hash of its text, which changes with every revision of the kernel. */
export const identify = ({ wgsl }: Launch): string => fingerprint(plainText(wgsl));

type Alternatives = NonNullable<Dispatch['alternatives']>;

/** Milliseconds that a device waits for stored choices. Another page may block the database for any time. */
const readTimeout = 1000;

/** Keys by alternatives. A dispatch keeps its alternatives when it changes its kernel, so its key stays that of the compiled kernel. */
const keys = new WeakMap<Alternatives, string>();

export class Choices {
  private readonly chosen = new Map<string, string>();
  /** Number of the chosen launch among the variants of a key. */
  private readonly numbers = new Map<string, number>();
  private readonly device: string;
  private readonly store: ChoiceStore | undefined;

  private constructor(device: string, store: ChoiceStore | undefined) {
    this.device = device;
    this.store = store;
  }

  /** Reads the stored choices of this device. With `store` false nothing is read or stored. */
  static async open(device: string, store: string | false | undefined): Promise<Choices> {
    const choices = new Choices(device, store === false ? undefined : openStore(store));
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, readTimeout)));
    await Promise.race([choices.recall(), late]);
    clearTimeout(timer);
    return choices;
  }

  /** Adds the stored choices, also after the timeout. Choices made meanwhile are newer and stay. */
  private async recall(): Promise<void> {
    try {
      const known = await this.store?.read(this.device);
      for (const [key, choice] of Object.entries(known ?? {})) if (!this.chosen.has(key)) this.chosen.set(key, choice);
    } catch {
      // The page may have no access to its database. Kernels are then timed again each time.
    }
  }

  /** Key of a choice: the kernel's text, the range of sizes, and the names of the alternatives. */
  keyOf(dispatch: Dispatch): string | undefined {
    const { alternatives } = dispatch;
    if (!alternatives) return undefined;
    let key = keys.get(alternatives);
    if (key === undefined)
      keys.set(alternatives, (key = `${identify(dispatch)} ${alternatives.bucket} ${fingerprint(alternatives.names.join())}`));
    return key;
  }

  /** The identity of the launch chosen for a key. */
  get(key: string): string | undefined {
    return this.chosen.get(key);
  }

  set(key: string, choice: string): void {
    this.chosen.set(key, choice);
    void this.store?.add(this.device, { [key]: choice }).catch(() => undefined); // the choice still counts for this device
  }

  /** Removes a choice whose kernel does not compile or does not exist. */
  forget(key: string): void {
    this.chosen.delete(key);
  }

  /**
   * The dispatch with the launch chosen for it. Undefined if it has that launch already, or if there is no choice. A choice of a kernel that no
   * longer exists is removed, so that a new trial can start.
   */
  preferred(dispatch: Dispatch): Dispatch | undefined {
    const key = this.keyOf(dispatch);
    if (key === undefined) return undefined;
    const choice = this.chosen.get(key);
    if (choice === undefined || choice === identify(dispatch)) return undefined;
    const launch = this.find(key, choice, dispatch.alternatives!);
    if (launch) return { ...dispatch, ...launch };
    this.forget(key);
    return undefined;
  }

  /** Finds the launch of a choice. All dispatches of a key have the same variants, so the number is cached and only one text is emitted. */
  private find(key: string, choice: string, alternatives: Alternatives): Launch | undefined {
    const both = `${key} ${choice}`;
    const known = this.numbers.get(both);
    for (const number of known === undefined ? alternatives.names.keys() : [known]) {
      const launch = alternatives.variant(number);
      if (identify(launch) !== choice) continue;
      this.numbers.set(both, number);
      return launch;
    }
    return undefined;
  }
}
