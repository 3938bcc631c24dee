/**
 * The projection: messages of WORKFLOW_EVENTS become rows.
 *
 * 1. One transaction a batch, which also moves the position: each event counts exactly once, whatever crashes.
 * 2. A history's events are applied in the order of their sequence. A duplicate is ignored when it says the same; one
 *    that says something else is a contradiction: counted, and kept as a dead letter. What lies behind a gap is held
 *    back, on disk, until the gap is filled.
 * 3. A message that cannot be an event here (unreadable, or impossible after what is there) becomes a dead letter
 *    of this read model and stops nothing.
 * 4. Whoever waits for a command hears of it only after the commit.
 */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { InvariantViolation } from '@signalbox/engine';
import { deadLetterOf, textOf } from '@signalbox/messaging';
import { ContractError, decodeEvent, EVENTS, type EventEnvelope } from '@signalbox/protocol';
import { createCatalogRows } from './catalog-rows.js';
import {
  catalogHistory,
  fromStored,
  historyOf,
  isRunEvent,
  type Refusal,
  refusalOf,
  toRecorded,
} from './event-codec.js';
import { forgetOpenRuns } from './forget-open-runs.js';
import { createRunRows, nothingTouched, type Touched, touch } from './run-rows.js';
import { RunStates } from './run-states.js';
import { type ReadModelDatabase, resetReadModel } from './schema.js';

/** A message as the stream holds it. */
export interface StreamMessage {
  /** Of the stream, from 1. */
  readonly sequence: number;
  readonly subject: string;
  /** Milliseconds since the Unix epoch. */
  readonly storedAt: number;
  readonly data: Uint8Array;
}

/** What a batch has brought; said after its commit. */
export interface AppliedBatch {
  readonly runIds: ReadonlySet<string>;
  /** By command id: the first event that it caused. */
  readonly outcomes: ReadonlyMap<string, CommandOutcome>;
  /** What the log says twice, and differently. */
  readonly contradictions: readonly string[];
}

export type CommandOutcome =
  | { readonly kind: 'done'; readonly event: EventEnvelope }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** The stream that this read model is built from, and the last message of it that was applied. */
export interface Position {
  /** Null before anybody has said so. */
  readonly streamCreatedAt: number | null;
  readonly streamSequence: number;
  readonly storedAt: number | null;
  readonly subject: string | null;
}

interface Arrival {
  readonly envelope: EventEnvelope;
  readonly subject: string;
  readonly streamSequence: number;
  readonly text: string;
}

interface HeldRow {
  sequence: number;
  stream_sequence: number;
  subject: string;
  text: string;
}

const reporter = 'api';

export class Projection {
  readonly states: RunStates;
  readonly #statements: ReturnType<typeof prepare>;
  readonly #rows: ReturnType<typeof createRunRows>;
  readonly #catalog: ReturnType<typeof createCatalogRows>;
  #streamSequence = 0;
  #catalogSequence = 0;
  /** Histories with something held back, as the last commit left them. */
  #heldHistories: Set<string>;
  // Of the batch under way.
  #touched = new Map<string, Touched>();
  #outcomes = new Map<string, CommandOutcome>();
  #contradictions: string[] = [];

  constructor(
    private readonly db: ReadModelDatabase,
    private readonly workspace: string,
    options: { readonly maxStateWeight?: number } = {},
  ) {
    this.states = new RunStates((runId) => this.#history(runId), options.maxStateWeight);
    this.#statements = prepare(db);
    this.#rows = createRunRows(db);
    this.#catalog = createCatalogRows(db);
    this.#heldHistories = new Set(this.#statements.heldHistories.all());
    this.#readPosition();
  }

  get position(): Position {
    return this.#statements.position.get() as Position;
  }

  /** Messages that said something else than an event before them. */
  get contradictionCount(): number {
    return this.#statements.contradictionCount.get() ?? 0;
  }

  /** Remembers which stream this is. */
  bind(streamCreatedAt: number): void {
    this.#statements.bind.run(streamCreatedAt);
  }

  /** Drops all rows; the next message to apply is the stream's first. */
  reset(): void {
    resetReadModel(this.db, this.workspace);
    this.states.clear();
    this.#heldHistories = new Set();
    this.#readPosition();
  }

  /** The stream has dropped what lies up to there. Returns how many runs are forgotten, because they had not ended. */
  passOver(streamSequence: number): number {
    const count = forgetOpenRuns(this.db, streamSequence);
    this.states.clear();
    this.#heldHistories = new Set(this.#statements.heldHistories.all());
    this.#readPosition();
    return count;
  }

  /** Messages in stream order. What was applied before is skipped. */
  apply(messages: readonly StreamMessage[]): AppliedBatch {
    try {
      this.db.transaction(() => this.#applyAll(messages)).immediate();
    } catch (error) {
      this.states.rollback();
      this.#touched = new Map();
      this.#outcomes = new Map();
      this.#contradictions = [];
      this.#heldHistories = new Set(this.#statements.heldHistories.all());
      this.#readPosition();
      throw error;
    }
    this.states.commit();
    const applied = {
      runIds: new Set(this.#touched.keys()),
      outcomes: this.#outcomes,
      contradictions: this.#contradictions,
    };
    this.#touched = new Map();
    this.#outcomes = new Map();
    this.#contradictions = [];
    return applied;
  }

  #readPosition(): void {
    const row = this.#statements.position.get();
    this.#streamSequence = row?.streamSequence ?? 0;
    this.#catalogSequence = row?.catalogSequence ?? 0;
  }

  #applyAll(messages: readonly StreamMessage[]): void {
    let last: StreamMessage | undefined;
    for (const message of messages) {
      if (message.sequence <= this.#streamSequence) continue;
      this.#receive(message);
      this.#streamSequence = message.sequence;
      last = message;
    }
    if (last === undefined) return;
    for (const [runId, touched] of this.#touched) this.#rows(runId, this.states.get(runId), touched);
    this.#statements.move.run(last.sequence, last.storedAt, last.subject, this.#catalogSequence);
  }

  #receive(message: StreamMessage): void {
    const { subject, sequence: streamSequence } = message;
    let envelope: EventEnvelope;
    let text: string;
    try {
      const incoming = textOf(message);
      text = incoming.text;
      envelope = decodeEvent(incoming);
    } catch (error) {
      if (!(error instanceof ContractError)) throw error;
      this.#deadLetter({ subject, streamSequence, data: message.data }, message.storedAt, error);
      return;
    }
    if (envelope.workspace !== this.workspace) return;
    this.#place({ subject, streamSequence, text, envelope });
  }

  #place(arrival: Arrival): void {
    const { envelope } = arrival;
    const history = historyOf(envelope);
    if (history === undefined) {
      if (!isRunEvent(envelope.data)) this.#catalog.writeEvent(envelope.data, envelope.at);
      this.#tellOutcome(envelope);
      return;
    }
    const next = this.#lastSequence(history) + 1;
    if (envelope.sequence < next) {
      this.#compare(arrival);
      return;
    }
    if (envelope.sequence > next) {
      const held = this.#statements.held.get(history, envelope.sequence);
      if (held !== undefined) {
        if (held.text !== arrival.text) this.#contradict(arrival, held.stream_sequence);
        return;
      }
      this.#statements.hold.run(
        history,
        envelope.sequence,
        arrival.streamSequence,
        arrival.subject,
        arrival.text,
      );
      this.#heldHistories.add(history);
      return;
    }
    this.#applyNext(arrival);
    if (this.#heldHistories.has(history)) this.#release(history);
  }

  /** Of an event that has been applied: this one says the same, or it is a finding. */
  #compare(arrival: Arrival): void {
    const { runId, sequence, data, at, causationId } = arrival.envelope;
    if (runId === null || !isRunEvent(data)) {
      const known = this.#statements.catalogEvent.get(sequence);
      if (known !== undefined && known.digest !== digestOf(arrival.text))
        this.#contradict(arrival, known.streamSequence);
      return;
    }
    const known = this.#statements.event.get(runId, sequence);
    if (known === undefined) return;
    const isSame =
      known.at === at &&
      known.causationId === (causationId ?? null) &&
      isDeepStrictEqual(JSON.parse(known.data), JSON.parse(JSON.stringify(data)));
    if (!isSame) this.#contradict(arrival, known.streamSequence);
  }

  #contradict(arrival: Arrival, streamSequence: number): void {
    const { runId, workspace, sequence, at } = arrival.envelope;
    const history = runId === null ? `the catalog of workspace ${workspace}` : `run ${runId}`;
    const reason = `event ${sequence} of ${history} is in the log twice, with different content: at ${streamSequence}, which counts, and at ${arrival.streamSequence}`;
    this.#statements.contradict.run(arrival.streamSequence);
    this.#deadLetter({ ...arrival, data: Buffer.from(arrival.text) }, at, new Error(reason));
    this.#contradictions.push(reason);
  }

  /** Applies what was held back, up to the next gap. */
  #release(history: string): void {
    for (;;) {
      const row = this.#statements.held.get(history, this.#lastSequence(history) + 1);
      if (row === undefined) break;
      this.#statements.dropHeld.run(history, row.sequence);
      const { subject, text } = row;
      const envelope = decodeEvent({ text, subject });
      if (!this.#applyNext({ envelope, subject, text, streamSequence: row.stream_sequence })) break;
    }
    if (this.#statements.anyHeld.get(history) === undefined) this.#heldHistories.delete(history);
  }

  /** False when the event is impossible after its history. */
  #applyNext(arrival: Arrival): boolean {
    const { envelope } = arrival;
    const { data, runId, sequence, at } = envelope;
    if (runId === null || !isRunEvent(data)) {
      if (!isRunEvent(data)) this.#catalog.writeEvent(data, at);
      this.#catalogSequence = sequence;
      this.#statements.addCatalogEvent.run(sequence, arrival.streamSequence, digestOf(arrival.text));
      this.#tellOutcome(envelope);
      return true;
    }
    const before = this.states.get(runId);
    try {
      this.states.fold(runId, toRecorded(sequence, at, data), arrival.text.length);
    } catch (error) {
      if (!(error instanceof InvariantViolation)) throw error;
      this.#deadLetter({ ...arrival, data: Buffer.from(arrival.text) }, at, error);
      return false;
    }
    this.#statements.addEvent.run(
      arrival.streamSequence,
      runId,
      sequence,
      data.type,
      at,
      envelope.causationId ?? null,
      JSON.stringify(data),
    );
    let touched = this.#touched.get(runId);
    if (touched === undefined) {
      touched = nothingTouched(before);
      this.#touched.set(runId, touched);
    }
    touch(touched, sequence, at, data);
    this.#tellOutcome(envelope);
    return true;
  }

  #tellOutcome(envelope: EventEnvelope): void {
    const { causationId, data } = envelope;
    if (causationId === undefined || this.#outcomes.has(causationId)) return;
    const refusal = refusalOf(data);
    this.#outcomes.set(
      causationId,
      refusal === undefined ? { kind: 'done', event: envelope } : { kind: 'refused', refusal },
    );
  }

  #lastSequence(history: string): number {
    return history === catalogHistory ? this.#catalogSequence : this.states.get(history).seq;
  }

  #deadLetter(
    message: Pick<StreamMessage, 'subject' | 'data'> & { readonly streamSequence: number },
    at: number,
    error: Error,
  ): void {
    const given = { ...message, stream: EVENTS, consumer: reporter, deliveryCount: 1 };
    const { workspace } = this;
    const why = { code: 'CONTRACT', reason: error.message, reportedBy: reporter, at, workspace } as const;
    this.#catalog.writeDeadLetter(deadLetterOf(given, why));
  }

  *#history(runId: string) {
    for (const row of this.#statements.history.iterate(runId))
      yield { recorded: fromStored(row), weight: row.data.length };
  }
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

const prepare = (db: ReadModelDatabase) => ({
  position: db.prepare<[], Position & { catalogSequence: number }>(
    `SELECT stream_created_at AS streamCreatedAt, stream_sequence AS streamSequence, stored_at AS storedAt, subject, catalog_sequence AS catalogSequence
     FROM position`,
  ),
  move: db.prepare<[number, number, string, number]>(
    'UPDATE position SET stream_sequence = ?, stored_at = ?, subject = ?, catalog_sequence = ?',
  ),
  bind: db.prepare<[number]>('UPDATE position SET stream_created_at = ?'),
  addEvent: db.prepare<unknown[]>(
    'INSERT INTO events (stream_sequence, run_id, sequence, type, at, causation_id, data) VALUES (?, ?, ?, ?, ?, ?, ?)',
  ),
  history: db.prepare<[string], { sequence: number; at: number; data: string }>(
    'SELECT sequence, at, data FROM events WHERE run_id = ? ORDER BY sequence',
  ),
  event: db.prepare<
    [string, number],
    { at: number; causationId: string | null; data: string; streamSequence: number }
  >(
    `SELECT at, causation_id AS causationId, data, stream_sequence AS streamSequence FROM events
     WHERE run_id = ? AND sequence = ?`,
  ),
  addCatalogEvent: db.prepare<[number, number, string]>(
    'INSERT INTO catalog_events (sequence, stream_sequence, digest) VALUES (?, ?, ?)',
  ),
  catalogEvent: db.prepare<[number], { digest: string; streamSequence: number }>(
    'SELECT digest, stream_sequence AS streamSequence FROM catalog_events WHERE sequence = ?',
  ),
  contradict: db.prepare<[number]>(
    'INSERT INTO contradictions (stream_sequence) VALUES (?) ON CONFLICT DO NOTHING',
  ),
  contradictionCount: db.prepare<[], number>('SELECT count(*) FROM contradictions').pluck(),
  hold: db.prepare<unknown[]>(
    `INSERT INTO held_events (history, sequence, stream_sequence, subject, text) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT DO NOTHING`,
  ),
  held: db.prepare<[string, number], HeldRow>('SELECT * FROM held_events WHERE history = ? AND sequence = ?'),
  dropHeld: db.prepare<[string, number]>('DELETE FROM held_events WHERE history = ? AND sequence = ?'),
  anyHeld: db.prepare<[string]>('SELECT 1 FROM held_events WHERE history = ? LIMIT 1'),
  heldHistories: db.prepare<[], string>('SELECT DISTINCT history FROM held_events').pluck(),
});
