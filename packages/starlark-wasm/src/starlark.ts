/**
 * Owns the evaluator that a process holds: its instance and its compiled programs.
 *
 * 1. From the outside it is a function: no result depends on what was evaluated before.
 * 2. A verdict of the limits on fuel and memory, and a success that came near them, is that of a new instance: in a
 *    used one the remains of earlier evaluations may have been in the way, or spared a little. The program is run once
 *    more there, so the same expression over the same data fails always or never.
 * 3. After a call that was cut off the instance is put back to its beginning; one that has grown beyond
 *    `retireAboveBytes` is replaced, so that a process does not keep for ever what one expression once took. Programs
 *    are compiled again when they are next used.
 * 4. What is kept of programs is bounded in bytes, on both sides of the border.
 */
import { boundless, GoInstance, type LostReason, operation, type Reply } from './go-instance.js';
import { expressionLimits, hostFuel } from './limits.js';
import { ProgramCache } from './program-cache.js';
import { encodeScope, type Json, type Reads, readsOf, type Scope } from './scope.js';

/** Of source text with what is known of it: about 8 MiB of memory here, and as much again in the module. */
const maxCachedBytes = 2 * 1024 * 1024;
const retireAboveBytes = 40 * 1024 * 1024;
/** About 20 MiB of garbage. */
const collectAfterFuel = 3_000_000;
const spareDelayMs = 1_000;
/** A success that has spent this part of its fuel might have failed in a new instance. */
const nearLimit = 0.8;

export type Place = {
  /** From 1. */
  readonly line: number;
  /** From 1, in characters (code points). */
  readonly column: number;
};

export type NamePlace = Place & { readonly name: string };

/** A compiled expression or script; valid for any `Starlark` of any process, as it holds only text. */
export type Program = {
  readonly kind: 'expression' | 'script';
  readonly source: string;
  /** The free names that are not builtins, each once, in the order in which they occur. */
  readonly names: readonly string[];
  /** What it reads of each name; of a name that is missing here it may read anything. */
  readonly reads: { readonly [name: string]: Reads };
  /** The builtins that it uses. A scope that has a value of such a name wins over the builtin. */
  readonly builtins: readonly string[];
};

/** The place is where the parser stood: at the end of what it could not take. */
export type SyntaxFailure = Place & { readonly ok: false; readonly kind: 'syntax'; readonly message: string };

export type CompileResult =
  | { readonly ok: true; readonly program: Program }
  | SyntaxFailure
  | { readonly ok: false; readonly kind: 'undefined'; readonly names: readonly NamePlace[] };

export type EvaluateFailure = {
  readonly ok: false;
  readonly code: 'EXPRESSION_ERROR' | 'EXPRESSION_LIMIT';
  readonly message: string;
};

export type EvaluateResult = { readonly ok: true; readonly value: Json } | EvaluateFailure;

export type Measured =
  | { readonly isOver: false; readonly result: EvaluateResult; readonly fuel: number }
  /** The allowance does not suffice, in fuel, memory or stack. */
  | { readonly isOver: true; readonly fuel: number };

/** What a program may read: its names, builtins' names among them, each with what it reads of the value. */
export type ReadNames = readonly { readonly name: string; readonly reads: Reads }[];

export type Starlark = {
  /** Compiles one expression. Without `knownNames` free names are not checked. */
  readonly compile: (expression: string, knownNames: ReadonlySet<string> | undefined) => CompileResult;
  /** Compiles statements; the value is that of the last expression, or of `main(ctx)` where it is defined. */
  readonly compileScript: (source: string, knownNames: ReadonlySet<string> | undefined) => CompileResult;
  /** Asks the scope only for the names that the program uses. Never throws for what a program does. */
  readonly evaluate: (program: Program, scope: Scope) => EvaluateResult;
  /**
   * Compiles (where that was not done) and evaluates with no more than `maxFuel`, which pays for JSON in and out too.
   * The full limits give their verdict only where the fuel reaches so far.
   */
  readonly evaluateWithin: (kind: Program['kind'], source: string, scope: Scope, maxFuel: number) => Measured;
  /** What a text reads; undefined where it does not compile, or not with so much fuel. */
  readonly namesWithin: (
    kind: Program['kind'],
    source: string,
    maxFuel: number,
  ) => { readonly names: ReadNames | undefined; readonly fuel: number };
};

type FreeName = NamePlace & {
  readonly builtin: boolean;
  readonly reads: readonly (readonly string[])[] | null;
};
type Compiled =
  | { readonly ok: true; readonly program: Program; readonly free: readonly FreeName[] }
  | SyntaxFailure;

interface Compilation {
  readonly compiled: Compiled;
  readonly fuel: number;
  /** The fuel did not suffice, or memory or stack. */
  readonly isOver: boolean;
}

/** An evaluator of its own. Nothing is loaded before its first use; one for each process is enough. */
export function createStarlark(): Starlark {
  const evaluator = new Evaluator();
  return {
    compile: (expression, knownNames) => evaluator.compile('expression', expression, knownNames),
    compileScript: (source, knownNames) => evaluator.compile('script', source, knownNames),
    evaluate: (program, scope) => evaluator.evaluate(program, scope),
    evaluateWithin: (kind, source, scope, maxFuel) => evaluator.evaluateWithin(kind, source, scope, maxFuel),
    namesWithin: (kind, source, maxFuel) => evaluator.namesWithin(kind, source, maxFuel),
  };
}

class Evaluator {
  readonly #compiled = new ProgramCache<Compiled & { ok: true }>(maxCachedBytes);
  /** Programs of the current instance. */
  #handles = new ProgramCache<number>(maxCachedBytes);
  #instance: GoInstance | undefined;
  #spare: GoInstance | undefined;
  #isSpareComing = false;
  /** Since the instance began. */
  #callCount = 0;
  #fuelSinceCollection = 0;

  compile(kind: Program['kind'], source: string, knownNames: ReadonlySet<string> | undefined): CompileResult {
    const compiled = this.#compileCached(kind, source, expressionLimits.maxFuel).compiled;
    if (!compiled.ok) return compiled;
    const names = compiled.free.filter(({ name, builtin }) => !builtin && !(knownNames?.has(name) ?? true));
    if (names.length === 0) return { ok: true, program: compiled.program };
    return {
      ok: false,
      kind: 'undefined',
      names: names.map(({ name, line, column }) => ({ name, line, column })),
    };
  }

  evaluate(program: Program, scope: Scope): EvaluateResult {
    const result = this.#judged(program, scope, 'read');
    if (!mayMislead(program, result)) return result;
    const explained = this.#judged(program, scope, 'whole');
    return mayMislead(program, explained) ? explained : result;
  }

  evaluateWithin(kind: Program['kind'], source: string, scope: Scope, maxFuel: number): Measured {
    const { compiled, fuel, isOver } = this.#compileCached(kind, source, maxFuel);
    if (isOver) return { isOver, fuel };
    if (!compiled.ok) return { isOver: false, result: failureOfSyntax(compiled), fuel };
    const { program } = compiled;
    const measured = this.#measured(program, scope, 'read', maxFuel - fuel);
    const spent = fuel + measured.fuel;
    if (measured.isOver || !mayMislead(program, measured.result)) return { ...measured, fuel: spent };
    const explained = this.#measured(program, scope, 'whole', maxFuel - spent);
    const best = !explained.isOver && mayMislead(program, explained.result) ? explained : measured;
    return { ...best, fuel: spent + explained.fuel };
  }

  namesWithin(kind: Program['kind'], source: string, maxFuel: number): ReturnType<Starlark['namesWithin']> {
    const { compiled, fuel } = this.#compileCached(kind, source, maxFuel);
    if (!compiled.ok) return { names: undefined, fuel };
    const { names, builtins, reads } = compiled.program;
    const read = [...names, ...builtins].map((name) => ({
      name,
      reads: (Object.hasOwn(reads, name) ? reads[name] : undefined) ?? true,
    }));
    return { names: read, fuel };
  }

  #measured(program: Program, scope: Scope, extent: 'read' | 'whole', maxFuel: number): Measured {
    const scopeText = encodeScope(program, scope, extent);
    if (scopeText === undefined) return { isOver: true, fuel: hostFuel.perCall };
    const fee = hostFuel.perCall + hostFuel.perByte * scopeText.length;
    if (fee >= maxFuel) return { isOver: true, fuel: maxFuel };
    const reply = this.#evaluateOnce(program, scopeText, maxFuel - fee);
    if (reply.status === 'lost') return { isOver: true, fuel: fee + reply.fuel };
    const fuel = fee + reply.fuel + hostFuel.perByte * reply.text.length;
    return { isOver: false, result: resultOf(reply), fuel };
  }

  #judged(program: Program, scope: Scope, extent: 'read' | 'whole'): EvaluateResult {
    const scopeText = encodeScope(program, scope, extent);
    if (scopeText === undefined) return limitFailure('the data is nested too deeply');
    const isNew = this.#isNewFor(program);
    const { maxFuel } = expressionLimits;
    const reply = this.#evaluateOnce(program, scopeText, maxFuel);
    const isClear = reply.status !== 'lost' && reply.fuel < nearLimit * maxFuel;
    if (isClear || isNew || (reply.status === 'lost' && reply.reason === 'stack')) return resultOf(reply);
    this.#dropInstance();
    return resultOf(this.#evaluateOnce(program, scopeText, maxFuel));
  }

  /** Nothing was done in the instance but, at most, to compile this program. */
  #isNewFor(program: Program): boolean {
    if (this.#instance === undefined || this.#callCount === 0) return true;
    return this.#callCount === 1 && this.#handles.get(keyOf(program.kind, program.source)) !== undefined;
  }

  /** `maxFuel` pays for compiling, where that is necessary, and for evaluating each. */
  #evaluateOnce(program: Program, scopeText: string, maxFuel: number): Reply {
    const handle = this.#handleOf(program, maxFuel);
    return typeof handle === 'number' ? this.#call(operation.evaluate, handle, scopeText, maxFuel) : handle;
  }

  #compileCached(kind: Program['kind'], source: string, maxFuel: number): Compilation {
    const key = keyOf(kind, source);
    const known = this.#compiled.get(key);
    if (known !== undefined) return { compiled: known, fuel: 0, isOver: false };
    const compilation = this.#compileAnew(kind, source, maxFuel);
    if (compilation.compiled.ok) this.#compiled.set(key, compilation.compiled);
    return compilation;
  }

  #compileAnew(kind: Program['kind'], source: string, maxFuel: number): Compilation {
    if (source.length > expressionLimits.maxSourceLength) {
      const message = `the text is longer than ${expressionLimits.maxSourceLength} characters`;
      return { compiled: syntaxFailure(message), fuel: 0, isOver: false };
    }
    const what = kind === 'script' ? operation.compileScript : operation.compileExpression;
    const reply = this.#call(what, 0, source, maxFuel);
    const { fuel } = reply;
    if (reply.status === 'lost')
      return { compiled: syntaxFailure(tooMuch[reply.reason]), fuel, isOver: true };
    return { compiled: this.#compiledOf(kind, source, reply), fuel, isOver: false };
  }

  #compiledOf(kind: Program['kind'], source: string, reply: Exclude<Reply, { status: 'lost' }>): Compiled {
    switch (reply.status) {
      case 'ok': {
        const free = JSON.parse(reply.text) as FreeName[];
        this.#remember(keyOf(kind, source), reply.argument);
        const names = free.filter(({ builtin }) => !builtin).map(({ name }) => name);
        const builtins = free.filter(({ builtin }) => builtin).map(({ name }) => name);
        return { ok: true, program: { kind, source, names, builtins, reads: readsOf(free) }, free };
      }
      case 'failed': {
        const problem = JSON.parse(reply.text) as Place & { readonly message: string };
        return { ok: false, kind: 'syntax', ...problem };
      }
      case 'limit':
        return syntaxFailure(reply.text);
    }
  }

  /** The program's number in the current instance; compiles it there when it is not. */
  #handleOf(program: Program, maxFuel: number): number | Reply {
    const key = keyOf(program.kind, program.source);
    const handle = this.#handles.get(key);
    if (handle !== undefined) return handle;
    const { compiled, fuel, isOver } = this.#compileAnew(program.kind, program.source, maxFuel);
    if (isOver) return { status: 'lost', reason: 'fuel', fuel };
    if (!compiled.ok) return { status: 'failed', text: compiled.message, argument: 0, fuel };
    // Nothing there: the instance grew so much while compiling that it was replaced.
    return this.#handles.get(key) ?? { status: 'lost', reason: 'memory', fuel };
  }

  #remember(key: string, handle: number): void {
    if (this.#instance === undefined) return;
    for (const old of this.#handles.set(key, handle)) this.#call(operation.release, old, '', boundless);
  }

  #call(what: number, argument: number, text: string, maxFuel: number): Reply {
    this.#collectWhenDue();
    const instance = this.#current();
    this.#callCount += 1;
    const reply = this.#callSafely(instance, what, argument, text, maxFuel);
    this.#fuelSinceCollection += reply.fuel;
    if (instance.memoryBytes > retireAboveBytes) this.#dropInstance();
    else if (reply.status === 'lost') {
      instance.reset();
      this.#begin();
    }
    return reply;
  }

  #collectWhenDue(): void {
    if (this.#fuelSinceCollection < collectAfterFuel || this.#instance === undefined) return;
    this.#fuelSinceCollection = 0;
    const reply = this.#callSafely(this.#instance, operation.collect, 0, '', boundless);
    if (reply.status === 'lost') this.#dropInstance();
  }

  #callSafely(instance: GoInstance, what: number, argument: number, text: string, maxFuel: number): Reply {
    let isAnswered = false;
    try {
      const reply = instance.call(what, argument, text, maxFuel);
      isAnswered = true;
      return reply;
    } finally {
      // An instance that failed in an unforeseen way is not asked again; the error goes on to the caller.
      if (!isAnswered) this.#dropInstance();
    }
  }

  #current(): GoInstance {
    if (this.#instance === undefined) {
      this.#instance = this.#spare ?? new GoInstance();
      this.#spare = undefined;
      this.#begin();
      this.#prepareSpare();
    }
    return this.#instance;
  }

  #begin(): void {
    this.#handles = new ProgramCache<number>(maxCachedBytes);
    this.#callCount = 0;
    this.#fuelSinceCollection = 0;
  }

  #dropInstance(): void {
    this.#instance = undefined;
    this.#begin();
  }

  /** Later, so that neither the caller who lost an instance waits for it nor the start of a process. */
  #prepareSpare(): void {
    if (this.#isSpareComing) return;
    this.#isSpareComing = true;
    setTimeout(() => {
      this.#isSpareComing = false;
      this.#spare ??= new GoInstance();
    }, spareDelayMs).unref();
  }
}

/** What the error says of the data (the fields that are there) is true of the whole only. */
const mayMislead = (program: Program, result: EvaluateResult): boolean =>
  !result.ok && result.code === 'EXPRESSION_ERROR' && Object.keys(program.reads).length > 0;

const resultOf = (reply: Reply): EvaluateResult => {
  switch (reply.status) {
    case 'ok':
      return { ok: true, value: JSON.parse(reply.text) as Json };
    case 'failed':
      return { ok: false, code: 'EXPRESSION_ERROR', message: reply.text };
    case 'limit':
      return limitFailure(reply.text);
    case 'lost':
      return limitFailure(lostMessage[reply.reason]);
  }
};

const failureOfSyntax = ({ line, column, message }: SyntaxFailure): EvaluateResult => ({
  ok: false,
  code: 'EXPRESSION_ERROR',
  message: `${line}:${column}: ${message}`,
});

const tooMuch: Record<LostReason, string> = {
  fuel: 'the text takes too much to compile',
  memory: 'the text takes too much to compile',
  stack: 'the text is nested too deeply',
};

const lostMessage: Record<LostReason, string> = {
  fuel: 'the expression takes more work than is allowed (about 250 ms)',
  memory: 'the expression needs more than 64 MiB of memory',
  stack: 'the expression is nested or recurses too deeply',
};

function keyOf(kind: Program['kind'], source: string): string {
  return kind === 'script' ? `s${source}` : `e${source}`;
}

function syntaxFailure(message: string): SyntaxFailure {
  return { ok: false, kind: 'syntax', message, line: 1, column: 1 };
}

function limitFailure(message: string): EvaluateFailure {
  return { ok: false, code: 'EXPRESSION_LIMIT', message };
}
