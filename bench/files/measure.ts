// Times of save and loadModel for a model of a given size, for each place of files.
import { type FileSource, type FileTarget, type Model, layers, loadModel, removeStored, sequential, setDevice, setSeed } from 'ombre';

export interface FileFigure {
  readonly place: string;
  /** Bytes of the file divided by the time, 10^6 bytes a second. Medians of the rounds. */
  readonly save: number;
  readonly load: number;
}

/** A dense layer of 5,000 inputs has 20 kB of weights for each unit. */
const inputs = 5000;

function modelOf(bytes: number): Model {
  setSeed(1);
  return sequential([layers.dense({ units: Math.round(bytes / (4 * (inputs + 1))), inputShape: [inputs] })]);
}

/** A place of files. `read` gives what loadModel takes after a save. */
export interface Place {
  readonly name: string;
  readonly target: FileTarget;
  readonly read: () => FileSource;
  readonly remove: () => Promise<void>;
}

/** Bytes in memory: only the cost of the format. */
export function memoryPlace(): Place {
  let bytes = new Uint8Array();
  return {
    name: 'bytes in memory',
    target: (written: Uint8Array<ArrayBuffer>) => void (bytes = written),
    read: () => bytes,
    remove: async () => void (bytes = new Uint8Array()),
  };
}

/** A file in the storage of a page. */
export const storedPlace = (name: string): Place => ({
  name: name.replace(/:.*/, ''),
  target: name,
  read: () => name,
  remove: () => removeStored(name),
});

export async function measureFiles(
  device: 'cpu' | 'webgpu',
  places: readonly Place[],
  bytes: number,
  rounds: number,
): Promise<FileFigure[]> {
  await setDevice(device);
  const model = modelOf(bytes);
  const figures: FileFigure[] = [];
  for (const place of places) {
    const times = { save: [] as number[], load: [] as number[] };
    for (let round = 0; round <= rounds; round++) {
      const began = performance.now();
      await model.save(place.target);
      const saved = performance.now();
      const loaded = await loadModel(place.read());
      const [, bias] = await loaded.getWeights();
      await bias.data();
      const read = performance.now();
      // The first round warms the code.
      if (round === 0) continue;
      times.save.push(saved - began);
      times.load.push(read - saved);
    }
    await place.remove();
    const rate = (list: number[]): number => bytes / list.sort((a, b) => a - b)[list.length >> 1] / 1000;
    figures.push({ place: place.name, save: rate(times.save), load: rate(times.load) });
  }
  return figures;
}
