/** Keeps what was used last, up to a number of bytes: a program weighs its source text and a fixed part. */

const bytesBesideText = 512;

export class ProgramCache<T> {
  readonly #maxBytes: number;
  /** The one used longest ago first. */
  readonly #entries = new Map<string, T>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): T | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry;
  }

  /** Returns what had to give way. */
  set(key: string, entry: T): readonly T[] {
    const before = this.#entries.get(key);
    if (before !== undefined) this.#drop(key);
    this.#entries.set(key, entry);
    this.#bytes += weightOf(key);
    const dropped: T[] = before === undefined ? [] : [before];
    for (const [oldest, value] of this.#entries) {
      if (this.#bytes <= this.#maxBytes || oldest === key) break;
      this.#drop(oldest);
      dropped.push(value);
    }
    return dropped;
  }

  #drop(key: string): void {
    this.#entries.delete(key);
    this.#bytes -= weightOf(key);
  }
}

const weightOf = (key: string): number => 2 * key.length + bytesBesideText;
