import { type DeviceName, deviceInfo } from 'ombre';

/** The choices of --device. */
export const deviceChoices: readonly DeviceName[] = ['auto', 'webgpu', 'wasm', 'cpu'];

/** One line that names the device of the library. */
export function deviceLine(): string {
  const { kind, vendor, architecture, description } = deviceInfo();
  return `Device: ${[kind, ...new Set([vendor, architecture, description])].filter(Boolean).join(' ')}`;
}
