/**
 * The projection: messages of WORKFLOW_EVENTS become rows.
 *
 * 1. Batches share a transaction, which also moves the position: each event counts exactly once, whatever crashes. What a
 *    crash takes with it is in the log, and comes again.
 * 2. A history's events are applied in the order of their sequence. A duplicate is ignored when it says the same; one
 *    that says something else is a contradiction: counted, and kept as a dead letter. What lies behind a gap is held
 *    back, on disk, until the gap is filled.
 * 3. A message that cannot be an event here (unreadable, or impossible after what is there) becomes a dead letter
 *    of this read model and stops nothing.
 * 4. What was applied is read at once, over the same connection, committed or not. Rows that events change again and
 *    again (those of runs, steps and approvals) are written when somebody reads, and before each commit.
 */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { InvariantViolation } from '@signalbox/engine';
import { deadLetterOf, textOf } from '@signalbox/messaging';
import { ContractError, decodeEvent, EVENTS, type EventEnvelope } from '@signalbox/protocol';
import { ownReporter } from './catalog-queries.js';
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
import { type Position, type ProjectionStatements, prepareProjection } from './projection-statements.js';
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
  /** When it was stored is not known for certain. */
  readonly isHeard?: true;
  readonly data: Uint8Array;
}

/** What a batch has brought; whoever hears of it can read it. */
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

interface Arrival {
  readonly envelope: EventEnvelope;
  readonly subject: string;
  readonly streamSequence: number;
  readonly text: string;
}

/** Said before what they follow from: a cancelled run ends, or says that it will, behind all that its cancel takes back. */
const takingBack: ReadonlySet<string> = new Set(['step.cancelled', 'scope.cancelled', 'approval.closed']);

export class Projection {
  readonly states: RunStates;
  readonly #statements: ProjectionStatements;
  readonly #rows: ReturnType<typeof createRunRows>;
  readonly #catalog: ReturnType<typeof createCatalogRows>;
  #position: Position;
  #catalogSequence = 0;
  /** Histories with something held back. */
  #heldHistories: Set<string>;
  /** What the rows do not say yet, by run. */
  #touched = new Map<string, Touched>();
  // Of the batch under way.
  #runIds = new Set<string>();
  #outcomes = new Map<string, CommandOutcome>();
  #contradictions: string[] = [];

  constructor(
    private readonly db: ReadModelDatabase,
    private readonly workspace: string,
    options: { readonly maxStateWeight?: number } = {},
  ) {
    this.states = new RunStates((runId) => this.#history(runId), options.maxStateWeight);
    this.#statements = prepareProjection(db);
    this.#rows = createRunRows(db);
    this.#catalog = createCatalogRows(db);
    this.#heldHistories = new Set(this.#statements.heldHistories.all());
    this.#position = this.#readPosition();
  }

  get position(): Position {
    return this.#position;
  }

  /** Something was applied that is not committed. */
  get isUncommitted(): boolean {
    return this.db.inTransaction;
  }

  /** Messages that said something else than an event before them. */
  get contradictionCount(): number {
    return this.#statements.contradictionCount.get() ?? 0;
  }

  /** Remembers which stream this is. */
  bind(streamId: string): void {
    this.commit();
    this.#statements.bind.run(streamId);
    this.#position = this.#readPosition();
  }

  /** Drops all rows; the next message to apply is the stream's first. */
  reset(): void {
    this.#giveUp();
    resetReadModel(this.db, this.workspace);
    this.#beginAnew();
  }

  /** The stream has dropped what lies up to there. Returns how many runs are forgotten, because they had not ended. */
  passOver(streamSequence: number): number {
    this.commit();
    const count = forgetOpenRuns(this.db, streamSequence);
    this.#beginAnew();
    return count;
  }

  /** Messages in stream order. What was applied before is skipped. Where it throws, nothing counts that is not committed. */
  apply(messages: readonly StreamMessage[]): AppliedBatch {
    this.states.nextRound();
    this.#orGiveUp(() => this.#applyAll(messages));
    const applied = {
      runIds: this.#runIds,
      outcomes: this.#outcomes,
      contradictions: this.#contradictions,
    };
    this.#forgetBatch();
    return applied;
  }

  /** Writes the rows of what was touched: before anybody reads them. */
  settle(): void {
    if (this.#touched.size > 0) this.#orGiveUp(() => this.#writeRows());
  }

  commit(): void {
    if (!this.db.inTransaction) return;
    this.#orGiveUp(() => {
      this.#writeRows();
      const { streamSequence, storedAt, subject } = this.#position;
      this.#statements.move.run(streamSequence, storedAt, subject, this.#catalogSequence);
      this.#statements.commit.run();
    });
  }

  #orGiveUp(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#giveUp();
      this.#beginAnew();
      throw error;
    }
  }

  #giveUp(): void {
    // After some errors SQLite has done so by itself.
    if (this.db.inTransaction) this.#statements.rollback.run();
  }

  /** From what is committed. */
  #beginAnew(): void {
    this.states.clear();
    this.#touched.clear();
    this.#forgetBatch();
    this.#heldHistories = new Set(this.#statements.heldHistories.all());
    this.#position = this.#readPosition();
  }

  #forgetBatch(): void {
    this.#runIds = new Set();
    this.#outcomes = new Map();
    this.#contradictions = [];
  }

  #readPosition(): Position {
    const row = this.#statements.position.get();
    if (row === undefined) throw new Error('the read model has no position');
    const { catalogSequence, ...position } = row;
    this.#catalogSequence = catalogSequence;
    return position;
  }

  #applyAll(messages: readonly StreamMessage[]): void {
    for (const message of messages) {
      if (message.sequence <= this.#position.streamSequence) continue;
      if (!this.db.inTransaction) this.#statements.begin.run();
      this.#receive(message);
      const { sequence: streamSequence, subject } = message;
      const { streamId } = this.#position;
      const storedAt = message.isHeard === true ? null : message.storedAt;
      this.#position = { streamId, streamSequence, storedAt, subject };
    }
  }

  #writeRows(): void {
    for (const [runId, touched] of this.#touched) this.#rows(runId, this.states.get(runId), touched);
    this.#touched.clear();
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
      this.#writeNotice(envelope);
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

  /** Of what has no history: a dead letter, a quarantine, and a run that never began. */
  #writeNotice({ data, runId, at }: EventEnvelope): void {
    if (!isRunEvent(data)) this.#catalog.writeEvent(data, at);
    else if (data.type === 'run.command_refused' && data.command === 'start' && runId !== null)
      this.#statements.refuseStart.run(runId, data.code, data.message, at);
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
    this.#runIds.add(runId);
    this.#tellOutcome(envelope);
    return true;
  }

  #tellOutcome(envelope: EventEnvelope): void {
    const { causationId, data } = envelope;
    if (causationId === undefined || this.#outcomes.has(causationId) || takingBack.has(data.type)) return;
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
    const given = { ...message, stream: EVENTS, consumer: ownReporter, deliveryCount: 1 };
    const { workspace } = this;
    const why = { code: 'CONTRACT', reason: error.message, reportedBy: ownReporter, at, workspace } as const;
    this.#catalog.writeDeadLetter(deadLetterOf(given, why));
  }

  *#history(runId: string) {
    for (const row of this.#statements.history.iterate(runId))
      yield { recorded: fromStored(row), weight: row.data.length };
  }
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');
