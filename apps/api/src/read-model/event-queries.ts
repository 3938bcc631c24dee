/** Reads of the events of a run: bounded in number and in size, for one event may be as large as a message. */
import type { EventResource } from '../resources/run.js';
import { toInstantText } from '../resources/shapes.js';
import type { ReadModelDatabase } from './schema.js';

interface EventRow {
  sequence: number;
  type: string;
  at: number;
  causation_id: string | null;
  data: string;
}

const toEvent = (row: EventRow): EventResource => ({
  sequence: row.sequence,
  type: row.type,
  at: toInstantText(row.at),
  causationId: row.causation_id,
  data: JSON.parse(row.data) as EventResource['data'],
});

/** A page ends behind the event that goes over this. */
const maxPageCharacters = 1024 * 1024;

export interface EventPage {
  readonly items: EventResource[];
  /** There are more now. */
  readonly hasMore: boolean;
}

/** Events as they are sent: `text` is the JSON of an `EventResource`. */
export interface EventText {
  readonly sequence: number;
  readonly type: string;
  readonly text: string;
}

/** The stored JSON goes out as it is: parsing it for every reader would cost more than reading it. */
const toText = ({ sequence, type, at, causation_id, data }: EventRow): EventText => {
  const head = JSON.stringify({ sequence, type, at: toInstantText(at), causationId: causation_id });
  return { sequence, type, text: `${head.slice(0, -1)},"data":${data}}` };
};

export const createEventQueries = (db: ReadModelDatabase) => {
  const behind = db.prepare<[string, number, number], EventRow>(
    'SELECT sequence, type, at, causation_id, data FROM events WHERE run_id = ? AND sequence > ? ORDER BY sequence LIMIT ?',
  );
  const page = <T>(
    rows: Iterable<EventRow>,
    limit: number,
    maxCharacters: number,
    read: (row: EventRow) => T,
  ) => {
    const items: T[] = [];
    let characters = 0;
    for (const row of rows) {
      if (items.length === limit || characters > maxCharacters) return { items, hasMore: true };
      items.push(read(row));
      characters += row.data.length;
    }
    return { items, hasMore: false };
  };
  return {
    /** Up to `limit` events behind `after`, in order; at least one where there is one. */
    listEvents: (runId: string, after: number, limit: number): EventPage =>
      page(behind.iterate(runId, after, limit + 1), limit, maxPageCharacters, toEvent),
    /** The same as text, and of at most about so many characters. */
    listEventTexts: (runId: string, after: number, limit: number, maxCharacters: number): EventText[] =>
      page(behind.iterate(runId, after, limit), limit, maxCharacters, toText).items,
    eventAt: (runId: string, sequence: number): EventResource | undefined => {
      const row = behind.get(runId, sequence - 1, 1);
      return row?.sequence === sequence ? toEvent(row) : undefined;
    },
  };
};
