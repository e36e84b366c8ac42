import { deviceInfo } from 'ombre';

/** One line that names the device of the library. */
export function deviceLine(): string {
  const { kind, vendor, architecture, description } = deviceInfo();
  return `Device: ${[kind, ...new Set([vendor, architecture, description])].filter(Boolean).join(' ')}`;
}
