/** Wires the orchestrator over an open database and an outlet. What it needs of the outside comes in as ports. */

import type { RunLimits, World } from '@signalbox/engine';
import { isDeadLetterEvent, maxStepPayloadBytes } from '@signalbox/protocol';
import { createBudgets, type Starlark } from '@signalbox/starlark-wasm';
import type { Logger } from '@signalbox/telemetry';
import type { CheckThreads } from '@signalbox/validation';
import { Catalog } from './catalog/catalog.js';
import { CatalogOrder } from './catalog/catalog-order.js';
import type { Clock } from './clock.js';
import { DeadLetters } from './dead-letters.js';
import { drain } from './drain.js';
import { Horizon } from './horizon.js';
import { InFlight } from './in-flight.js';
import { Intake } from './intake.js';
import { findStoredEvent } from './log/find-stored-event.js';
import { lookedAtRuns } from './looked-at-runs.js';
import { OutsideAnswers } from './outside.js';
import { type Outlet, Relay, type RelayParts } from './relay.js';
import { RunCommands } from './run-commands.js';
import { Runs } from './runs.js';
import { Starts } from './starts.js';
import {
  createAgentStore,
  createCatalogEventStore,
  createTeamStore,
  createWorkflowStore,
} from './store/catalog-store.js';
import { createCrashStore } from './store/crash-store.js';
import { claimKey, type OpenDatabase } from './store/database.js';
import { createDeadLetterStore } from './store/dead-letter-store.js';
import { createInFlightStore } from './store/in-flight-store.js';
import { createInboxStore } from './store/inbox-store.js';
import { createLogStore } from './store/log-store.js';
import { createOutboxStore } from './store/outbox-store.js';
import { createRunStore } from './store/run-store.js';
import { createTimerStore } from './store/timer-store.js';
import { consumersOfRuns, createLastWaiting, type TaskQueue } from './task-queue.js';
import { Timers } from './timers.js';
import { TurnMeter } from './turn-meter.js';
import { createClaims } from './wire/claim.js';
import { unsentDeadLetter } from './wire/input-codec.js';
import { StepTasks } from './wire/step-tasks.js';
import { WritePath } from './write-path.js';

export interface OrchestratorParts {
  readonly database: OpenDatabase;
  readonly outlet: Outlet;
  readonly queue: TaskQueue;
  /** Of the server: a message's data and headers together. */
  readonly maxPayloadBytes: () => number;
  readonly starlark: Starlark;
  readonly runLimits: RunLimits;
  readonly checks: CheckThreads;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called when something is published, and what had brought it is settled. */
  readonly tell: () => void;
  readonly fail: (cause: unknown) => void;
}

export interface Orchestrator {
  readonly intake: Intake;
  readonly inFlight: InFlight;
  readonly meter: TurnMeter;
  /** What an operator has to know of the way out; undefined while all is well. */
  problem(): string | undefined;
  /** Publishes what a former process left; resolves when it is out. Nothing else is published before. */
  recover(): Promise<void>;
  /** To be called before a consumer delivers anew: the server may have lost its last messages, or all of them. */
  onConsumerRemade(consumer: string): void;
}

const headerRoomBytes = 4_096;
/** Longer than a cluster needs to elect a leader. */
const maxRefusedMs = 10_000;
const refused =
  'nats-server runs and does not store what it is given: in a cluster, see whether a majority of its servers is there (docs/operations/nats-users.md); see to its disk and the folder of its store, then restart it (docs/operations/disk-full.md)';

export const createOrchestrator = (parts: OrchestratorParts): Orchestrator => {
  const { clock, logger, outlet, fail } = parts;
  const { sql } = parts.database;
  const stores = openStores(parts.database);
  const { runStore, workflows, agents, inbox, outbox } = stores;
  stores.crashes.quarantineUnusable();
  const claims = createClaims(claimKey(sql));
  const outside = new OutsideAnswers(parts.checks);
  const runs = new Runs(runStore, workflows, agents);
  const budgets = createBudgets(parts.starlark);
  const commands = new RunCommands({
    runs,
    inbox,
    claims,
    newBudget: budgets.newBudget,
    runLimits: parts.runLimits,
    childRunCount: (root) => runStore.childRunCount(root),
    violationsIn: (workspace) => outside.violationsIn(workspace),
    limits: () => limitsFor(parts.maxPayloadBytes()),
    logger,
  });
  const log = createLogStore(parts.database.sql);
  const maxMessageBytes = () => parts.maxPayloadBytes() - headerRoomBytes;
  const deadLetters = new DeadLetters({
    store: stores.deadLetters,
    claims,
    commands,
    maxMessageBytes,
    findEvent: (messageId) => findStoredEvent(log, messageId),
    logger,
  });
  const order = new CatalogOrder({ next: (...query) => parts.queue.next(...query), clock, fail });
  const catalog = new Catalog({
    ...stores,
    runs: runStore,
    outside,
    order,
    maxMessageBytes,
    endDeadLetter: (command, context) => deadLetters.end(command, context),
  });
  const stepTasks = new StepTasks(agents, claims);
  const writePath = new WritePath({
    sql,
    recorder: {
      runs,
      store: runStore,
      stepTasks,
      maxMessageBytes,
    },
    outbox,
    inbox,
    timers: stores.timers,
    crashes: stores.crashes,
    commands,
    starts: new Starts({
      runs,
      workflows,
      agents,
      inbox,
      commands,
      order,
      violationsIn: (workspace) => outside.violationsIn(workspace),
    }),
    catalog,
    deadLetters,
    outside,
    logger,
    beginBatch: budgets.beginBatch,
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
  });
  const setAside: RelayParts['setAside'] = (message, cause) => {
    // The news of a dead letter that cannot be sent either is in the log alone.
    if (isDeadLetterEvent(message.subject)) logger.error(cause.message, { id: message.id });
    else intake.setAside(unsentDeadLetter(message, cause, clock.now()));
  };
  const relay = new Relay({ outlet, setAside, clock, logger, fail });
  // Set back while nobody looked: what was recorded last lies in the future.
  const aheadMs = (stores.timers.lastRecordedAt() ?? 0) - clock.now();
  if (aheadMs > 0) stores.timers.bringForward(aheadMs);
  const timers = new Timers(stores.timers.all());
  const inFlight = new InFlight({
    queue: parts.queue,
    store: stores.inFlight,
    runs: lookedAtRuns({
      runs,
      crashes: stores.crashes,
      isQuarantined: (runKey) => writePath.isQuarantined(runKey),
    }),
    stepTasks,
    relay,
    submit: (inputs) => intake.submit(inputs),
    logger,
    now: () => clock.now(),
  });
  // What they deliver may make a timer needless.
  const horizon = new Horizon(consumersOfRuns, createLastWaiting(parts.queue));
  const meter = new TurnMeter(clock);
  const intake = new Intake({
    writePath,
    sync: parts.database.syncTogether(),
    relay,
    timers,
    horizon,
    order,
    clock,
    meter,
    setBack: (ms) => {
      // For the next start too.
      stores.timers.bringForward(ms);
      timers.bringForward(ms);
    },
    tell: parts.tell,
    fail,
  });
  return {
    intake,
    meter,
    inFlight,
    problem: () => (relay.refusedForMs > maxRefusedMs ? refused : undefined),
    recover: async () => {
      inbox.prune(clock.now());
      writePath.announceQuarantined();
      await drain({ outbox, runStore, relay, writePath, logger });
      // Before anything that was sent meanwhile is read: a log that breaks off in the middle of a decision may lack a
      // step whose task went out and was answered.
      const turns = timers.turns().filter(({ runKey }) => !writePath.isQuarantined(runKey));
      if (turns.length > 0) await intake.submit(turns.map((timer) => ({ kind: 'timer', timer })));
    },
    onConsumerRemade: (consumer) => {
      intake.beginAnew(consumer);
      relay.forgetSequences();
    },
  };
};

/** Half a message leaves the other half for what goes with a value: an agent's definition, names, an error. */
const limitsFor = (maxPayloadBytes: number): World['limits'] => {
  const bytes = Math.min(maxStepPayloadBytes, Math.floor(maxPayloadBytes / 2));
  return { resultBytes: bytes, inputBytes: bytes };
};

const openStores = ({ sql }: OpenDatabase) => ({
  runStore: createRunStore(sql),
  workflows: createWorkflowStore(sql),
  agents: createAgentStore(sql),
  teams: createTeamStore(sql),
  events: createCatalogEventStore(sql),
  deadLetters: createDeadLetterStore(sql),
  crashes: createCrashStore(sql),
  inbox: createInboxStore(sql),
  outbox: createOutboxStore(sql),
  timers: createTimerStore(sql),
  inFlight: createInFlightStore(sql),
});
