import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCheckpoints } from '@signalbox/data-folder';
import BetterSqlite, { type Database } from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';

let folder: string;
let file: string;
let sql: Database;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-checkpoints-'));
  file = join(folder, 'signalbox.db');
  sql = new BetterSqlite(file);
  sql.pragma('journal_mode = WAL');
  sql.pragma('wal_autocheckpoint = 0');
  sql.exec('CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT)');
});
afterEach(async () => {
  sql.close();
  await rm(folder, { recursive: true, force: true });
});

const write = (count: number): void => {
  const insert = sql.prepare('INSERT INTO rows (text) VALUES (?)');
  sql.transaction(() => {
    for (let index = 0; index < count; index += 1) insert.run('x'.repeat(1_000));
  })();
};

/** How often the log has begun anew, in its head. https://www.sqlite.org/fileformat2.html#wal_file_format */
const roundOfLog = (): number => readFileSync(`${file}-wal`).readUInt32BE(12);

test('what is committed is moved over by the thread, and the log begins anew although nobody else moves it', async () => {
  const checkpoints = startCheckpoints(file);
  write(1);
  const before = roundOfLog();
  const written = (): number => {
    write(100);
    return roundOfLog();
  };
  await expect.poll(written, { timeout: 20_000 }).toBeGreaterThan(before);
  await checkpoints.close();
  expect(sql.pragma('integrity_check', { simple: true })).toBe('ok');
});

test('a thread that cannot open the file ends by itself, and takes nobody with it', async () => {
  const checkpoints = startCheckpoints(join(folder, 'missing.db'));
  await checkpoints.close();
  write(1);
  expect(sql.prepare('SELECT count(*) FROM rows').pluck().get()).toBe(1);
});

test('after its end the thread has nothing open: the last connection takes the log away', async () => {
  const checkpoints = startCheckpoints(file);
  write(1);
  await checkpoints.close();
  sql.close();
  expect(() => readFileSync(`${file}-wal`)).toThrow('ENOENT');
});
