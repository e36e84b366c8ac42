// Which of several kernels that do the same was fastest on this device, by what they do and how large it is.
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

/** What a launch is known by: its text, which changes with every revision of the kernel. */
export const identify = ({ wgsl }: Launch): string => fingerprint(plainText(wgsl));

type Alternatives = NonNullable<Dispatch['alternatives']>;

/** Milliseconds that a device waits for what was chosen before: a database may keep silent for as long as another page likes. */
const patience = 1000;

/** A dispatch keeps its alternatives whichever kernel it launches: its key is that of the kernel it was compiled with. */
const keys = new WeakMap<Alternatives, string>();

export class Choices {
  private readonly chosen = new Map<string, string>();
  /** The number that the chosen launch has among the variants of a key. */
  private readonly numbers = new Map<string, number>();
  private readonly device: string;
  private readonly store: ChoiceStore | undefined;

  private constructor(device: string, store: ChoiceStore | undefined) {
    this.device = device;
    this.store = store;
  }

  /** With what was chosen on this device before; `store` false begins with nothing and keeps nothing. */
  static async open(device: string, store: string | false | undefined): Promise<Choices> {
    const choices = new Choices(device, store === false ? undefined : openStore(store));
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tired = new Promise<void>((resolve) => (timer = setTimeout(resolve, patience)));
    await Promise.race([choices.recall(), tired]);
    clearTimeout(timer);
    return choices;
  }

  /** What is remembered, however late; what was chosen meanwhile is newer. */
  private async recall(): Promise<void> {
    try {
      const known = await this.store?.read(this.device);
      for (const [key, choice] of Object.entries(known ?? {})) if (!this.chosen.has(key)) this.chosen.set(key, choice);
    } catch {
      // A page may be forbidden its database: kernels are then timed anew each time.
    }
  }

  /** What the choice is kept under: the kernel's revision, as its text, the sizes, and what it was chosen among. */
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
    void this.store?.add(this.device, { [key]: choice }).catch(() => undefined); // nothing depends on its being kept
  }

  /** It is no choice after all: it does not compile, or there is no such kernel. */
  forget(key: string): void {
    this.chosen.delete(key);
  }

  /**
   * The dispatch with the launch that was chosen for it; undefined where that is the one it has, or none was chosen. A choice that is none of them
   * any more, such as a kernel since revised, is forgotten: it is made anew.
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

  /** Every dispatch of a key has the same variants: once its number is known, one text is written, not all of them. */
  private find(key: string, choice: string, alternatives: Alternatives): Launch | undefined {
    const place = `${key} ${choice}`;
    const known = this.numbers.get(place);
    for (const number of known === undefined ? alternatives.names.keys() : [known]) {
      const launch = alternatives.variant(number);
      if (identify(launch) !== choice) continue;
      this.numbers.set(place, number);
      return launch;
    }
    return undefined;
  }
}
