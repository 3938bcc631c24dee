/**
 * Owns the evaluator that a process holds: its instances and its compiled programs.
 *
 * 1. From the outside it is a function: no result depends on what was evaluated before.
 * 2. A lost instance is replaced at once, by the spare one where it is ready; programs are compiled again in the
 *    new instance when they are next used.
 * 3. Out of memory is the verdict of an instance that evaluated nothing before: in another one the remains of
 *    earlier evaluations may have been in the way, so the program is run once more.
 * 4. An instance that has grown beyond `retireAboveBytes` is replaced, so that a process does not keep for ever what
 *    one expression once took.
 */
import { GoInstance, type LostReason, operation, type Reply } from './go-instance.js';
import { expressionLimits } from './limits.js';
import { encodeScope, type Json, type Reads, readsOf, type Scope } from './scope.js';

const maxPrograms = 1_000;
const retireAboveBytes = 64 * 1024 * 1024;

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

export type Starlark = {
  /** Compiles one expression. Without `knownNames` free names are not checked. */
  readonly compile: (expression: string, knownNames: ReadonlySet<string> | undefined) => CompileResult;
  /** Compiles statements; the value is that of the last expression, or of `main(ctx)` where it is defined. */
  readonly compileScript: (source: string, knownNames: ReadonlySet<string> | undefined) => CompileResult;
  /** Asks the scope only for the names that the program uses. Never throws for what a program does. */
  readonly evaluate: (program: Program, scope: Scope) => EvaluateResult;
};

type FreeName = NamePlace & {
  readonly builtin: boolean;
  readonly reads: readonly (readonly string[])[] | null;
};
type Compiled =
  | { readonly ok: true; readonly program: Program; readonly free: readonly FreeName[] }
  | SyntaxFailure;

/** An evaluator of its own. Nothing is loaded before its first use; one for each process is enough. */
export function createStarlark(): Starlark {
  const evaluator = new Evaluator();
  return {
    compile: (expression, knownNames) => evaluator.compile('expression', expression, knownNames),
    compileScript: (source, knownNames) => evaluator.compile('script', source, knownNames),
    evaluate: (program, scope) => evaluator.evaluate(program, scope),
  };
}

class Evaluator {
  readonly #compiled = new Map<string, Compiled & { ok: true }>();
  /** Programs of the current instance, the one used longest ago first. */
  #handles = new Map<string, number>();
  #instance: GoInstance | undefined;
  #spare: GoInstance | undefined;
  #isSpareComing = false;

  compile(kind: Program['kind'], source: string, knownNames: ReadonlySet<string> | undefined): CompileResult {
    const compiled = this.#compileCached(kind, source);
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
    const result = this.#evaluateOver(program, scope, 'read');
    // What the error says of the data (the fields that are there) is true of the whole only.
    const mayMislead =
      !result.ok && result.code === 'EXPRESSION_ERROR' && Object.keys(program.reads).length > 0;
    return mayMislead ? this.#evaluateOver(program, scope, 'whole') : result;
  }

  #evaluateOver(program: Program, scope: Scope, extent: 'read' | 'whole'): EvaluateResult {
    const scopeText = encodeScope(program, scope, extent);
    if (scopeText === undefined) return limitFailure('the data is nested too deeply');
    const wasFresh = this.#current().isFresh;
    let reply = this.#evaluateOnce(program, scopeText);
    if (!wasFresh && reply.status === 'lost' && reply.reason === 'memory') {
      reply = this.#evaluateOnce(program, scopeText);
    }
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
  }

  #evaluateOnce(program: Program, scopeText: string): Reply {
    const handle = this.#handleOf(program);
    return typeof handle === 'number' ? this.#call(operation.evaluate, handle, scopeText) : handle;
  }

  #compileCached(kind: Program['kind'], source: string): Compiled {
    const key = keyOf(kind, source);
    const known = this.#compiled.get(key);
    if (known !== undefined) return known;
    const compiled = this.#compileAnew(kind, source);
    // A failure may be the moment's (no time left on a busy machine); it is found again soon enough.
    if (!compiled.ok) return compiled;
    if (this.#compiled.size >= maxPrograms) dropOldest(this.#compiled);
    this.#compiled.set(key, compiled);
    return compiled;
  }

  #compileAnew(kind: Program['kind'], source: string): Compiled {
    if (source.length > expressionLimits.maxSourceLength) {
      return syntaxFailure(`the text is longer than ${expressionLimits.maxSourceLength} characters`);
    }
    const what = kind === 'script' ? operation.compileScript : operation.compileExpression;
    const reply = this.#call(what, 0, source);
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
      case 'lost':
        return syntaxFailure(
          reply.reason === 'stack' ? 'the text is nested too deeply' : 'the text takes too much to compile',
        );
    }
  }

  /** The program's number in the current instance; compiles it there when it is not. */
  #handleOf(program: Program): number | Reply {
    const key = keyOf(program.kind, program.source);
    const handle = this.#handles.get(key);
    if (handle !== undefined) {
      this.#handles.delete(key);
      this.#handles.set(key, handle);
      return handle;
    }
    const compiled = this.#compileAnew(program.kind, program.source);
    if (!compiled.ok) return { status: 'failed', text: compiled.message, argument: 0 };
    // Nothing there: the instance grew so much while compiling that it was replaced.
    return this.#handles.get(key) ?? { status: 'lost', reason: 'memory' };
  }

  #remember(key: string, handle: number): void {
    if (this.#instance === undefined) return;
    this.#handles.set(key, handle);
    if (this.#handles.size <= maxPrograms) return;
    const oldest = dropOldest(this.#handles);
    if (oldest !== undefined) this.#call(operation.release, oldest, '');
  }

  #call(what: number, argument: number, text: string): Reply {
    const instance = this.#current();
    const reply = this.#callSafely(instance, what, argument, text);
    if (reply.status === 'lost' || instance.memoryBytes > retireAboveBytes) this.#dropInstance();
    return reply;
  }

  #callSafely(instance: GoInstance, what: number, argument: number, text: string): Reply {
    let isAnswered = false;
    try {
      const reply = instance.call(what, argument, text);
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
      this.#prepareSpare();
    }
    return this.#instance;
  }

  #dropInstance(): void {
    this.#instance = undefined;
    this.#handles = new Map();
  }

  /** Between two turns of the event loop, so that the caller who lost an instance does not wait for it. */
  #prepareSpare(): void {
    if (this.#isSpareComing) return;
    this.#isSpareComing = true;
    setImmediate(() => {
      this.#isSpareComing = false;
      this.#spare ??= new GoInstance();
    }).unref();
  }
}

const lostMessage: Record<LostReason, string> = {
  time: `the expression takes more than ${expressionLimits.maxDurationMs} ms`,
  memory: 'the expression needs more than 64 MiB of memory',
  stack: 'the expression is nested or recurses too deeply',
};

function keyOf(kind: Program['kind'], source: string): string {
  return kind === 'script' ? `s${source}` : `e${source}`;
}

function dropOldest<T>(map: Map<string, T>): T | undefined {
  for (const [key, value] of map) {
    map.delete(key);
    return value;
  }
  return undefined;
}

function syntaxFailure(message: string): SyntaxFailure {
  return { ok: false, kind: 'syntax', message, line: 1, column: 1 };
}

function limitFailure(message: string): EvaluateFailure {
  return { ok: false, code: 'EXPRESSION_LIMIT', message };
}
