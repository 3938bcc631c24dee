/** What the read model makes of the log, whatever is reordered, doubled, contradicted or broken off on the way. */
import { runStatus, stepIds, stepView } from '@signalbox/engine';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyInTurns } from '../src/read-model/apply-in-turns.js';
import { Projection, type StreamMessage } from '../src/read-model/projection.js';
import { openReadModel } from '../src/read-model/read-model.js';
import { createRunQueries } from '../src/read-model/run-queries.js';
import { openReadModelDatabase } from '../src/read-model/schema.js';
import { RunFeed } from '../src/run-feed.js';
import { workspace } from './support/in-memory-orchestrator.js';
import { applyAll, makeHistory, readModelFiles, renumbered, rowsOf } from './support/read-models.js';

const { openAt, pathOf } = readModelFiles();

describe('the projection', () => {
  test('gives runs and steps the status that the engine gives them', async () => {
    const orchestrator = await makeHistory();
    const db = openAt(':memory:');
    applyAll(db, orchestrator.stream);
    const queries = createRunQueries(db);
    for (const runId of orchestrator.runIds) {
      const state = orchestrator.state(runId);
      const run = queries.findRun(runId);
      expect(run?.status).toBe(runStatus(state));
      expect(run?.sequence).toBe(state.seq);
      const expected = stepIds(state).map((stepId) => [stepId, stepView(state, stepId)?.status]);
      expect(run?.steps.map(({ stepId, status }) => [stepId, status])).toEqual(expected);
    }
    expect(queries.findRun('run-a')?.status).toBe('WAITING_APPROVAL');
    expect(queries.findRun('run-b')?.status).toBe('COMPLETED');
    expect(queries.findRun('run-d')?.status).toBe('CANCELLED');
    expect(queries.findRun('run-e')).toBeUndefined();
  });

  test('finds that the log says something else under a sequence that it has, and keeps what came first', async () => {
    const { stream } = await makeHistory();
    const db = openAt(':memory:');
    const projection = applyAll(db, stream);
    const before = rowsOf(db);
    const repeated = stream.map((message, index) => ({ ...message, sequence: stream.length + index + 1 }));
    expect(projection.apply(repeated).contradictions).toEqual([]);
    expect(projection.contradictionCount).toBe(0);
    expect(rowsOf(db)).toEqual(before);

    const altered = repeated
      .filter(({ subject }) => subject.startsWith('wf.event.run.') || subject.startsWith('wf.event.catalog.'))
      .map((message, index) => ({
        ...message,
        sequence: 2 * stream.length + index + 1,
        data: Buffer.from(
          Buffer.from(message.data)
            .toString()
            .replace(/"time":"[^"]+"/, '"time":"2020-01-01T00:00:00.000Z"'),
        ),
      }));
    const ofHistories = altered.filter(({ data }) => !data.toString().includes('"sequence":0'));
    const { contradictions } = projection.apply(altered);
    expect(contradictions).toHaveLength(ofHistories.length);
    expect(projection.contradictionCount).toBe(ofHistories.length);
    expect(contradictions.join()).toMatch(/event 1 of run run-a is in the log twice, with different content/);
    expect(contradictions.join()).toMatch(/event 1 of the catalog of workspace/);
    projection.commit();
    const { dead_letters: letters, ...rows } = rowsOf(db);
    expect(letters).toHaveLength((before.dead_letters?.length ?? 0) + ofHistories.length);
    const { dead_letters: _, ...rowsBefore } = before;
    expect(rows).toEqual(rowsBefore);
  });

  test('says which way a switch took', async () => {
    const orchestrator = await makeHistory();
    const db = openAt(':memory:');
    applyAll(db, orchestrator.stream);
    const pathOf = (runId: string) =>
      createRunQueries(db)
        .findRun(runId)
        ?.steps.find(({ state }) => state === 'decide')?.path;
    expect(pathOf('run-a')).toEqual({ matched: 0, next: 'ask' });
    expect(pathOf('run-b')).toEqual({ matched: -1, next: 'report' });
  });

  test('gives the same rows whatever the size of the batches', async () => {
    const { stream } = await makeHistory();
    const whole = openAt('whole.db');
    applyAll(whole, stream);
    for (const size of [1, 2, 7]) {
      const parts = openAt(`parts-${size}.db`);
      applyAll(parts, stream, size);
      expect(rowsOf(parts)).toEqual(rowsOf(whole));
    }
  });

  test('started again in the middle, gives the same rows as one pass', async () => {
    const { stream } = await makeHistory();
    const whole = openAt('whole.db');
    applyAll(whole, stream);
    for (let cut = 1; cut < stream.length; cut += 5) {
      const first = openAt(`cut-${cut}.db`);
      applyAll(first, stream.slice(0, cut));
      first.close();
      const second = openAt(`cut-${cut}.db`);
      // The stream may bring again what was applied before the restart.
      applyAll(second, stream.slice(Math.max(0, cut - 3)));
      expect(rowsOf(second)).toEqual(rowsOf(whole));
    }
  });

  test('gives the same rows whatever is reordered and doubled on the way, and holds nothing back at the end', async () => {
    const { stream } = await makeHistory();
    const whole = openAt('whole.db');
    applyAll(whole, stream);
    const expected = rowsOf(whole, { ignoringArrival: true });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(stream.length - 1), fc.nat(stream.length - 1)), { maxLength: 30 }),
        fc.array(fc.nat(stream.length - 1), { maxLength: 10 }),
        fc.integer({ min: 1, max: 9 }),
        (swaps, doubled, batch) => {
          const mixed = [...stream];
          for (const [a, b] of swaps)
            [mixed[a], mixed[b]] = [mixed[b] as StreamMessage, mixed[a] as StreamMessage];
          for (const index of doubled) mixed.push(stream[index] as StreamMessage);
          const db = openReadModelDatabase(':memory:', workspace);
          applyAll(db, renumbered(mixed), batch);
          expect(rowsOf(db, { ignoringArrival: true })).toEqual(expected);
          db.close();
        },
      ),
      { numRuns: 60 },
    );
  });

  test('holds back what follows a gap, over a restart, until the gap is filled', async () => {
    const { stream } = await makeHistory();
    const runMessages = stream.filter(({ data }) => Buffer.from(data).includes('runs/run-b'));
    const [first, missing, ...rest] = renumbered(runMessages);
    if (first === undefined || missing === undefined) throw new Error('the run has too few events');
    const db = openAt('gap.db');
    applyAll(db, [first, ...rest]);
    expect(createRunQueries(db).findRunHead('run-b')?.sequence).toBe(1);
    expect(db.prepare('SELECT count(*) FROM held_events').pluck().get()).toBe(rest.length);
    db.close();
    const again = openAt('gap.db');
    applyAll(again, [{ ...missing, sequence: 1_000 }]);
    expect(createRunQueries(again).findRunHead('run-b')?.sequence).toBe(runMessages.length);
    expect(again.prepare('SELECT count(*) FROM held_events').pluck().get()).toBe(0);
  });

  test('says of its place when that was stored, and of one that it has only heard of nothing', async () => {
    const { stream } = await makeHistory();
    const projection = new Projection(openAt('heard.db'), workspace);
    const [first, second] = [stream[0] as StreamMessage, stream[1] as StreamMessage];
    projection.apply([{ ...first, isHeard: true }]);
    expect(projection.position).toMatchObject({ streamSequence: first.sequence, storedAt: null });
    projection.apply([second]);
    expect(projection.position).toMatchObject({ streamSequence: second.sequence, storedAt: second.storedAt });
  });

  test('keeps what cannot be an event as a dead letter and goes on', async () => {
    const { stream } = await makeHistory();
    const db = openAt(':memory:');
    const garbage = (sequence: number, text: string) => ({
      sequence,
      subject: 'wf.event.run.default.run-z',
      storedAt: 5,
      data: Buffer.from(text),
    });
    const noStart = Buffer.from(stream[6]?.data ?? '')
      .toString()
      .replaceAll('run-a', 'run-z')
      .replace(/"sequence":\d+/, '"sequence":1');
    const messages = [
      garbage(1, 'not json'),
      garbage(2, noStart),
      ...stream.map((message) => ({ ...message, sequence: message.sequence + 2 })),
    ];
    applyAll(db, messages);
    const ids = db.prepare('SELECT id FROM dead_letters ORDER BY id').pluck().all();
    expect(ids).toEqual(['WORKFLOW_EVENTS/1', 'WORKFLOW_EVENTS/2']);
    expect(createRunQueries(db).findRun('run-b')?.status).toBe('COMPLETED');
  });

  test('leaves another workspace out', async () => {
    const { stream } = await makeHistory();
    const db = openAt(':memory:', 'other');
    const projection = new Projection(db, 'other');
    projection.apply(stream);
    expect(db.prepare('SELECT count(*) FROM runs').pluck().get()).toBe(0);
    expect(projection.position.streamSequence).toBe(stream.length);
  });

  test('a batch that fails leaves neither rows nor states, and can be applied again', async () => {
    const { stream } = await makeHistory();
    const whole = openAt('whole.db');
    applyAll(whole, stream);
    const db = openAt('failing.db');
    const projection = new Projection(db, workspace);
    const half = Math.floor(stream.length / 2);
    projection.apply(stream.slice(0, half));
    projection.commit();
    const before = rowsOf(db);
    const broken = {
      sequence: stream.length + 1,
      subject: 'x',
      storedAt: 0,
      get data(): Uint8Array {
        throw new Error('the disk is gone');
      },
    };
    expect(() => projection.apply([...stream.slice(half), broken])).toThrow('the disk is gone');
    expect(rowsOf(db)).toEqual(before);
    projection.apply(stream.slice(half));
    projection.commit();
    expect(rowsOf(db)).toEqual(rowsOf(whole));
  });

  test('what is applied is read before it is committed; a crash before that takes the position with it', async () => {
    const { stream } = await makeHistory();
    const whole = openAt('whole.db');
    applyAll(whole, stream);
    const half = Math.floor(stream.length / 2);
    applyAll(openAt('crashed.db'), stream.slice(0, half));
    const database = pathOf('crashed.db');
    const readModel = openReadModel({
      database,
      workspace,
      confirmations: { tell: () => undefined },
      feed: new RunFeed(),
      onContradiction: (what) => expect.fail(what),
      fail: (error) => expect.fail(String(error)),
    });
    readModel.apply(stream.slice(half), { caughtUp: true });
    expect(readModel.listRuns({}, 10)).toEqual(createRunQueries(whole).listRuns({}, 10));
    expect(readModel.findRun('run-b')).toEqual(createRunQueries(whole).findRun('run-b'));
    expect(readModel.listApprovals(undefined, 10)).toEqual(
      createRunQueries(whole).listApprovals(undefined, 10),
    );
    // Another connection sees what a crash would leave.
    const left = openAt('crashed.db');
    expect(new Projection(left, workspace).position.streamSequence).toBe(half);
    readModel.close();
    expect(rowsOf(left)).toEqual(rowsOf(whole));
  });

  test('rows that cannot be written when somebody reads end the process: the log is not read on behind them', async () => {
    const { stream } = await makeHistory();
    openAt('full.db').exec(
      "CREATE TRIGGER no_room BEFORE INSERT ON runs BEGIN SELECT RAISE(ABORT, 'no room'); END",
    );
    const failures: unknown[] = [];
    const readModel = openReadModel({
      database: pathOf('full.db'),
      workspace,
      confirmations: { tell: () => undefined },
      feed: new RunFeed(),
      onContradiction: (what) => expect.fail(what),
      fail: (error) => failures.push(error),
    });
    readModel.apply(stream, { caughtUp: true });
    expect(() => readModel.findRun('run-b')).toThrow('no room');
    expect(failures).toEqual([expect.objectContaining({ message: 'no room' })]);
    expect(readModel.position.streamSequence).toBe(0);
    readModel.close();
  });

  test('of a large batch a part is applied at a time, and what else waits for the thread has its turn', async () => {
    const { stream } = await makeHistory();
    const db = openAt(':memory:');
    const projection = applyAll(db, stream);
    const unreadable = Array.from({ length: 5_000 }, (_, index) => ({
      sequence: stream.length + index + 1,
      subject: 'wf.event.run.default.run-z',
      storedAt: 5,
      data: Buffer.from('not json'),
    }));
    const said: boolean[] = [];
    let turns = 0;
    let isOver = false;
    const wait = (): void => {
      turns += 1;
      if (!isOver) setImmediate(wait);
    };
    setImmediate(wait);
    const readModel = {
      apply: (messages: readonly StreamMessage[], { caughtUp }: { caughtUp: boolean }) => {
        projection.apply(messages);
        said.push(caughtUp);
      },
    };
    await applyInTurns(readModel, unreadable, { caughtUp: true });
    isOver = true;
    expect(turns).toBeGreaterThan(1);
    expect(said.indexOf(true)).toBe(said.length - 1);
    expect(projection.position.streamSequence).toBe(stream.length + unreadable.length);
    await applyInTurns(readModel, [], { caughtUp: true });
    expect(said.at(-1)).toBe(true);
  });

  test('folds a run again from the stored events when its state was let go', async () => {
    const { stream } = await makeHistory();
    const whole = openAt('whole.db');
    applyAll(whole, stream);
    const db = openAt('small.db');
    const projection = new Projection(db, workspace, { maxStateWeight: 1 });
    for (const message of stream) projection.apply([message]);
    projection.commit();
    expect(rowsOf(db)).toEqual(rowsOf(whole));
  });
});
