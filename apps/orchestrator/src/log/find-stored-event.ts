/** An event of the log as the database has it, by the id of its message. */
import type { RunKey, WireMessage } from '@signalbox/protocol';
import type { LogStore } from '../store/log-store.js';
import { catalogEventMessage, runEventMessage } from './log-codec.js';

/** `<workspace>/<run>/<sequence>`, or `catalog:<workspace>/<sequence>`; no part holds a slash or a colon. */
const idOfEvent = /^(?:catalog:(?<workspace>[^/]+)|(?<runKey>[^/:]+\/[^/]+))\/(?<sequence>\d+)$/;

export const findStoredEvent = (
  log: Pick<LogStore, 'eventAt' | 'catalogEventAt'>,
  messageId: string,
): WireMessage | undefined => {
  const { workspace, runKey, sequence } = idOfEvent.exec(messageId)?.groups ?? {};
  if (workspace !== undefined) {
    const row = log.catalogEventAt(workspace, Number(sequence));
    return row && catalogEventMessage(row);
  }
  const row = runKey === undefined ? undefined : log.eventAt(runKey as RunKey, Number(sequence));
  return row && runEventMessage(row);
};
