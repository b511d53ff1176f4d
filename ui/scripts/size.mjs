// Adds up what the first page loads (the entry, the home page, what both import at once, their styles), gzipped, and
// fails above the bound.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const BOUND = 300_000;
const folder = new URL('../../src/segue/web/static/', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('.vite/manifest.json', folder), 'utf8'));

function files(name, found) {
  const chunk = manifest[name];
  if (found.has(chunk.file)) return found;
  found.add(chunk.file);
  for (const style of chunk.css ?? []) found.add(style);
  for (const other of chunk.imports ?? []) files(other, found);
  return found;
}

const entry = Object.keys(manifest).find((name) => manifest[name].isEntry);
const first = [...files('src/pages/Home.tsx', files(entry, new Set()))];
const total = first.reduce((sum, file) => sum + gzipSync(readFileSync(new URL(file, folder))).length, 0);
console.log(`First load: ${(total / 1000).toFixed(1)} kB gzipped in ${first.length} files (bound ${BOUND / 1000} kB)`);
if (total > BOUND) {
  console.error('The first load is too large. Load what the first page does not need with import().');
  process.exit(1);
}
