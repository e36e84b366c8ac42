// @ts-check
// The device and the bytes of the weights.
import { fail, features, limits } from './inputs.js';

/**
 * @param {GPUAdapter | GPUDevice} holder
 * @param {string} what
 */
function requireAll(holder, what) {
  const has = /** @type {Record<string, number>} */ (/** @type {unknown} */ (holder.limits));
  const lacking = [
    ...features.filter((feature) => !holder.features.has(feature)),
    ...Object.keys(limits).flatMap((limit) => (has[limit] >= limits[limit] ? [] : `${limit} ${limits[limit]} (it has ${has[limit]})`)),
  ];
  if (lacking.length) fail('DeviceError', `this ${what} lacks ${lacking.join(', ')}`);
}

/** @param {GPU | GPUDevice | undefined} given */
export async function openDevice(given) {
  const gpu = given ?? globalThis.navigator?.gpu;
  if (!gpu) {
    fail(
      'DeviceError',
      'there is no WebGPU here; a page needs https or localhost and a browser with WebGPU; in Node, pass create([]) of the package webgpu to load()',
    );
  }
  if ('createBuffer' in gpu) {
    requireAll(gpu, 'device');
    return { device: gpu, isOwn: false, gpu };
  }
  if (!('requestAdapter' in gpu)) fail('ArgumentError', 'load() takes a GPUDevice, or an object like navigator.gpu');
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) fail('DeviceError', 'WebGPU has no adapter here; check the graphics driver');
  requireAll(adapter, 'adapter');
  const requiredFeatures = /** @type {GPUFeatureName[]} */ ([...features]);
  // Dawn in Node needs a reference to the object that the device came from.
  return { device: await adapter.requestDevice({ requiredFeatures, requiredLimits: { ...limits } }), isOwn: true, gpu };
}

/**
 * @param {unknown} given bytes, or an address of the file
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function readWeights(given) {
  /** @type {Uint8Array<ArrayBuffer>} */
  let bytes;
  if (typeof ombreWeights === 'string') {
    const { fromBase64 } = /** @type {{ fromBase64?: (text: string) => Uint8Array<ArrayBuffer> }} */ (/** @type {unknown} */ (Uint8Array));
    bytes = fromBase64?.call(Uint8Array, ombreWeights) ?? Uint8Array.from(atob(ombreWeights), (letter) => letter.charCodeAt(0));
  } else if (given instanceof ArrayBuffer) {
    bytes = new Uint8Array(given);
  } else if (ArrayBuffer.isView(given)) {
    bytes = new Uint8Array(/** @type {ArrayBuffer} */ (given.buffer), given.byteOffset, given.byteLength);
  } else {
    const address = String(given ?? ombreWeights());
    const files = address.startsWith('file:') && globalThis.process?.getBuiltinModule?.('node:fs/promises');
    if (files) bytes = new Uint8Array(await files.readFile(new URL(address)));
    else {
      const response = await fetch(address);
      if (!response.ok) fail('DataError', `${address} gave the status ${response.status}; pass { weights } to load()`);
      bytes = new Uint8Array(await response.arrayBuffer());
    }
  }
  const { weightBytes } = ombreModel;
  if (bytes.length !== weightBytes) {
    fail('FormatError', `the weights have ${bytes.length} bytes, but the module needs ${weightBytes}; they are of another export`);
  }
  return bytes;
}

/**
 * Waits for a map. Firefox reports it late unless work is submitted.
 * @param {GPUDevice} device
 * @param {Promise<undefined>} mapped
 */
export async function settled(device, mapped) {
  if (/\bGecko\/\d/.test(globalThis.navigator?.userAgent)) {
    let isOpen = true;
    const close = () => void (isOpen = false);
    mapped.then(close, close);
    while (isOpen) {
      device.queue.submit([device.createCommandEncoder().finish()]);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
  return mapped;
}
