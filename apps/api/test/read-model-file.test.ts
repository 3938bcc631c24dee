/** What becomes of the file of the read model: another's, reset, or behind a stream that has dropped what was not read. */
import { describe, expect, test } from 'vitest';
import { Projection } from '../src/read-model/projection.js';
import type { ReadModelDatabase } from '../src/read-model/schema.js';
import { applyAll, makeHistory, readModelFiles, rowsOf } from './support/read-models.js';

const { openAt } = readModelFiles();

describe('the file of the read model', () => {
  test('of another workspace or schema version is built again', async () => {
    const { stream } = await makeHistory();
    const first = openAt('file.db');
    applyAll(first, stream);
    first.pragma('user_version = 999');
    first.close();
    const second = openAt('file.db');
    expect(second.prepare('SELECT count(*) FROM runs').pluck().get()).toBe(0);
    applyAll(second, stream);
    second.close();
    const other = openAt('file.db', 'other');
    expect(other.prepare('SELECT count(*) FROM runs').pluck().get()).toBe(0);
    expect(new Projection(other, 'other').position.streamSequence).toBe(0);
  });

  test('reset while it is open, takes the stream from its beginning', async () => {
    const { stream } = await makeHistory();
    const db = openAt('file.db');
    const projection = applyAll(db, stream);
    const before = rowsOf(db);
    projection.reset();
    expect(projection.position.streamSequence).toBe(0);
    projection.apply(stream);
    projection.commit();
    expect(rowsOf(db)).toEqual(before);
  });
});

describe('a stream whose limits have dropped what was not read', () => {
  /** Up to where the first runs have begun, and none has ended but `run-d`. */
  const halfRead = async () => {
    const { stream } = await makeHistory();
    const whole = openAt(':memory:');
    applyAll(whole, stream);
    const until = stream.findIndex(({ data }) => Buffer.from(data).toString().includes('run.cancelled')) + 1;
    return { stream, whole, until };
  };
  const openOf = (db: ReadModelDatabase): string[] =>
    db.prepare<[], string>('SELECT run_id FROM runs WHERE ended_at IS NULL').pluck().all();

  test('leaves nothing to say of runs that had not ended, and of others all that was known', async () => {
    const { stream, until } = await halfRead();
    expect(until).toBeGreaterThan(0);
    const db = openAt('file.db');
    const projection = applyAll(db, stream.slice(0, until));
    db.exec("INSERT INTO quarantines VALUES ('run-a', 'why', 1)");
    const open = openOf(db);
    expect(open.length).toBeGreaterThan(1);
    const ended = rowsOf(db).runs?.filter((row) => !open.some((runId) => row.includes(runId)));
    expect(projection.passOver(until + 5)).toBe(open.length);
    expect([rowsOf(db).runs, openOf(db)]).toEqual([ended, []]);
    for (const table of ['events', 'steps', 'approvals', 'quarantines'])
      expect(db.prepare(`SELECT DISTINCT run_id FROM ${table}`).pluck().all()).not.toEqual(
        expect.arrayContaining([expect.stringMatching(open.join('|'))]),
      );
    expect(projection.position).toMatchObject({ streamSequence: until + 5, storedAt: null });
    for (const runId of open) expect(projection.states.get(runId).seq).toBe(0);
  });

  test('is made good by what is told again, also where a part of it is there in between', async () => {
    const { stream, whole, until } = await halfRead();
    const db = openAt('file.db');
    const projection = applyAll(db, stream.slice(0, until));
    // So much is dropped, the rest is read, and then everything is told.
    const from = stream.length - 3;
    projection.passOver(from);
    projection.apply(stream.slice(from));
    projection.apply(stream.map((message, index) => ({ ...message, sequence: stream.length + index + 1 })));
    projection.commit();
    expect(rowsOf(db, { ignoringArrival: true })).toEqual(rowsOf(whole, { ignoringArrival: true }));
    expect(projection.contradictionCount).toBe(0);
  });
});
