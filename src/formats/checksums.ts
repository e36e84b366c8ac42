// Checksums of archives, of compressed data and of records.

/** Table of CRC-32 (IEEE 802.3, reflected polynomial 0xedb88320) for the four bytes of a word: slicing by 4. */
const tables = /* @__PURE__ */ (() => {
  const first = Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    return value;
  });
  const list = [first];
  for (let i = 1; i < 4; i++) list.push(list[i - 1].map((value) => (value >>> 8) ^ first[value & 255]));
  return list;
})();

/** CRC-32 of bytes, as zip has it. */
export function crc32(bytes: Uint8Array): number {
  const [t0, t1, t2, t3] = tables;
  let crc = 0xffffffff;
  let i = 0;
  for (const end = bytes.length - 3; i < end; i += 4) {
    crc ^= bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24);
    crc = t3[crc & 255] ^ t2[(crc >>> 8) & 255] ^ t1[(crc >>> 16) & 255] ^ t0[crc >>> 24];
  }
  for (; i < bytes.length; i++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[i]) & 255];
  return ~crc >>> 0;
}

/** Adler-32 of bytes, as zlib has it (RFC 1950). */
export function adler32(bytes: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (let i = 0; i < bytes.length;) {
    // Sums of 3800 bytes stay below 2^32.
    for (const end = Math.min(bytes.length, i + 3800); i < end; i++) b += a += bytes[i];
    a %= 65521;
    b %= 65521;
  }
  return b * 65536 + a;
}
