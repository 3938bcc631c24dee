/**
 * The other side of the command port, in memory: the real engine over the real language, whose events go into a list
 * that stands for WORKFLOW_EVENTS. Steps are done when a test says so.
 */
import { createHash } from 'node:crypto';
import {
  type Command,
  decide,
  evolve,
  initialState,
  type Json,
  type Plan,
  type RunEvent,
  type RunState,
  stepIds,
  stepView,
} from '@signalbox/engine';
import {
  type CatalogCommand,
  type CatalogEventMessage,
  type EventData,
  encodeEvent,
  maxStepPayloadBytes,
  type RunEventMessage,
} from '@signalbox/protocol';
import { createBudgets, createStarlark, expressionLimits } from '@signalbox/starlark-wasm';
import { createLanguage } from '@signalbox/validation';
import type { CommandPort, OutgoingCommand } from '../../src/commands/command-port.js';
import type { StreamMessage } from '../../src/read-model/projection.js';

export const workspace = 'default';
const starlark = createStarlark();
const { newBudget, beginBatch } = createBudgets(starlark, expressionLimits.maxFuel);
const runLimits = { maxEvents: 100_000, maxStateVisits: 1_000, maxFamilyRuns: 10_000 };
const language = createLanguage(starlark);

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

interface Held {
  readonly plan: Plan;
  readonly version: number;
  readonly digest: string;
}

export class InMemoryOrchestrator implements CommandPort {
  readonly stream: StreamMessage[] = [];
  /** Called with each message as it comes onto the stream. */
  onMessage: (message: StreamMessage) => void = () => undefined;
  /** What the port throws instead of taking a command. */
  refusal: Error | undefined;
  /** Commands are taken, and nothing is done about them. */
  isAsleep = false;
  readonly received: OutgoingCommand[] = [];
  readonly #workflows = new Map<string, Held>();
  readonly #states = new Map<string, RunState>();
  readonly #teamsAndAgents = new Map<string, number>();
  #catalogSequence = 0;
  #now = 1_700_000_000_000;

  async send(outgoing: OutgoingCommand): Promise<void> {
    if (this.refusal !== undefined) throw this.refusal;
    this.received.push(outgoing);
    if (this.isAsleep) return;
    switch (outgoing.kind) {
      case 'catalog':
        return this.#catalog(outgoing.command);
      case 'decision': {
        const { runId, approvalId, decision, actor, comment, data, commandId } = outgoing.command;
        const command = {
          type: 'approval_decision' as const,
          approvalId,
          decision,
          actor,
          ...(comment === undefined ? {} : { comment }),
          ...(data === undefined ? {} : { data: data as Json }),
        };
        const refused = this.decide(runId, command, commandId);
        if (refused !== undefined)
          this.#record(
            runId,
            [{ type: 'approval.decision_refused', approvalId, actor, ...refused }],
            commandId,
          );
        return;
      }
      case 'run':
        return this.#run(outgoing.command);
    }
  }

  state(runId: string): RunState {
    return this.#states.get(runId) ?? initialState;
  }

  get runIds(): string[] {
    return [...this.#states.keys()];
  }

  /** Does every step that waits for a worker, once; returns how many. */
  doSteps(runId: string, output: Json = { ok: true }): number {
    const waiting = stepIds(this.state(runId))
      .map((stepId) => stepView(this.state(runId), stepId))
      .filter((step) => step?.kind === 'operation' && step.status === 'PENDING');
    for (const step of waiting) {
      if (step === undefined) continue;
      const { stepId, attempt } = step;
      this.decide(runId, {
        type: 'step_succeeded',
        stepId,
        attempt,
        startedAt: this.#now,
        worker: 'worker-1',
        output,
        warnings: [{ code: 'SCHEMA_VALIDATION_OUTPUT', message: 'not quite' }],
      });
    }
    return waiting.length;
  }

  /** Decides a command of the engine; returns the refusal, if any. */
  decide(
    runId: string,
    command: Command,
    causationId?: string,
  ): { code: string; message: string } | undefined {
    const plan = this.#planOf(runId, command);
    if (plan === undefined) return { code: 'RUN_NOT_FOUND', message: 'there is no such run' };
    beginBatch();
    const decision = decide(this.state(runId), command, {
      now: ++this.#now,
      plan,
      limits: { resultBytes: maxStepPayloadBytes, inputBytes: maxStepPayloadBytes },
      budget: newBudget(),
      runLimits,
      childRunCount: () => 0,
      digest: sha256,
      violations: () => [],
    });
    if (decision.kind === 'refused') return { code: decision.code, message: decision.message };
    this.#record(runId, decision.events, causationId);
    return undefined;
  }

  /** Puts an event of the workspace's catalog onto the stream. */
  announce(data: CatalogEventMessage, causationId?: string): void {
    this.#put(null, ++this.#catalogSequence, data, causationId);
  }

  /** Puts a notice, which belongs to no history, onto the stream. */
  notice(runId: string | null, data: EventData, causationId?: string): void {
    this.#put(runId, 0, data, causationId);
  }

  /** Puts any text onto the stream. */
  putText(subject: string, text: string): void {
    const message = {
      sequence: this.stream.length + 1,
      subject,
      storedAt: ++this.#now,
      data: Buffer.from(text),
    };
    this.stream.push(message);
    this.onMessage(message);
  }

  #planOf(runId: string, command: Command): Plan | undefined {
    const state = this.state(runId);
    const id =
      state.kind === 'run' ? state.started.workflow.id : command.type === 'start' ? command.workflow.id : '';
    return this.#workflows.get(id)?.plan;
  }

  #run(command: Extract<OutgoingCommand, { kind: 'run' }>['command']): void {
    const { runId, actor, commandId } = command;
    const refuse = (code: string, message: string): void => {
      const event = { type: 'run.command_refused' as const, command: command.type, code, message, actor };
      if (this.state(runId).kind === 'run') this.#record(runId, [event], commandId);
      else this.notice(runId, event, commandId);
    };
    if (command.type !== 'start') {
      const { commandId: _id, runId: _run, workspace: _workspace, issuedAt: _issuedAt, ...control } = command;
      const refused = this.decide(runId, control as Command, commandId);
      if (refused !== undefined) refuse(refused.code, refused.message);
      return;
    }
    const held = this.#workflows.get(command.workflowId);
    if (held === undefined) {
      refuse('WORKFLOW_NOT_FOUND', `there is no workflow "${command.workflowId}"`);
      return;
    }
    const { input, idempotencyKey } = command;
    const refused = this.decide(
      runId,
      {
        type: 'start',
        runId,
        workflow: { id: command.workflowId, version: held.version, digest: held.digest },
        workspace,
        input: input as Json,
        actor,
        pins: { agents: {} },
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      },
      commandId,
    );
    if (refused !== undefined) refuse(refused.code, refused.message);
  }

  #catalog(command: CatalogCommand): void {
    this.announce(this.#catalogAnswer(command), command.commandId);
  }

  #catalogAnswer(command: CatalogCommand): CatalogEventMessage {
    const { actor } = command;
    const refused = (code: string, message: string): CatalogEventMessage => ({
      type: 'catalog.command_refused',
      actor,
      command: command.type,
      code,
      message,
    });
    switch (command.type) {
      case 'put_workflow': {
        const { source } = command;
        const parsed = language.workflow(source, {});
        if (!parsed.ok) return refused('VALIDATION_FAILED', 'not valid');
        const { id, name, version: label } = parsed.plan;
        const known = this.#workflows.get(id);
        if (command.mode === 'create' && known !== undefined)
          return refused('WORKFLOW_EXISTS', `"${id}" exists`);
        const digest = sha256(source);
        const changed = known?.digest !== digest;
        const version = (known?.version ?? 0) + (changed ? 1 : 0);
        this.#workflows.set(id, { plan: parsed.plan, version, digest });
        const warnings = parsed.warnings.map(({ severity: _severity, ...issue }) => issue);
        return {
          type: 'catalog.workflow_put',
          actor,
          workflowId: id,
          version,
          digest,
          name,
          label,
          source,
          warnings,
          changed,
        };
      }
      case 'delete_workflow': {
        const { workflowId } = command;
        const isBusy = [...this.#states.values()].some(
          (state) =>
            state.kind === 'run' &&
            state.started.workflow.id === workflowId &&
            state.phase.kind === 'running',
        );
        if (isBusy) return refused('WORKFLOW_HAS_RUNS', 'it has runs');
        if (!this.#workflows.delete(workflowId)) return refused('WORKFLOW_NOT_FOUND', 'there is none');
        return { type: 'catalog.workflow_deleted', actor, workflowId };
      }
      case 'put_agent': {
        const version = (this.#teamsAndAgents.get(command.name) ?? 0) + 1;
        this.#teamsAndAgents.set(command.name, version);
        const { name, source } = command;
        return {
          type: 'catalog.agent_put',
          actor,
          name,
          version,
          digest: sha256(source),
          source,
          changed: true,
        };
      }
      case 'delete_agent':
        return { type: 'catalog.agent_deleted', actor, name: command.name };
      case 'put_teams':
        return {
          type: 'catalog.teams_put',
          actor,
          digest: sha256(command.source),
          teams: { sre: ['user:alice'] },
          source: command.source,
          changed: true,
        };
      case 'retry_dead_letter':
        return { type: 'catalog.dead_letter_retried', actor, deadLetterId: command.deadLetterId };
      case 'drop_dead_letter':
        return refused('DEAD_LETTER_NOT_FOUND', 'there is none');
    }
  }

  #record(runId: string, events: readonly RunEvent[], causationId: string | undefined): void {
    for (const event of events) {
      const seq = this.state(runId).seq + 1;
      this.#states.set(runId, evolve(this.state(runId), { seq, at: this.#now, event }));
      this.#put(runId, seq, event as RunEventMessage, causationId);
    }
  }

  #put(runId: string | null, sequence: number, data: EventData, causationId: string | undefined): void {
    const envelope = {
      id:
        sequence === 0
          ? `notice/${this.stream.length}`
          : `${runId === null ? `catalog:${workspace}` : `${workspace}/${runId}`}/${sequence}`,
      workspace,
      runId,
      sequence,
      at: this.#now,
      ...(causationId === undefined ? {} : { causationId }),
      data,
    };
    const { subject, data: text } = encodeEvent(envelope);
    this.putText(subject, text);
  }
}
