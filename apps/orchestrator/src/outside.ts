/**
 * Answers that are found outside this thread: whether a large value keeps its schema, whether a definition is valid.
 *
 * 1. `decide` and its callers ask as if the answer were there. Where it is not, `NeedsAnswer` is thrown, the input
 *    stays undecided (`write-path.ts`), the answer is fetched, and the same input is decided again.
 * 2. An answer is kept until what asked for it is committed.
 * 3. Workspaces take turns in the threads, each with its values and its definitions: a flood of checks from one keeps no
 *    other waiting for longer than a check.
 * 4. A schema whose checks take more than their share of the threads is answered without them for a while.
 */
import type { Json, World } from '@signalbox/engine';
import { createQuickCheck } from '@signalbox/schema-checker';
import type { AnswerOf, CheckOutcome, CheckThreads, Question } from '@signalbox/validation';
import { sha256 } from './sha256.js';

type Kind = Question['kind'];
type QuestionOf<K extends Kind> = Extract<Question, { readonly kind: K }>;

/** Not an error: says what the input that is being handled has to wait for. */
export class NeedsAnswer extends Error {
  override readonly name = 'NeedsAnswer';
  /** `fetch` resolves when the answer is there; never rejects. */
  constructor(readonly fetch: () => Promise<void>) {
    super('the answer is not there yet');
  }
}

/** Answers that nobody has come back for, beyond which the oldest are dropped. */
const maxKeptAnswers = 1_000;
const windowMs = 60_000;
/** Of the threads' time, for the checks of one schema in a window. */
const maxSpentMs = 10_000;

interface Asked {
  readonly turn: string;
  readonly digest: string;
  /** Whose share of the threads' time the answer takes. */
  readonly schemaKey?: string;
}

interface Spending {
  since: number;
  spentMs: number;
}

export class OutsideAnswers {
  readonly #threads: CheckThreads;
  readonly #isSurelyValid = createQuickCheck();
  readonly #schemaTexts = new WeakMap<object, string>();
  readonly #answers = new Map<string, CheckOutcome<AnswerOf[Kind]>>();
  readonly #used = new Set<string>();
  readonly #spending = new Map<string, Spending>();

  constructor(threads: CheckThreads) {
    this.#threads = threads;
  }

  /** How a value of a workspace breaks a schema, in words. What it gives throws NeedsAnswer. */
  violationsIn(workspace: string): World['violations'] {
    return (schema, value) => this.#violations(workspace, schema, value);
  }

  #violations(workspace: string, schema: Json, value: Json): readonly string[] {
    if (this.#isSurelyValid(schema, value)) return [];
    const schemaText = this.#textOf(schema);
    const schemaKey = sha256(schemaText);
    const overspent = this.#overspent(schemaKey);
    if (overspent !== undefined) return [overspent];
    const question = { kind: 'value', schema: schemaText, value: JSON.stringify(value) } as const;
    const digest = `${schemaKey}/${sha256(question.value)}`;
    const outcome = this.#answer(question, { turn: `values/${workspace}`, digest, schemaKey });
    if (outcome.kind !== 'answered') return [unchecked(outcome)];
    const verdict = outcome.answer;
    if (verdict.kind === 'violated') return verdict.violations;
    return verdict.kind === 'valid' ? [] : [`the schema cannot be used: ${verdict.reason}`];
  }

  /** `turn`: whose turn the question takes; `digest`: of all that the answer depends on. @throws NeedsAnswer */
  answer<K extends Kind>(turn: string, digest: string, question: QuestionOf<K>): CheckOutcome<AnswerOf[K]> {
    return this.#answer(question, { turn, digest });
  }

  #answer<K extends Kind>(question: QuestionOf<K>, asked: Asked): CheckOutcome<AnswerOf[K]> {
    const { turn, digest } = asked;
    const id = `${question.kind}/${turn}/${digest}`;
    const known = this.#answers.get(id);
    if (known === undefined) throw new NeedsAnswer(() => this.#fetch(id, question, asked));
    this.#used.add(id);
    return known as CheckOutcome<AnswerOf[K]>;
  }

  /** What has used answers is committed. */
  committed(): void {
    for (const id of this.#used) this.#answers.delete(id);
    this.#used.clear();
  }

  async #fetch(id: string, question: Question, { turn, schemaKey }: Asked): Promise<void> {
    const outcome = await this.#threads
      .ask<Kind>(turn, question)
      .catch((error: Error): CheckOutcome<never> => ({ kind: 'too_long', reason: error.message, tookMs: 0 }));
    if (schemaKey !== undefined && outcome.kind !== 'full') this.#spend(schemaKey, outcome.tookMs);
    this.#answers.set(id, outcome);
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size <= maxKeptAnswers) break;
      this.#answers.delete(oldest);
    }
  }

  #spend(schemaKey: string, ms: number): void {
    for (const [key, { since }] of this.#spending) {
      if (performance.now() - since > windowMs) this.#spending.delete(key);
    }
    const spending = this.#spending.get(schemaKey) ?? { since: performance.now(), spentMs: 0 };
    spending.spentMs += ms;
    this.#spending.set(schemaKey, spending);
  }

  #overspent(schemaKey: string): string | undefined {
    const spending = this.#spending.get(schemaKey);
    if (spending === undefined || spending.spentMs <= maxSpentMs) return undefined;
    if (performance.now() - spending.since > windowMs) return undefined;
    return `it could not be checked: checks against this schema have taken more than ${maxSpentMs} ms of the last minute`;
  }

  #textOf(schema: Json): string {
    if (typeof schema !== 'object' || schema === null) return JSON.stringify(schema);
    const known = this.#schemaTexts.get(schema) ?? JSON.stringify(schema);
    this.#schemaTexts.set(schema, known);
    return known;
  }
}

const unchecked = (outcome: Exclude<CheckOutcome<unknown>, { readonly kind: 'answered' }>): string =>
  outcome.kind === 'full'
    ? 'it could not be checked: too many checks wait'
    : `it could not be checked: ${outcome.reason}`;
