/** However large a run is and however many read it, one answer is bounded and everybody else has a turn. */
import { afterEach, describe, expect, test } from 'vitest';
import { createRunStreams } from '../src/http/run-stream.js';
import { Turns } from '../src/http/turns.js';
import { createRunQueries } from '../src/read-model/run-queries.js';
import { openReadModelDatabase, type ReadModelDatabase } from '../src/read-model/schema.js';
import { RunFeed } from '../src/run-feed.js';

const runId = 'big';

const openRun = (counts: {
  steps?: number;
  events?: number;
  eventCharacters?: number;
}): ReadModelDatabase => {
  const db = openReadModelDatabase(':memory:', 'default');
  const { steps = 0, events = 0, eventCharacters = 10 } = counts;
  db.prepare(
    `INSERT INTO runs (run_id, workflow_id, workflow_version, workflow_digest, status, input, started_by, started_at)
     VALUES (?, 'w', 1, 'd', 'RUNNING', '{}', 'user:a', 0)`,
  ).run(runId);
  const step = db.prepare(
    `INSERT INTO steps (run_id, step_id, began_sequence, scope, state, visit, kind, status, scheduled_at)
     VALUES (?, ?, ?, '', 's', 1, 'operation', 'SUCCEEDED', 0)`,
  );
  const event = db.prepare(
    'INSERT INTO events (stream_sequence, run_id, sequence, type, at, data) VALUES (?, ?, ?, ?, 0, ?)',
  );
  const data = JSON.stringify({ type: 't', text: 'x'.repeat(eventCharacters) });
  db.transaction(() => {
    // Two steps begin with the same event, so that the order needs the id, too.
    for (let index = 0; index < steps; index += 1) step.run(runId, `s${index}`, 1 + (index >> 1));
    for (let index = 1; index <= events; index += 1) event.run(index, runId, index, 't', data);
  })();
  return db;
};

let db: ReadModelDatabase;
afterEach(() => db?.close());

describe('a run of 50,000 steps', () => {
  test('comes with a page of its steps, and the pages behind it hold each of the others once', () => {
    db = openRun({ steps: 50_000 });
    const queries = createRunQueries(db);
    const run = queries.findRun(runId);
    expect(run?.steps).toHaveLength(200);
    const seen = new Set(run?.steps.map(({ stepId }) => stepId));
    for (let next = run?.nextStep; next !== undefined; ) {
      const page = queries.listSteps(runId, 1_000, next);
      for (const { stepId } of page.items) {
        expect(seen.has(stepId)).toBe(false);
        seen.add(stepId);
      }
      next = page.next;
    }
    expect(seen.size).toBe(50_000);
  });

  test('is paged by an index: no page sorts the whole run', () => {
    db = openRun({ steps: 10 });
    const plan = db
      .prepare<unknown[], { detail: string }>(
        `EXPLAIN QUERY PLAN SELECT * FROM steps WHERE run_id = ? AND (began_sequence, step_id) > (?, ?)
         ORDER BY began_sequence, step_id LIMIT ?`,
      )
      .all(runId, 0, '', 10)
      .map(({ detail }) => detail)
      .join('\n');
    expect(plan).toContain('steps_in_order');
    expect(plan).not.toContain('TEMP B-TREE');
  });
});

test('a page of events ends where it becomes large, and has at least one', () => {
  db = openRun({ events: 30, eventCharacters: 300_000 });
  const { listEvents, listEventTexts } = createRunQueries(db);
  const page = listEvents(runId, 0, 1_000);
  expect(page.items.length).toBeLessThan(10);
  expect(page.hasMore).toBe(true);
  expect(listEventTexts(runId, 29, 200, 10)).toHaveLength(1);
});

/** Streams over real rows, counting what is read. */
const openStreams = (maxStreamCount = 2_000) => {
  const feed = new RunFeed();
  const queries = createRunQueries(db);
  const read: number[] = [];
  const listEventTexts: typeof queries.listEventTexts = (id, after, limit, characters) => {
    read.push(after);
    return queries.listEventTexts(id, after, limit, characters);
  };
  const readModel = { ...queries, listEventTexts } as unknown as Parameters<
    typeof createRunStreams
  >[0]['readModel'];
  const streams = createRunStreams({
    readModel,
    feed,
    turns: new Turns(),
    heartbeatMs: 60_000,
    maxStreamCount,
  });
  const follow = (after = 0) => {
    const reader = streams.open(runId, after)?.body?.getReader();
    if (reader === undefined) throw new Error('there is no stream');
    return {
      next: async () => new TextDecoder().decode((await reader.read()).value),
      leave: () => reader.cancel(),
    };
  };
  const addEvent = (): void => {
    const sequence = (queries.findRunHead(runId)?.sequence ?? 0) + 1;
    db.prepare(
      'INSERT INTO events (stream_sequence, run_id, sequence, type, at, data) VALUES (?, ?, ?, ?, 0, ?)',
    ).run(sequence, runId, sequence, 't', '{}');
    feed.tell(new Set([runId]));
  };
  return { streams, follow, read, addEvent };
};

describe('streams of a busy run', () => {
  test('a thousand followers share one reading of each event', async () => {
    db = openRun({ events: 3 });
    const { follow, read, addEvent, streams } = openStreams();
    const followers = Array.from({ length: 1_000 }, () => follow());
    expect(streams.openCount).toBe(0);
    await Promise.all(followers.map(({ next }) => next()));
    expect(streams.openCount).toBe(1_000);
    for (const text of await Promise.all(followers.map(({ next }) => next())))
      expect(text).toContain('id: 3\n');
    const waiting = followers.map(({ next }) => next());
    addEvent();
    for (const text of await Promise.all(waiting)) expect(text).toContain('id: 4\n');
    expect(read).toEqual([0, 3]);
    await Promise.all(followers.map(({ leave }) => leave()));
    expect(streams.openCount).toBe(0);
  });

  test('nothing is read for a client that does not take what it was sent', async () => {
    db = openRun({ events: 10_000 });
    const { follow, read } = openStreams();
    const slow = follow();
    const quick = follow();
    await quick.next();
    for (let text = ''; !text.includes('id: 10000\n'); ) text = await quick.next();
    const { length } = read;
    expect(length).toBe(10_000 / 200);
    await slow.next();
    await slow.next();
    expect(read.length).toBeLessThanOrEqual(length + 1);
    await Promise.all([slow.leave(), quick.leave()]);
  });

  test('one stream more than the limit is refused with 503 and when to come back; one that ends makes room', async () => {
    db = openRun({ events: 1 });
    const { follow } = openStreams(2);
    const first = follow();
    await Promise.all([first.next(), follow().next()]);
    expect(() => follow()).toThrow(
      expect.objectContaining({
        status: 503,
        code: 'TOO_MANY_STREAMS',
        details: expect.objectContaining({ headers: { 'retry-after': '5' } }),
      }),
    );
    await first.leave();
    await follow().next();
  });
});

test('readers take turns: what else there is to do waits for a few of them, never for all', async () => {
  const turns = new Turns();
  let doneCount = 0;
  const rounds: number[] = [];
  const others = async (): Promise<void> => {
    for (let before = 0; doneCount < 1_000; before = doneCount) {
      await new Promise((resolve) => setImmediate(resolve));
      rounds.push(doneCount - before);
    }
  };
  const readers = Array.from({ length: 1_000 }, () =>
    turns.run('run-1', () => {
      doneCount += 1;
    }),
  );
  await Promise.all([...readers, others()]);
  expect(doneCount).toBe(1_000);
  expect(Math.max(...rounds)).toBeLessThanOrEqual(32);
});

test('who reads one run waits for one reader of another, however many those are', async () => {
  const turns = new Turns();
  const done: string[] = [];
  const read = (runId: string, name: string): Promise<number> => turns.run(runId, () => done.push(name));
  const many = Array.from({ length: 100 }, (_, index) => read('large', `large ${index}`));
  const others = [read('other', 'other'), read('third', 'third')];
  await Promise.all([...many, ...others]);
  expect(done.slice(0, 4)).toEqual(['large 0', 'other', 'third', 'large 1']);
  expect(done.slice(4)).toEqual(Array.from({ length: 98 }, (_, index) => `large ${index + 2}`));
});
