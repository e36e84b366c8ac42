// The entry in a page.
import { type FileFigure, measureFiles, memoryPlace, storedPlace } from './measure.ts';

declare global {
  var measureInPage: (device: 'cpu' | 'webgpu', bytes: number, rounds: number) => Promise<FileFigure[]>;
}

globalThis.measureInPage = (device, bytes, rounds) =>
  measureFiles(device, [memoryPlace(), storedPlace('opfs://bench.safetensors'), storedPlace('indexeddb://bench')], bytes, rounds);
