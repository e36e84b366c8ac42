/** The files of CIFAR-10, binary version, in a folder of the user: data_batch_1.bin to data_batch_5.bin and test_batch.bin. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export const cifarFiles =
  (folder: string) =>
  async (name: string): Promise<Uint8Array> => {
    try {
      return await readFile(join(folder, name));
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : String(error);
      throw new Error(
        `${join(folder, name)}: ${reason}. Extract cifar-10-binary.tar.gz from https://www.cs.toronto.edu/~kriz/cifar.html, and give the folder with the .bin files`,
        { cause: error },
      );
    }
  };
