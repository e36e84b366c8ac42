// Files of torch.save() are pickles: programs that make objects when they are read. They are recognised and never run.

const begins = (bytes: Uint8Array, ...start: readonly number[]): boolean => start.every((byte, i) => bytes[i] === byte);

/**
 * Advice for a file of torch.save(), or undefined for other files. Since PyTorch 1.6 it is a zip archive whose first entry is `data.pkl`; before,
 * it was a pickle of protocol 2 or later. The first bytes are not those of the length of a header.
 */
export function pickleAdvice(bytes: Uint8Array): string | undefined {
  const isZip = begins(bytes, 0x50, 0x4b, 3, 4) && new TextDecoder().decode(bytes.subarray(30, 300)).includes('data.pkl');
  const isPickle = begins(bytes, 0x80) && bytes[1] >= 2 && bytes[1] <= 5;
  if (!isZip && !isPickle) return undefined;
  return (
    'it is a pickle of PyTorch, which can run any code when it is read; convert it in Python: ' +
    "weights = torch.load('model.bin', map_location='cpu'), then " +
    "safetensors.torch.save_file({name: weight.clone().contiguous() for name, weight in weights.items()}, 'model.safetensors')"
  );
}
