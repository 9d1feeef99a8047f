/* The page stays small: the build fails over these limits (gzip, as the server sends it). */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const ENTRY_MAX = 60 * 1024;
const ALL_MAX = 250 * 1024;
const dist = join(import.meta.dirname, 'dist');

const gzipSize = (file) => gzipSync(readFileSync(join(dist, file)), { level: 9 }).length;
const files = readdirSync(dist, { recursive: true }).filter((file) => statSync(join(dist, file)).isFile());
const html = readFileSync(join(dist, 'index.html'), 'utf8');
const entry = ['index.html', ...[...html.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map((m) => m[1])];
const sum = (list) => list.reduce((total, file) => total + gzipSize(file), 0);
const [entrySize, allSize] = [sum(entry), sum(files)];
const kib = (n) => `${(n / 1024).toFixed(1)} KiB`;

console.log(`page: entry ${kib(entrySize)} of ${kib(ENTRY_MAX)}, all ${kib(allSize)} of ${kib(ALL_MAX)} (gzip)`);
if (/<script(?![^>]*\ssrc=)|\sstyle=|<style/.test(html)) {
  console.error('page: dist/index.html has an inline script or style, which the policy forbids');
  process.exitCode = 1;
}
if (entrySize > ENTRY_MAX || allSize > ALL_MAX) {
  console.error('page: over the limit; load what is rarely needed lazily, or leave it out');
  process.exitCode = 1;
}
