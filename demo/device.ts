// Chooses the device, and names it for the page.
import { deviceInfo, setDevice } from 'ombre';
import type { ChosenDevice, DeviceChoice } from './protocol.ts';

export async function chooseDevice(choice: DeviceChoice): Promise<ChosenDevice> {
  await setDevice(choice);
  const { kind, vendor, architecture, description } = deviceInfo();
  const words = [...new Set([vendor, architecture, description].filter(Boolean))].join(' ');
  return { kind, name: { webgpu: `WebGPU · ${words || 'unnamed adapter'}`, wasm: 'WebAssembly', cpu: 'CPU' }[kind] };
}
