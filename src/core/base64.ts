// Base64, as JSON and JavaScript hold bytes.

/** Bytes of a piece. A multiple of 3, so that the texts of pieces join without padding. */
const pieceBytes = 3 * 4096;

export function toBase64(bytes: Uint8Array): string {
  const pieces: string[] = [];
  for (let i = 0; i < bytes.length; i += pieceBytes) pieces.push(btoa(String.fromCharCode(...bytes.subarray(i, i + pieceBytes))));
  return pieces.join('');
}
