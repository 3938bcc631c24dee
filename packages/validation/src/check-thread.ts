/** The thread that `check-threads.ts` starts: answers one question after the other, as slowly as it takes. */
import { createHash } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import type {
  AgentDefinition,
  Environment,
  ParsedAgent,
  ParsedTeams,
  ParsedWorkflow,
  WorkflowSchemas,
} from '@signalbox/dsl';
import type { Json } from '@signalbox/engine';
import { threadId } from '@signalbox/service';
import { createStarlark } from '@signalbox/starlark-wasm';
import { createLanguage, type Language } from './language.js';
import { createSchemaCheck } from './schema-check.js';
import type {
  AnswerOf,
  CheckedAgent,
  CheckedTeams,
  CheckedWorkflow,
  SentItem,
  SentItems,
  ThreadReply,
  ThreadRequest,
} from './thread-request.js';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const port = parentPort;
if (port === null) throw new Error('this is the entry of a thread');
const reply = (message: ThreadReply): void => port.postMessage(message);

class UnknownItem extends Error {}

const maxKeptItems = 5_000;

/** What is known of each text, read once for each digest while it is among the last ones. */
const createReader = <T>(read: (name: string, text: string, form: SentItems['form']) => T) => {
  const kept = new Map<string, T>();
  return (item: SentItem, form: SentItems['form']): T => {
    const keyOf = (digest: string) => `${form}/${item.name}/${digest}`;
    const key = keyOf(item.digest);
    if (kept.has(key)) return kept.get(key) as T;
    if (item.text === undefined) throw new UnknownItem();
    if (kept.size >= maxKeptItems) kept.clear();
    const value = read(item.name, item.text, form);
    // A source may have changed since its digest was read; a stored version never does.
    kept.set(form === 'source' ? keyOf(sha256(item.text)) : key, value);
    // What a workspace holds is read by the first question about it; the limit is for each item of it.
    reply({ kind: 'progress' });
    return value;
  };
};

const createAnswering = () => {
  let made: Language | undefined;
  /** A process that checks values alone needs no compiler. */
  const language = (): Language => {
    made ??= createLanguage(createStarlark());
    return made;
  };
  // The thread's own limit is the one that counts.
  const schemas = createSchemaCheck({ maxCheckMs: 60_000 });
  const agentOf = createReader((name, text, form) => {
    if (form === 'stored') return JSON.parse(text) as AgentDefinition;
    const parsed = language().agent(text, name);
    return parsed.ok ? parsed.agent : undefined;
  });
  const workflowOf = createReader((_name, text, form): WorkflowSchemas | undefined => {
    if (form === 'stored') return JSON.parse(text) as WorkflowSchemas;
    const parsed = language().workflow(text, {});
    if (!parsed.ok) return undefined;
    const { inputSchema, outputSchema } = parsed.plan;
    return { inputSchema, outputSchema };
  });
  const environmentOf = ({ form, agents, workflows, unusableAgents }: SentItems): Environment => ({
    agents: mapOf(agents, (item) => agentOf(item, form)),
    unusableAgents: new Map(unusableAgents),
    workflows: mapOf(workflows, (item) => workflowOf(item, form)),
  });
  return (request: ThreadRequest): AnswerOf[keyof AnswerOf] => {
    switch (request.kind) {
      case 'value':
        return schemas.check(JSON.parse(request.schema) as Json, JSON.parse(request.value) as Json);
      case 'workflow':
        return checkedWorkflow(
          language().workflow(
            request.source,
            request.known === undefined ? {} : environmentOf(request.known),
          ),
        );
      case 'agent':
        return checkedAgent(language().agent(request.source, request.name));
      case 'teams':
        return checkedTeams(language().teams(request.source));
    }
  };
};

const mapOf = <T>(items: readonly SentItem[], of: (item: SentItem) => T | undefined): Map<string, T> => {
  const found = new Map<string, T>();
  for (const item of items) {
    const value = of(item);
    if (value !== undefined) found.set(item.name, value);
  }
  return found;
};

const checkedWorkflow = (parsed: ParsedWorkflow): CheckedWorkflow => {
  const { warnings } = parsed;
  if (!parsed.ok) return { ok: false, errors: parsed.errors, warnings };
  const { plan, definition } = parsed;
  const { description } = definition;
  return {
    ok: true,
    id: plan.id,
    name: plan.name,
    label: plan.version,
    ...(description === undefined ? {} : { description }),
    plan: JSON.stringify(plan),
    warnings,
  };
};

const checkedAgent = (parsed: ParsedAgent): CheckedAgent =>
  parsed.ok ? { ok: true, definition: JSON.stringify(parsed.agent) } : { ok: false, errors: parsed.errors };

const checkedTeams = (parsed: ParsedTeams): CheckedTeams =>
  parsed.ok ? { ok: true, teams: Object.fromEntries(parsed.teams) } : { ok: false, errors: parsed.errors };

const answer = createAnswering();

port.on('message', (request: ThreadRequest) => {
  try {
    reply({ kind: 'answered', answer: answer(request) });
  } catch (error) {
    if (error instanceof UnknownItem) reply({ kind: 'unknown_items' });
    else reply({ kind: 'threw', reason: error instanceof Error ? error.message : String(error) });
  }
});
reply({ kind: 'ready', threadId: threadId() });
