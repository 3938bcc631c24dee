/**
 * The orchestrator over a real SQLite file, with a bus in memory and a clock that the test owns. `crash` drops the
 * process's part of it at once; `open` starts again on what is left.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  evaluationOutput,
  evaluationTask,
  evolve,
  initialState,
  type RunEvent,
  type RunState,
} from '@signalbox/engine';
import {
  type CatalogCommand,
  type EventEnvelope,
  encodeStepReport,
  type RunCommand,
  type StepReport,
  type StepReporter,
  type StepTask,
  taskSubjects,
} from '@signalbox/protocol';
import { createEvaluator, createStarlark, type Starlark } from '@signalbox/starlark-wasm';
import { createLogger } from '@signalbox/telemetry';
import { eventually, VirtualClock } from '@signalbox/testing';
import { CheckThreads } from '@signalbox/validation';
import type { Database } from 'better-sqlite3';
import type { Clock } from '../../src/clock.js';
import { createOrchestrator, type Orchestrator } from '../../src/orchestrator.js';
import { type OpenDatabase, openDatabase } from '../../src/store/database.js';
import { MemoryBus, type SentMessage } from './memory-bus.js';
import { TestDelivery } from './test-delivery.js';

const starlark: Starlark = createStarlark();
const evaluator = createEvaluator(starlark);
const checks = new CheckThreads();

type StartCommand = Extract<RunCommand, { type: 'start' }>;
type WithoutBase<T> = T extends unknown ? Omit<T, 'commandId' | 'workspace' | 'actor' | 'issuedAt'> : never;

export type Disk = ReturnType<OpenDatabase['syncTogether']>;

export class TestWorld {
  readonly clock = new VirtualClock();
  readonly folder = mkdtempSync(join(tmpdir(), 'signalbox-orchestrator-'));
  readonly logLines: string[] = [];
  readonly failures: unknown[] = [];
  bus = new MemoryBus();
  maxPayloadBytes = 1_048_576;
  #database: OpenDatabase | undefined;
  #orchestrator: Orchestrator | undefined;
  #life = { isOver: false };
  #commandCount = 0;
  /** Who holds a task that was taken, by its claim. */
  readonly #targets = new Map<string, StepReporter>();

  get file(): string {
    return join(this.folder, 'orchestrator.sqlite');
  }

  get sql(): Database {
    if (this.#database === undefined) throw new Error('the world is not open');
    return this.#database.sql;
  }

  get intake(): Orchestrator['intake'] {
    if (this.#orchestrator === undefined) throw new Error('the world is not open');
    return this.#orchestrator.intake;
  }

  get inFlight(): Orchestrator['inFlight'] {
    if (this.#orchestrator === undefined) throw new Error('the world is not open');
    return this.#orchestrator.inFlight;
  }

  /**
   * Starts the orchestrator; `given` takes the place of the world's own clock where a test wants it to fail, `disk` of
   * what waits for the disk.
   */
  async open(given: Clock = this.clock, disk?: Disk): Promise<void> {
    const life = { isOver: false };
    this.#life = life;
    const clock: Clock = {
      now: () => given.now(),
      monotonic: () => given.monotonic(),
      worked: () => given.worked(),
      setTimer: (at, callback) => given.setTimer(at, () => (life.isOver ? undefined : callback())),
    };
    this.#database = openDatabase(this.file, clock.now());
    this.#orchestrator = createOrchestrator({
      database: disk === undefined ? this.#database : { ...this.#database, syncTogether: () => disk },
      outlet: this.bus,
      queue: this.bus,
      maxPayloadBytes: () => this.maxPayloadBytes,
      starlark,
      runLimits: { maxEvents: 100_000, maxStateVisits: 1_000, maxFamilyRuns: 10_000 },
      checks,
      clock,
      tell: () => undefined,
      logger: createLogger({ service: 'test', level: 'debug', write: (line) => this.logLines.push(line) }),
      fail: (cause) => (life.isOver ? undefined : this.failures.push(cause)),
    });
    await this.#orchestrator.recover();
    const started = this.#orchestrator.intake.start();
    // Until what waits for it has been delivered, it has not started.
    await this.deliver(...this.takeOwn());
    await started;
    // What was sent in this very millisecond is not looked for.
    this.clock.advance(1);
    await this.#orchestrator.inFlight.look();
  }

  /** The connection was another one: these consumers deliver everything unacknowledged anew. */
  remakeConsumers(...durables: readonly string[]): void {
    for (const durable of durables) this.#orchestrator?.onConsumerRemade(durable);
  }

  /** What is in memory is gone; what is under way on the old bus reaches nobody. */
  crash(): void {
    this.#life.isOver = true;
    this.#database?.close();
    this.#database = undefined;
    this.#orchestrator = undefined;
  }

  async close(): Promise<void> {
    if (this.#database !== undefined) {
      await this.#orchestrator?.intake.stop();
      this.#database.close();
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  message(subject: string, body: unknown, sequence = this.bus.nextSequence()): TestDelivery {
    const data =
      body instanceof Uint8Array ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
    return new TestDelivery(subject, data, sequence, this.clock.now());
  }

  /** What the orchestrator has sent to itself. */
  takeOwn(): TestDelivery[] {
    const own: TestDelivery[] = [];
    for (;;) {
      const sent = this.bus.take('wf.task.run.') ?? this.bus.take('wf.task.resume.');
      if (sent === undefined) return own;
      own.push(this.sent(sent));
    }
  }

  /** What was taken from the bus, as it is delivered. */
  sent(message: SentMessage | undefined): TestDelivery {
    if (message === undefined) throw new Error('no such message was sent');
    return this.message(message.subject, message.text, message.sequence);
  }

  /** Hands the messages over and waits until nothing waits for its turn, or nothing gets any. */
  async handle(deliveries: readonly TestDelivery[]): Promise<void> {
    const { intake } = this;
    const life = this.#life;
    await intake.handle(deliveries);
    while (intake.waiting.inputs > 0 && !life.isOver && this.failures.length === 0)
      await new Promise((resolve) => setImmediate(resolve));
  }

  /** Hands the messages over as one batch and waits until all are settled. */
  async deliver(...deliveries: TestDelivery[]): Promise<void> {
    await this.handle(deliveries);
    await eventually(() => deliveries.every(({ isSettled }) => isSettled) || this.failures.length > 0, {
      describe: 'the batch is settled',
    });
  }

  /** Resolves after a turn of the event loop, and when all that is committed by then is published. */
  async settled(): Promise<void> {
    do await new Promise((resolve) => setImmediate(resolve));
    while (this.failures.length === 0 && this.#orchestrator?.intake.waiting.unpublishedRounds);
  }

  command<T extends RunCommand['type']>(
    fields: WithoutBase<Extract<RunCommand, { type: T }>> & { readonly type: T },
    over: { readonly workspace?: string; readonly actor?: string; readonly commandId?: string } = {},
  ): TestDelivery {
    const { runId } = fields as { runId: string };
    const body = { ...this.#base(), ...over, ...fields };
    return this.message(taskSubjects.run(body.workspace, runId), body);
  }

  start(runId: string, workflowId: string, input: StartCommand['input'] = {}): TestDelivery {
    return this.command<'start'>({ type: 'start', runId, workflowId, input });
  }

  catalog(fields: WithoutBase<CatalogCommand>): TestDelivery {
    const base = this.#base();
    return this.message(taskSubjects.catalog('default', base.commandId), { ...base, ...fields });
  }

  #base() {
    this.#commandCount += 1;
    return {
      commandId: `command-${this.#commandCount}`,
      workspace: 'default',
      actor: 'user:alice',
      issuedAt: this.clock.now(),
    };
  }

  async putWorkflow(source: string): Promise<void> {
    await this.deliver(this.catalog({ type: 'put_workflow', mode: 'put', source }));
    const last = this.bus.events.at(-1)?.data;
    if (last?.type !== 'catalog.workflow_put') throw new Error(`not stored: ${JSON.stringify(last)}`);
  }

  async putAgent(name: string, source = agentSource): Promise<void> {
    await this.deliver(this.catalog({ type: 'put_agent', name, source }));
    const last = this.bus.events.at(-1)?.data;
    if (last?.type !== 'catalog.agent_put') throw new Error(`not stored: ${JSON.stringify(last)}`);
  }

  /** The oldest step task that nobody has claimed. */
  takeStep(): StepTask {
    const task = this.bus.take('wf.task.step.') ?? this.bus.take('wf.task.agent.');
    if (task === undefined) throw new Error('no step task waits');
    const taken = JSON.parse(task.text) as StepTask;
    this.#targets.set(taken.claim, task.subject.startsWith('wf.task.agent.') ? 'agent' : 'worker');
    return taken;
  }

  /** Does what a worker does with the next evaluation. */
  evaluated(): TestDelivery {
    const waiting = this.bus.take('wf.task.evaluate.');
    if (waiting === undefined) throw new Error('no evaluation waits');
    const task = JSON.parse(waiting.text) as StepTask;
    const asked = evaluationTask(task.input);
    if (asked === undefined) throw new Error(`"${task.state}" asks for no evaluation`);
    const { questions, values } = asked;
    const lookup = (name: string) => values[name];
    const answers = questions.map(({ kind, source }) => evaluator[kind](source, lookup));
    return this.succeeded(task, evaluationOutput(answers) as StepTask['input']);
  }

  succeeded(
    task: StepTask,
    output: StepTask['input'] = { ok: true },
    over: Partial<StepTask> = {},
  ): TestDelivery {
    return this.report({ ...task, ...over }, { type: 'step.succeeded', output });
  }

  failed(task: StepTask, code = 'AGENT_ERROR', retryable = true): TestDelivery {
    return this.report(task, { type: 'step.failed', error: { code, message: 'it went wrong', retryable } });
  }

  /** As whoever took the task sends it, or as somebody else does. */
  report(
    task: StepTask,
    outcome: Partial<StepReport>,
    sentBy: StepReporter = this.#targets.get(task.claim) ?? 'worker',
  ): TestDelivery {
    const { workspace, runId, stepId, attempt, claim } = task;
    const at = this.clock.now();
    const about = { workspace, runId, stepId, attempt, claim, worker: 'worker-1', startedAt: at };
    const report = { ...about, finishedAt: at, ...outcome } as StepReport;
    const { subject, data } = encodeStepReport(report, sentBy);
    return this.message(subject, data);
  }

  /** Answers step tasks until none is left. */
  async workAll(output: StepTask['input'] = { ok: true }): Promise<number> {
    let count = 0;
    while (this.bus.tasks.some(({ subject }) => /^wf\.task\.(step|agent)\./.test(subject))) {
      await this.deliver(this.succeeded(this.takeStep(), output));
      count += 1;
    }
    return count;
  }

  eventsOf(runId: string): EventEnvelope[] {
    return this.bus.events.filter((event) => event.runId === runId && event.sequence > 0);
  }

  typesOf(runId: string): string[] {
    return this.eventsOf(runId).map(({ data }) => data.type);
  }

  /** The published history, folded. Fails where it has a gap. */
  folded(runId: string): RunState {
    let state: RunState = initialState;
    for (const { sequence, at, data } of this.eventsOf(runId)) {
      state = evolve(state, { seq: sequence, at, event: data as RunEvent });
    }
    return state;
  }

  row(runId: string, workspace = 'default'): { status: string; seq: number } {
    const key = `${workspace}/${runId}`;
    const row = this.sql.prepare(
      `SELECT status, (SELECT max(seq) FROM workflow_run_events AS events WHERE events.run_key = workflow_runs.run_key) AS seq
       FROM workflow_runs WHERE run_key = ?`,
    );
    return row.get(key) as { status: string; seq: number };
  }

  count(table: string): number {
    return this.sql.prepare(`SELECT count(*) FROM ${table}`).pluck().get() as number;
  }
}

export const agentSource = `---
model: scripted/test
answers:
  - output: { ok: true }
---
Do {{ task }}.
`;

export const step = (name: string, more = 'end: true'): string =>
  `  - { name: ${name}, type: operation, action: agent.run, input: { agent: worker, task: "do it" }, ${more} }`;

export const workflow = (id: string, states: readonly string[], more = ''): string =>
  `id: ${id}\nversion: "1.0"\nname: ${id}\n${more}states:\n${states.join('\n')}\n`;
