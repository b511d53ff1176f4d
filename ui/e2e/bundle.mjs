// The editor's modeler without the pages around it, for scripts that open and save many files, or measure it.
import { build } from 'esbuild';
import { fileURLToPath } from 'node:url';

export async function modelerScript() {
  const done = await build({
    stdin: {
      contents: `export { createModeler, openIn, xmlOf, blank } from './src/editor/modeler.ts';
        export { written, read } from './src/editor/clipboard.ts';
        export * as model from './src/editor/model.ts';`,
      resolveDir: fileURLToPath(new URL('..', import.meta.url)),
      loader: 'ts',
    },
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'segue',
    target: 'es2022',
    logLevel: 'silent',
  });
  return done.outputFiles[0].text;
}
