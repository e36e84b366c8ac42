// Folders of images as a dataset: the folder of an image is its class.
import { ArgumentError, DataError, ShapeError } from '../core/errors.ts';
import { nodeProcess } from '../core/nodeProcess.ts';
import { oneOf, sizes } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { shown } from '../core/shown.ts';
import { type Dataset, type Sample, makeDataset } from '../data/dataset.ts';
import { hostData } from '../data/stack.ts';
import { type FileSource, filePath } from '../formats/places.ts';
import { type Tensor, hostTensor } from '../graph/tensor.ts';
import { resize } from '../ops/resize/resize.ts';
import { type Pixels, decodeImage } from './decodeImage.ts';

export const imageFolderOptions = declareOptions('imageFolder', {
  /** Size that every image is resized to, by linear interpolation with antialiasing. Without it, all images must have one size. */
  size: optional(sizes(2)),
  /** Channels of x: 1 is grey, 3 is RGB, 4 is RGB and opacity. @default 3 */
  channels: optional(oneOf(1, 3, 4), 3),
});
export type ImageFolderOptions = OptionsOf<typeof imageFolderOptions>;

/** A folder that a page may read, with its files and folders: `FileSystemDirectoryHandle` has this form. */
export interface FolderHandle extends AsyncIterable<readonly [name: string, entry: unknown]> {
  readonly kind: 'directory';
}

/** Images in folders, one folder for each class. */
export interface ImageFolder {
  /** Names of the classes 0, 1, ...: the names of the folders in alphabetical order. */
  readonly classNames: readonly string[];
  /** Paths of the images from the folder, in the order of the dataset. */
  readonly files: readonly string[];
  /** Elements { x, y }: x f32 [height, width, channels] in 0..1, y the class as an i32 scalar. */
  readonly dataset: Dataset;
}

interface ImageFile {
  readonly path: string;
  readonly source: FileSource;
}

const where = 'imageFolder';
const isImage = (path: string): boolean => /\.(png|jpe?g|webp|gif|bmp|avif)$/i.test(path) && !/(^|\/)\./.test(path);

/**
 * Lists the images of a folder: a path in Node; in a page the handle of `showDirectoryPicker()` or of a dropped folder, or the files of
 * `<input type="file" webkitdirectory>`. Images are decoded when the dataset is read: in pages by the browser, in Node by the packages pngjs and jpeg-js, which the user installs. Like image_dataset_from_directory
 * of Keras and ImageFolder of torchvision.
 *
 *     const { dataset, classNames } = await imageFolder('photos', { size: 64 });
 *     await model.fit(dataset.cache().shuffle(1000).batch(32));
 *
 * Each size of an original compiles a program for the resize, so a dataset of photos is best kept by cache().
 * @throws DataError if there is no image, ShapeError at an image of another size if `size` is absent, FormatError at a damaged file.
 */
export async function imageFolder(
  folder: string | URL | FolderHandle | Iterable<File>,
  options?: ImageFolderOptions,
): Promise<ImageFolder> {
  const { size, channels } = imageFolderOptions.read(options);
  const isPath = typeof folder === 'string' || folder instanceof URL;
  const found = isPath ? await filesOf(String(folder)) : isHandle(folder) ? await filesOfHandle(folder) : filesOfList(folder);
  const images = found.filter(({ path }) => isImage(path) && path.includes('/'));
  if (images.length === 0) {
    throw new DataError(`${where}: found no image in a folder of its class, such as cats/1.png; ${found.length} other files were found`);
  }
  images.sort((a, b) => (a.path < b.path ? -1 : 1));
  const classOf = (path: string): string => path.slice(0, path.indexOf('/'));
  const classNames = [...new Set(images.map(({ path }) => classOf(path)))].sort();
  const dataset = makeDataset<Sample>(images.length, async function* () {
    let first: { path: string; pixels: Pixels } | undefined;
    for (const { path, source } of images) {
      const pixels = await decodeImage(where, source);
      first ??= { path, pixels };
      const { width, height } = first.pixels;
      if (!size && (pixels.width !== width || pixels.height !== height)) {
        throw new ShapeError(
          `${where}: ${path} has ${pixels.height} x ${pixels.width} pixels, and ${first.path} has ${height} x ${width}; give a size to resize to`,
        );
      }
      const x = tensorOf(pixels, channels);
      const label = Int32Array.of(classNames.indexOf(classOf(path)));
      yield { x: size ? await resized(x, size) : x, y: hostTensor({ shape: [], dtype: 'i32' }, label) };
    }
  });
  return { classNames, files: images.map(({ path }) => path), dataset };
}

async function filesOf(folder: string): Promise<ImageFile[]> {
  const path = filePath(folder);
  if (path === undefined)
    throw new ArgumentError(
      `${where}: folder is ${shown(folder)}; a page takes the handle of a folder or the files of an input, Node takes a path`,
    );
  const system = nodeProcess()!;
  const names = await system.getBuiltinModule('node:fs/promises').readdir(path, { recursive: true });
  const paths = system.getBuiltinModule('node:path');
  return names.map((name) => ({ path: name.replaceAll('\\', '/'), source: paths.join(path, name) }));
}

const isHandle = (folder: unknown): folder is FolderHandle => (folder as Partial<FolderHandle> | undefined)?.kind === 'directory';

/** Files of all levels. A file is opened when it is read. */
async function filesOfHandle(folder: FolderHandle, path = ''): Promise<ImageFile[]> {
  const files: ImageFile[] = [];
  for await (const [name, entry] of folder) {
    if (isHandle(entry)) files.push(...(await filesOfHandle(entry, `${path}${name}/`)));
    else files.push({ path: path + name, source: entry as FileSource });
  }
  return files;
}

/** Files of an input have paths that begin with the chosen folder. */
function filesOfList(list: Iterable<File>): ImageFile[] {
  if (typeof list !== 'object' || list === null || !(Symbol.iterator in list)) {
    throw new ArgumentError(`${where}: folder is ${shown(list)}; it must be a path in Node, the handle of a folder, or a list of files`);
  }
  return Array.from(list, (file) => ({ path: file.webkitRelativePath.replace(/^[^/]*\//, ''), source: file }));
}

/** Grey is the luma of ITU-R BT.601. */
function tensorOf({ width, height, data }: Pixels, channels: 1 | 3 | 4): Tensor {
  const count = width * height;
  const out = new Float32Array(count * channels);
  for (let i = 0; i < count; i++) {
    if (channels === 1) out[i] = (0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2]) / 255;
    else for (let c = 0; c < channels; c++) out[i * channels + c] = data[4 * i + c] / 255;
  }
  return hostTensor({ shape: [height, width, channels], dtype: 'f32' }, out);
}

async function resized(x: Tensor, [height, width]: readonly [number, number]): Promise<Tensor> {
  const batch = hostTensor({ shape: [1, ...x.shape], dtype: 'f32' }, await hostData(x));
  const data = await resize(batch, { size: [height, width], method: 'linear', antialias: true }).data();
  return hostTensor({ shape: [height, width, x.shape[2]], dtype: 'f32' }, data);
}
