/**
 * Owns the files that the build makes: the WebAssembly module, compiled once in a process, and the Go toolchain's
 * own `wasm_exec.js`, run with a global object of its own.
 *
 * 1. Nothing is written to the process's globals, and the Go program reaches none of them: no file, network or
 *    environment. What it writes to stderr is kept for the message of a failed start.
 * 2. The program is given neither time nor chance: its clock goes by how often it was asked, what it takes for random
 *    is always the same, and its timers (of its own housekeeping) never fire. So the same calls cost the same fuel.
 */
import { readFileSync } from 'node:fs';
import { compileFunction } from 'node:vm';

/**
 * What `wasm_exec.js` gives for one instance. `exited` is set when the program has ended, for whatever reason. The
 * names with an underscore are its account of the JavaScript values that the program holds.
 */
export type GoRuntime = {
  readonly importObject: Record<string, Record<string, unknown>>;
  exited?: boolean;
  _inst: WebAssembly.Instance;
  _values: unknown[];
  _goRefCounts: number[];
  _ids: Map<unknown, number>;
  _idPool: number[];
  _pendingEvent: unknown;
  exit: (code: number) => void;
  run: (instance: WebAssembly.Instance) => Promise<void>;
};

export type GoHost = {
  /** Receives the address of the header and the function that wakes the program (see `go/main.go`). */
  readonly attach: (headerAddress: number, wake: () => void) => void;
  readonly writeError: (text: string) => void;
  /** Counts how often the clock was read; whoever puts the program back puts it back too. */
  readonly clock: { readings: number };
};

type GlobalObject = Record<string, unknown> & { Go?: new () => GoRuntime };

const hostNames = [
  'globalThis',
  'fs',
  'process',
  'crypto',
  'performance',
  'console',
  'Date',
  'TextEncoder',
  'TextDecoder',
  'setTimeout',
  'clearTimeout',
] as const;

let compiledModule: WebAssembly.Module | undefined;
let execSource: string | undefined;

/** The compiled module; reads and compiles it on the first call. */
export function loadModule(): WebAssembly.Module {
  compiledModule ??= new WebAssembly.Module(readFileSync(builtFile('starlark.wasm')));
  return compiledModule;
}

/** A runtime for one instance, with nothing shared with other instances. */
export function createGoRuntime(host: GoHost): GoRuntime {
  execSource ??= readFileSync(builtFile('wasm_exec.js'), 'utf8');
  const globals = createGlobals(host);
  const define = compileFunction(execSource, [...hostNames]) as (...values: unknown[]) => void;
  define(...hostNames.map((name) => (name === 'globalThis' ? globals : globals[name])));
  if (globals.Go === undefined) throw new Error('wasm_exec.js defines no Go');
  return new globals.Go();
}

/** The same place from `src` and from `dist`. */
function builtFile(name: string): URL {
  return new URL(`../dist/${name}`, import.meta.url);
}

class StillDate extends Date {
  constructor() {
    super(0);
  }
  static override now(): number {
    return 0;
  }
}

/** Seeds hash tables. Whoever makes keys collide spends their own fuel. */
function notRandom(bytes: Uint8Array): Uint8Array {
  for (let index = 0; index < bytes.length; index++) bytes[index] = (index * 151 + 89) & 0xff;
  return bytes;
}

function createGlobals(host: GoHost): GlobalObject {
  const decoder = new TextDecoder();
  const notAvailable = (): never => {
    throw new Error('not available to Starlark');
  };
  const noFlags = {
    O_WRONLY: -1,
    O_RDWR: -1,
    O_CREAT: -1,
    O_TRUNC: -1,
    O_APPEND: -1,
    O_EXCL: -1,
    O_DIRECTORY: -1,
  };
  return {
    Object,
    Array,
    Error,
    Date: StillDate,
    Uint8Array,
    TextEncoder,
    TextDecoder,
    crypto: { getRandomValues: notRandom },
    performance: { now: () => host.clock.readings++ / 1_000 },
    attach: host.attach,
    console: { log: host.writeError, warn: host.writeError, error: host.writeError },
    fs: {
      constants: noFlags,
      writeSync: (_fd: number, bytes: Uint8Array): number => {
        host.writeError(decoder.decode(bytes));
        return bytes.length;
      },
    },
    process: { pid: -1, ppid: -1, cwd: notAvailable, chdir: notAvailable },
    setTimeout: () => 0,
    clearTimeout: () => undefined,
  };
}
