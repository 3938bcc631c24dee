/**
 * Owns one running Go program: its memory, its fuel, and how a call ends.
 *
 * 1. A call is synchronous and ends when its fuel is spent: the module counts down at the start of every loop, and
 *    at zero calls the host, which throws. Fuel is work, not time: the same calls from the same beginning spend the
 *    same, on whatever machine and however busy it is.
 * 2. The same holds for memory (the Go runtime exits at the module's maximum) and for the host's call stack.
 * 3. After a call that ended so, or for a verdict that depends on nothing before, `reset` puts the program back to its
 *    beginning: memory, globals and the runtime's account of values. That costs a fraction of a new instance.
 */
import { createGoRuntime, type GoRuntime, loadModule } from './go-runtime.js';

/** Numbers shared with `go/main.go`. */
export const operation = {
  reserve: 1,
  compileExpression: 2,
  compileScript: 3,
  evaluate: 4,
  release: 5,
  collect: 6,
} as const;
const word = {
  operation: 0,
  argument: 1,
  inputSize: 2,
  status: 3,
  input: 4,
  inputCapacity: 5,
  output: 6,
  outputSize: 7,
} as const;
const statuses = ['ok', 'failed', 'limit'] as const;

/** What the module counts down from where nothing is limited: the largest i32. */
export const boundless = 0x7fff_ffff;
const pageBytes = 65_536;
const emptyPage = new Uint8Array(pageBytes);

export type LostReason = 'fuel' | 'memory' | 'stack';

export type Reply =
  | {
      readonly status: (typeof statuses)[number];
      readonly text: string;
      readonly argument: number;
      readonly fuel: number;
    }
  | { readonly status: 'lost'; readonly reason: LostReason; readonly fuel: number };

class OutOfFuel extends Error {}

/** Where a program stands before its first call. Pages that hold nothing are left out. */
interface Beginning {
  readonly pages: ReadonlyMap<number, Uint8Array>;
  readonly globals: readonly (number | bigint)[];
  readonly clockReadings: number;
  readonly values: readonly unknown[];
  readonly refCounts: readonly number[];
  readonly ids: ReadonlyMap<unknown, number>;
  readonly idPool: readonly number[];
}

export class GoInstance {
  readonly #runtime: GoRuntime;
  readonly #instance: WebAssembly.Instance;
  readonly #memory: WebAssembly.Memory;
  readonly #fuel: WebAssembly.Global;
  readonly #globals: readonly WebAssembly.Global[];
  readonly #clock = { readings: 0 };
  readonly #beginning: Beginning;
  #bytes: Buffer;
  #header: Uint32Array;
  #headerAddress = 0;
  #wake: (() => void) | undefined;
  #isLimited = false;
  #isLost = false;
  #errors = '';

  constructor() {
    const runtime = createGoRuntime({
      attach: (headerAddress, wake) => {
        this.#headerAddress = headerAddress;
        this.#wake = wake;
      },
      writeError: (text) => {
        if (this.#errors.length < 1_000) this.#errors += text;
      },
      clock: this.#clock,
    });
    for (const imports of Object.values(runtime.importObject)) {
      if ('debug' in imports) imports.debug = () => this.#fuelIsSpent();
    }
    runtime.exit = () => undefined;
    this.#runtime = runtime;

    const instance = new WebAssembly.Instance(loadModule(), runtime.importObject);
    this.#instance = instance;
    this.#memory = instance.exports.mem as WebAssembly.Memory;
    this.#fuel = instance.exports.fuel as WebAssembly.Global;
    this.#fuel.value = boundless;
    this.#globals = Object.entries(instance.exports)
      .filter(([name]) => name.startsWith('global'))
      .map(([, value]) => value as WebAssembly.Global);
    // A module of an earlier build runs, and goes wrong only after its first `reset`.
    if (this.#globals.length === 0)
      throw new Error('the Starlark module is of an earlier build: build it anew');
    // `run` goes as far as the program's first wait before it returns; a failure until then is found below.
    runtime.run(instance).catch((cause: unknown) => {
      this.#errors += String(cause);
    });
    if (this.#wake === undefined || runtime.exited === true) {
      throw new Error(`the Starlark module did not start: ${this.#errors || 'no message'}`);
    }
    this.#bytes = Buffer.alloc(0);
    this.#header = new Uint32Array(0);
    this.#beginning = this.#whereItStands();
  }

  /** Bytes of linear memory; it never shrinks. */
  get memoryBytes(): number {
    return this.#memory.buffer.byteLength;
  }

  /** Never throws for what an expression does. After a call that was lost, only `reset` may be called. */
  call(what: number, argument: number, text: string, maxFuel: number): Reply {
    const inputSize = this.#writeInput(text);
    if (typeof inputSize !== 'number') return inputSize;
    const reason = this.#run(what, argument, inputSize, maxFuel);
    const fuel = maxFuel - this.#fuel.value;
    if (reason !== undefined) return { status: 'lost', reason, fuel };
    const header = this.#header;
    const size = header[word.outputSize] ?? 0;
    const output = header[word.output] ?? 0;
    return {
      status: statuses[header[word.status] ?? 1] ?? 'failed',
      text: size === 0 ? '' : this.#bytes.toString('utf8', output, output + size),
      argument: header[word.argument] ?? 0,
      fuel,
    };
  }

  /** Back to the beginning: nothing was compiled or evaluated. */
  reset(): void {
    const { pages, globals, clockReadings, values, refCounts, ids, idPool } = this.#beginning;
    const bytes = new Uint8Array(this.#memory.buffer);
    for (let at = 0; at < bytes.length; at += pageBytes) {
      const page = pages.get(at);
      if (page === undefined) bytes.fill(0, at, at + pageBytes);
      else bytes.set(page, at);
    }
    for (const [index, global] of this.#globals.entries()) global.value = globals[index] ?? 0;
    this.#clock.readings = clockReadings;
    const runtime = this.#runtime;
    runtime._inst = this.#instance;
    runtime._values = [...values];
    runtime._goRefCounts = [...refCounts];
    runtime._ids = new Map(ids);
    runtime._idPool = [...idPool];
    runtime._pendingEvent = null;
    runtime.exited = false;
    this.#isLost = false;
    this.#errors = '';
  }

  #whereItStands(): Beginning {
    const bytes = new Uint8Array(this.#memory.buffer);
    const pages = new Map<number, Uint8Array>();
    for (let at = 0; at < bytes.length; at += pageBytes) {
      const page = bytes.subarray(at, at + pageBytes);
      if (Buffer.compare(page, emptyPage) !== 0) pages.set(at, page.slice());
    }
    const { _values, _goRefCounts, _ids, _idPool } = this.#runtime;
    return {
      pages,
      globals: this.#globals.map(({ value }) => value),
      clockReadings: this.#clock.readings,
      values: [..._values],
      refCounts: [..._goRefCounts],
      ids: new Map(_ids),
      idPool: [..._idPool],
    };
  }

  #writeInput(text: string): number | Reply {
    this.#refreshViews();
    if (text.length === 0) return 0;
    let capacity = this.#header[word.inputCapacity] ?? 0;
    // No UTF-16 unit takes more than 3 bytes of UTF-8.
    if (text.length * 3 > capacity) {
      const size = Buffer.byteLength(text);
      if (size > capacity) {
        const reason = this.#run(operation.reserve, size, 0, boundless);
        if (reason !== undefined) return { status: 'lost', reason, fuel: 0 };
        capacity = this.#header[word.inputCapacity] ?? 0;
        if (size > capacity) return { status: 'lost', reason: 'memory', fuel: 0 };
      }
    }
    return this.#bytes.write(text, this.#header[word.input] ?? 0, capacity, 'utf8');
  }

  /** Wakes the program for one request; gives the reason when the program is lost in it. */
  #run(what: number, argument: number, inputSize: number, maxFuel: number): LostReason | undefined {
    if (this.#isLost || this.#wake === undefined) throw new Error('a lost Starlark program was called');
    this.#header[word.operation] = what;
    this.#header[word.argument] = argument;
    this.#header[word.inputSize] = inputSize;
    this.#fuel.value = maxFuel;
    this.#isLimited = true;
    try {
      this.#wake();
    } catch (cause) {
      this.#isLost = true;
      return this.#reasonOf(cause);
    } finally {
      this.#isLimited = false;
    }
    if (this.#runtime.exited === true) {
      this.#isLost = true;
      return 'memory';
    }
    this.#refreshViews();
    return undefined;
  }

  #reasonOf(cause: unknown): LostReason {
    if (cause instanceof OutOfFuel) return 'fuel';
    if (this.#runtime.exited === true) return 'memory';
    if (cause instanceof RangeError) return 'stack';
    throw new Error(`the Starlark module failed: ${this.#errors || 'no message'}`, { cause });
  }

  #fuelIsSpent(): void {
    if (this.#isLimited) throw new OutOfFuel();
    this.#fuel.value = boundless;
  }

  /** Growing memory detaches the buffer that the views stood on. */
  #refreshViews(): void {
    const buffer = this.#memory.buffer;
    if (this.#bytes.buffer === buffer) return;
    this.#bytes = Buffer.from(buffer);
    this.#header = new Uint32Array(buffer, this.#headerAddress, Object.keys(word).length);
  }
}
