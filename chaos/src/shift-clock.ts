/** The environment of a process whose wall clock is shifted by what a file holds (`shifted-clock.ts`). */
import { fileURLToPath } from 'node:url';

const preload = fileURLToPath(new URL('../dist/shifted-clock.js', import.meta.url));

export const shiftedBy = (file: string): Readonly<Record<string, string>> => ({
  CHAOS_CLOCK_FILE: file,
  NODE_OPTIONS: `--import=${new URL(`file://${preload}`).href}`,
});
