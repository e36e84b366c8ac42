// Names and numbers of examples as text.

/** `bitsPerCharacter` as `bits per character`, and `val_loss` as `validation loss`. */
export function inWords(name: string): string {
  const words = name.replace(/^val_/, 'validation ').replace(/_/g, ' ');
  return words.replace(/([a-z])([A-Z])(?![A-Z])/g, (_, before: string, letter: string) => `${before} ${letter.toLowerCase()}`);
}

/** About four digits. Whole numbers have all of theirs. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value)) return value.toLocaleString('en');
  return Math.abs(value) < 1e-3 ? value.toExponential(1) : String(Number(value.toPrecision(4)));
}
