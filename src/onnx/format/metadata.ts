// Metadata that the library writes into its own files.

/** Names of initializers that training does not change, as a list in JSON. */
export const stateKey = 'ombre.state';

/** The list under a key; empty for other files. */
export function namesIn(metadata: readonly { readonly key: string; readonly value: string }[], key: string): readonly string[] {
  const text = metadata.find((entry) => entry.key === key)?.value;
  if (text === undefined) return [];
  try {
    const names: unknown = JSON.parse(text);
    return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [];
  } catch {
    return [];
  }
}
