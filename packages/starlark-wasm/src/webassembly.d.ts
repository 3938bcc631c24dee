/** The part of the WebAssembly API that this package uses; the type libraries of Node do not declare it. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, unknown>>);
    readonly exports: Record<string, unknown>;
  }
  class Memory {
    readonly buffer: ArrayBuffer;
  }
  class Global {
    // biome-ignore lint/suspicious/noExplicitAny: an i32 is a number, an i64 a bigint.
    value: any;
  }
}
