// The choice of the page in its address, so that it can be linked, and the buttons for back and forward work.
import { examples } from '../../examples/index.ts';
import type { DeviceChoice } from '../protocol.ts';
import type { Size } from './protocol.ts';

export interface Choice {
  readonly name: string;
  readonly size: Size;
  readonly device: DeviceChoice;
}

const names = Object.keys(examples);
const sizes: readonly Size[] = ['small', 'full'];
const devices: readonly DeviceChoice[] = ['auto', 'webgpu', 'wasm', 'cpu'];

/** One of `known`: the value of the address, or the first one if the address has none or another one. */
const oneOf = <T extends string>(known: readonly T[], value: string | null): T => known.find((name) => name === value) ?? known[0];

export function choiceOf(search: string): Choice {
  const parameters = new URLSearchParams(search);
  return {
    name: oneOf(names, parameters.get('example')),
    size: oneOf(sizes, parameters.get('size')),
    device: oneOf(devices, parameters.get('device')),
  };
}

/** The query of an address. Defaults are left out. */
export function queryOf({ name, size, device }: Choice): string {
  const parameters = new URLSearchParams({ example: name });
  if (size !== sizes[0]) parameters.set('size', size);
  if (device !== devices[0]) parameters.set('device', device);
  return `?${parameters}`;
}
