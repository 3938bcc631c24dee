/**
 * What a sync of a commit costs while SQLite's log grows, and where it has its length already.
 * Usage: node apps/orchestrator/bench/sync-cost.mjs (after a build); the database is made beside the temporary files.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite from 'better-sqlite3';
import { CommitSync } from '../dist/store/commit-sync.js';

const commitCount = 1_500;
const logBytes = 4_000 * 4_120;

const measure = (roomBytes) => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-sync-cost-'));
  const sql = new BetterSqlite(join(folder, 'measured.sqlite'));
  sql.pragma('journal_mode = WAL');
  sql.pragma('wal_autocheckpoint = 4000');
  sql.exec('CREATE TABLE texts (value TEXT)');
  const sync = new CommitSync(sql, roomBytes);
  const insert = sql.prepare('INSERT INTO texts (value) VALUES (?)');
  const times = [];
  for (let count = 0; count < commitCount; count += 1) {
    insert.run('x'.repeat(5_000));
    const startedAt = performance.now();
    sync.durableNow();
    times.push(performance.now() - startedAt);
  }
  sync.close();
  sql.close();
  rmSync(folder, { recursive: true });
  return times.sort((one, other) => one - other)[commitCount / 2];
};

for (let round = 1; round <= 3; round += 1)
  process.stdout.write(
    `median of a sync: ${measure(0).toFixed(2)} ms while the log grows, ${measure(logBytes).toFixed(2)} ms where it has its length\n`,
  );
