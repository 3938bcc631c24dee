/**
 * What many readers cost everybody else: `node apps/api/bench/readers.mjs [streams] [pagers] [seconds]`.
 *
 * The api's routes over a real socket and a real read model; the readers and the one who measures are a process of their
 * own. `streams` follow one run that has ten more events every 20 ms; `pagers` read a run of 50,000 steps from its first
 * page to its last, again and again. Told: how long a short list of runs takes meanwhile.
 */
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, get as httpGet } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { Confirmations } from '../dist/commands/confirmations.js';
import { createApp } from '../dist/http/app.js';
import { listen } from '../dist/http/server.js';
import { Turns } from '../dist/http/turns.js';
import { openReadModel } from '../dist/read-model/read-model.js';
import { RunFeed } from '../dist/run-feed.js';

const [streamCount, pagerCount, seconds] = [1_000, 20, 10].map((fallback, index) =>
  Number(process.argv[index + 2] ?? fallback),
);
const stepCount = 50_000;

const fill = (db) => {
  const run = db.prepare(
    `INSERT INTO runs (run_id, workflow_id, workflow_version, workflow_digest, status, input, started_by, started_at)
     VALUES (?, 'w', 1, 'd', 'RUNNING', '{}', 'user:a', 0)`,
  );
  const step = db.prepare(
    `INSERT INTO steps (run_id, step_id, began_sequence, scope, state, visit, kind, status, scheduled_at)
     VALUES ('big', ?, ?, '', 's', 1, 'operation', 'SUCCEEDED', 0)`,
  );
  db.transaction(() => {
    for (const id of ['big', 'busy']) run.run(id);
    for (let index = 0; index < stepCount; index += 1) step.run(`s${index}`, index);
  })();
};

const serve = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-readers-'));
  const file = join(folder, 'api.sqlite');
  const feed = new RunFeed();
  const readModel = openReadModel({
    database: file,
    workspace: 'default',
    confirmations: new Confirmations(1_000),
    onContradiction: (what) => console.error(what),
    fail: (error) => console.error(error),
    feed,
  });
  readModel.apply([], { caughtUp: true });
  const turns = new Turns();
  const db = new Database(file);
  fill(db);
  const app = createApp({
    workspace: 'default',
    readModel,
    feed,
    isConnected: () => true,
    onInternalError: (error) => console.error(error),
    turns,
    heartbeatMs: 15_000,
    maxStreamCount: streamCount,
  });
  const server = await listen(app.fetch, '127.0.0.1', 0);
  const event = db.prepare(
    "INSERT INTO events (stream_sequence, run_id, sequence, type, at, data) VALUES (?, 'busy', ?, 't', 0, ?)",
  );
  const data = JSON.stringify({ type: 't', text: 'x'.repeat(300) });
  let last = 0;
  const tick = db.transaction(() => {
    for (let count = 0; count < 10; count += 1) event.run(++last, last, data);
  });
  const busy = setInterval(() => {
    tick();
    feed.tell(new Set(['busy']));
  }, 20);
  const reader = fork(
    new URL(import.meta.url).pathname,
    [streamCount, pagerCount, seconds, server.port].map(String),
  );
  await new Promise((resolve) => reader.once('exit', resolve));
  clearInterval(busy);
  feed.close();
  await server.close();
  turns.close();
  readModel.close();
  db.close();
  rmSync(folder, { recursive: true });
};

const percentile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

const read = async (port) => {
  const base = `http://127.0.0.1:${port}/api/v1/workflow-runs`;
  const agent = new Agent({ keepAlive: true });
  let isOver = false;
  let chunkCount = 0;
  let pageCount = 0;
  const json = (url) =>
    new Promise((resolve, reject) => {
      httpGet(url, { agent }, (response) => {
        let text = '';
        response.on('data', (chunk) => (text += chunk));
        response.on('end', () => resolve(JSON.parse(text)));
      }).on('error', reject);
    });
  // Measured is what they cost once they are there, not a thousand of them knocking at once.
  const follow = () =>
    new Promise((resolve) => {
      httpGet(`${base}/busy/stream`, (response) => {
        response.on('data', () => {
          chunkCount += 1;
          resolve();
        });
      }).on('error', () => undefined);
    });
  await Promise.all(Array.from({ length: streamCount }, follow));
  chunkCount = 0;
  const page = async () => {
    for (let cursor = ''; !isOver; pageCount += 1) {
      const { nextCursor } = await json(`${base}/big/steps?limit=200${cursor}`);
      cursor = nextCursor === null ? '' : `&cursor=${nextCursor}`;
    }
  };
  for (let index = 0; index < pagerCount; index += 1) void page();
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const took = [];
  const end = performance.now() + seconds * 1_000;
  while (performance.now() < end) {
    const began = performance.now();
    await json(`${base}?limit=10`);
    took.push(performance.now() - began);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  isOver = true;
  took.sort((a, b) => a - b);
  const ms = (share) => `${percentile(took, share).toFixed(1)} ms`;
  console.log(
    `${streamCount} streams (${chunkCount} chunks), ${pagerCount} pagers (${pageCount} pages of 200 steps): a list of runs p50 ${ms(0.5)}, p99 ${ms(0.99)}, max ${ms(1)} of ${took.length}`,
  );
  process.exit(0);
};

const port = process.argv[5];
if (port === undefined) await serve();
else await read(Number(port));
