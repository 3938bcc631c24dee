/**
 * What the read model may not say any more when a part of the log is gone that it has not read: of a run that had not ended,
 * nothing; it may have ended there. Runs that had ended stay as they are, and the catalog, whose gap is filled when it is told
 * again.
 */
import { catalogHistory } from './event-codec.js';
import type { ReadModelDatabase } from './schema.js';

/** Returns how many runs these were. The next message to apply is the one behind `streamSequence`. */
export const forgetOpenRuns = (db: ReadModelDatabase, streamSequence: number): number =>
  db
    .transaction((): number => {
      const open = 'run_id IN (SELECT run_id FROM runs WHERE ended_at IS NULL)';
      for (const table of ['steps', 'approvals', 'events']) db.exec(`DELETE FROM ${table} WHERE ${open}`);
      db.exec('DELETE FROM quarantines');
      db.prepare<[string]>('DELETE FROM held_events WHERE history <> ?').run(catalogHistory);
      const { changes } = db.prepare('DELETE FROM runs WHERE ended_at IS NULL').run();
      const move = 'UPDATE position SET stream_sequence = ?, stored_at = NULL, subject = NULL';
      db.prepare<[number]>(move).run(streamSequence);
      return changes;
    })
    .immediate();
