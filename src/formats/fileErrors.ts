// Errors of the system about places that cannot be written, in words that name the place and the fix.
import { FileError, OmbreError } from '../core/errors.ts';

const full = 'no space is left; free some, or choose another place';
const readOnly = 'it may not be written; choose another place, or change its permissions';

/** The reason, by the code of Node or the name of a DOMException. */
const reasons: Readonly<Record<string, string>> = {
  ENOSPC: full,
  EDQUOT: full,
  QuotaExceededError: full,
  EROFS: readOnly,
  EACCES: readOnly,
  EPERM: readOnly,
  NotAllowedError: readOnly,
  NoModificationAllowedError: readOnly,
  ENOENT: 'its folder does not exist; make the folder first',
  ENOTDIR: 'a part of its path is a file; choose another place',
  EISDIR: 'it is a folder; add the name of a file',
  ENOTEMPTY: 'it is a folder; add the name of a file',
};

/** The error about a place that cannot be written. An error of the library stays as it is. */
export function writeError(where: string, place: string, error: unknown): Error {
  if (error instanceof OmbreError) return error;
  const { code, name = '', message } = error as Partial<NodeJS.ErrnoException>;
  const reason = reasons[code ?? name] ?? reasons[name];
  return new FileError(`${where}: ${place} cannot be written: ${reason ? `${reason} (${message})` : message}`, { cause: error });
}
