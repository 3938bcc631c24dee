/** What the log tells of no history: dead letters, and runs that are left alone; as if it had been recorded here. */
import { type DeadLetterReport, type EventEnvelope, parseTaskSubject, runKeyOf } from '@signalbox/protocol';
import type { CrashStore } from '../store/crash-store.js';
import type { DeadLetterStore } from '../store/dead-letter-store.js';
import { consumersOfRuns } from '../task-queue.js';

interface NoticeFoldParts {
  readonly deadLetters: DeadLetterStore;
  readonly crashes: CrashStore;
}

/** Returns whether the database lacked it; undefined for what is neither. */
export const createNoticeFold = ({ deadLetters, crashes }: NoticeFoldParts) => {
  /** What was set aside for a quarantined run is what its dead letters hold; one that was too long for its letter is lost. */
  const setAside = ({ code, consumer, subject, payload, payloadBytes }: DeadLetterReport): void => {
    if (code !== 'POISON_MESSAGE' || !consumersOfRuns.includes(consumer)) return;
    const address = parseTaskSubject(subject);
    const data = Buffer.from(payload, 'base64');
    if (!('runId' in address) || data.length !== payloadBytes) return;
    const runKey = runKeyOf(address);
    if (crashes.quarantined().has(runKey))
      crashes.setAside(runKey, { subject, payload: data.toString('utf8') });
  };
  return ({ id, workspace, at, data }: EventEnvelope): boolean | undefined => {
    switch (data.type) {
      case 'deadletter.recorded': {
        const isNew = deadLetters.add(data.deadLetter);
        if (isNew) setAside(data.deadLetter);
        return isNew;
      }
      case 'deadletter.run_quarantined': {
        const isNew = crashes.noteNotice(id);
        if (isNew)
          crashes.quarantine({ runKey: runKeyOf({ workspace, runId: data.runId }), reason: data.reason, at });
        return isNew;
      }
      case 'deadletter.run_released': {
        const isNew = crashes.noteNotice(id);
        if (isNew) crashes.release(runKeyOf({ workspace, runId: data.runId }));
        return isNew;
      }
      default:
        return undefined;
    }
  };
};
