/**
 * Owns one running Go program: its memory, its clock, and how it ends.
 *
 * 1. A call is synchronous and ends within `maxDurationMs`, or the instance is lost: the module asks whether it may
 *    go on after every `fuelPerCheck` loops, and an exception thrown then leaves it in no state to be used again.
 *    Time is the processor time of this process: on a busy machine a small expression must not run into the limit
 *    because others were served first.
 * 2. The same holds for memory (the Go runtime exits at the module's maximum) and for the host's call stack.
 * 3. A lost instance answers nothing more; the owner takes a fresh one.
 */
import { createGoRuntime, loadModule } from './go-runtime.js';
import { expressionLimits } from './limits.js';

/** Numbers shared with `go/main.go`. */
export const operation = {
  reserve: 1,
  compileExpression: 2,
  compileScript: 3,
  evaluate: 4,
  release: 5,
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

/** Well below a millisecond of work. */
const fuelPerCheck = 50_000;

export type LostReason = 'time' | 'memory' | 'stack';

export type Reply =
  | { readonly status: (typeof statuses)[number]; readonly text: string; readonly argument: number }
  | { readonly status: 'lost'; readonly reason: LostReason };

class TimeIsUp extends Error {}

export class GoInstance {
  #memory: WebAssembly.Memory;
  #fuel: WebAssembly.Global;
  #bytes: Buffer;
  #header: Uint32Array;
  #headerAddress = 0;
  #wake: (() => void) | undefined;
  #isTimed = false;
  #usedAtFirstCheck: NodeJS.CpuUsage | undefined;
  #isGone = false;
  #isFresh = true;
  #errors = '';
  readonly #hasExited: () => boolean;

  constructor() {
    const runtime = createGoRuntime({
      attach: (headerAddress, wake) => {
        this.#headerAddress = headerAddress;
        this.#wake = wake;
      },
      writeError: (text) => {
        if (this.#errors.length < 1_000) this.#errors += text;
      },
      isGone: () => this.#isGone,
    });
    for (const imports of Object.values(runtime.importObject)) {
      if ('debug' in imports) imports.debug = () => this.#checkTime();
    }
    runtime.exit = () => undefined;
    this.#hasExited = () => runtime.exited === true;

    const instance = new WebAssembly.Instance(loadModule(), runtime.importObject);
    this.#memory = instance.exports.mem as WebAssembly.Memory;
    this.#fuel = instance.exports.fuel as WebAssembly.Global;
    this.#fuel.value = fuelPerCheck;
    // `run` goes as far as the program's first wait before it returns; a failure until then is found below.
    runtime.run(instance).catch((cause: unknown) => {
      this.#errors += String(cause);
    });
    if (this.#wake === undefined || this.#hasExited()) {
      throw new Error(`the Starlark module did not start: ${this.#errors || 'no message'}`);
    }
    this.#bytes = Buffer.alloc(0);
    this.#header = new Uint32Array(0);
  }

  /** Bytes of linear memory; it never shrinks. */
  get memoryBytes(): number {
    return this.#memory.buffer.byteLength;
  }

  /** Whether nothing was evaluated in it yet. */
  get isFresh(): boolean {
    return this.#isFresh;
  }

  /** Never throws for what an expression does. */
  call(what: number, argument: number, text: string): Reply {
    if (what === operation.evaluate) this.#isFresh = false;
    const inputSize = this.#writeInput(text);
    if (typeof inputSize !== 'number') return inputSize;
    const reason = this.#run(what, argument, inputSize);
    if (reason !== undefined) return { status: 'lost', reason };
    const header = this.#header;
    const size = header[word.outputSize] ?? 0;
    const output = header[word.output] ?? 0;
    return {
      status: statuses[header[word.status] ?? 1] ?? 'failed',
      text: size === 0 ? '' : this.#bytes.toString('utf8', output, output + size),
      argument: header[word.argument] ?? 0,
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
        const reason = this.#run(operation.reserve, size, 0);
        if (reason !== undefined) return { status: 'lost', reason };
        capacity = this.#header[word.inputCapacity] ?? 0;
        if (size > capacity) return { status: 'lost', reason: 'memory' };
      }
    }
    return this.#bytes.write(text, this.#header[word.input] ?? 0, capacity, 'utf8');
  }

  /** Wakes the program for one request; gives the reason when the instance is lost in it. */
  #run(what: number, argument: number, inputSize: number): LostReason | undefined {
    if (this.#isGone || this.#wake === undefined) throw new Error('a lost Starlark instance was called');
    this.#header[word.operation] = what;
    this.#header[word.argument] = argument;
    this.#header[word.inputSize] = inputSize;
    this.#fuel.value = fuelPerCheck;
    this.#isTimed = true;
    this.#usedAtFirstCheck = undefined;
    try {
      this.#wake();
    } catch (cause) {
      this.#isGone = true;
      return this.#reasonOf(cause);
    } finally {
      this.#isTimed = false;
    }
    if (this.#hasExited()) {
      this.#isGone = true;
      return 'memory';
    }
    this.#refreshViews();
    return undefined;
  }

  #reasonOf(cause: unknown): LostReason {
    if (cause instanceof TimeIsUp) return 'time';
    if (this.#hasExited()) return 'memory';
    if (cause instanceof RangeError) return 'stack';
    throw new Error(`the Starlark module failed: ${this.#errors || 'no message'}`, { cause });
  }

  #checkTime(): void {
    this.#fuel.value = fuelPerCheck;
    if (!this.#isTimed) return;
    // Most calls end before their first check and so never pay for the clock.
    this.#usedAtFirstCheck ??= process.cpuUsage();
    const used = process.cpuUsage(this.#usedAtFirstCheck);
    if (used.user + used.system > expressionLimits.maxDurationMs * 1_000) throw new TimeIsUp();
  }

  /** Growing memory detaches the buffer that the views stood on. */
  #refreshViews(): void {
    const buffer = this.#memory.buffer;
    if (this.#bytes.buffer === buffer) return;
    this.#bytes = Buffer.from(buffer);
    this.#header = new Uint32Array(buffer, this.#headerAddress, Object.keys(word).length);
  }
}
