// Checksum of HDF5's metadata.

const rotate = (x: number, by: number): number => (x << by) | (x >>> (32 - by));

/** The hash `lookup3` of Bob Jenkins, 2006, with the first value 0. */
export function checksum(bytes: Uint8Array): number {
  let [a, b, c] = new Array<number>(3).fill((0xdeadbeef + bytes.length) | 0);
  const word = (at: number): number =>
    (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
  let at = 0;
  for (; bytes.length - at > 12; at += 12) {
    [a, b, c] = [(a + word(at)) | 0, (b + word(at + 4)) | 0, (c + word(at + 8)) | 0];
    a = (a - c) ^ rotate(c, 4);
    c = (c + b) | 0;
    b = (b - a) ^ rotate(a, 6);
    a = (a + c) | 0;
    c = (c - b) ^ rotate(b, 8);
    b = (b + a) | 0;
    a = (a - c) ^ rotate(c, 16);
    c = (c + b) | 0;
    b = (b - a) ^ rotate(a, 19);
    a = (a + c) | 0;
    c = (c - b) ^ rotate(b, 4);
    b = (b + a) | 0;
  }
  if (bytes.length === at) return c >>> 0;
  [a, b, c] = [(a + word(at)) | 0, (b + word(at + 4)) | 0, (c + word(at + 8)) | 0];
  c = (c ^ b) - rotate(b, 14);
  a = (a ^ c) - rotate(c, 11);
  b = (b ^ a) - rotate(a, 25);
  c = (c ^ b) - rotate(b, 16);
  a = (a ^ c) - rotate(c, 4);
  b = (b ^ a) - rotate(a, 14);
  c = (c ^ b) - rotate(b, 24);
  return c >>> 0;
}
