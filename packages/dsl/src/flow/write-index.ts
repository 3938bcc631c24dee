/** Many written paths, asked which of them meet a path that is read. Most are `steps.<name>`, so the first two keys tell them apart. */
import type { Path } from '@signalbox/engine';
import { pathsMeet } from './flow-graph.js';

const keyOf = (path: Path): string => JSON.stringify([String(path[0]), String(path[1])]);

export class WriteIndex {
  readonly all: readonly Path[];
  readonly #byRoot = new Map<string, Path[]>();
  readonly #short = new Map<string, Path[]>();
  readonly #byTwo = new Map<string, Path[]>();

  constructor(writes: readonly Path[]) {
    this.all = writes;
    const put = (map: Map<string, Path[]>, key: string, path: Path): void => {
      const list = map.get(key) ?? [];
      list.push(path);
      map.set(key, list);
    };
    for (const path of writes) {
      put(this.#byRoot, String(path[0]), path);
      if (path.length < 2) put(this.#short, String(path[0]), path);
      else put(this.#byTwo, keyOf(path), path);
    }
  }

  hasRoot(root: string): boolean {
    return this.#byRoot.has(root);
  }

  /** Something is written at the path, within it, or around it. */
  meets(path: Path): boolean {
    const root = String(path[0]);
    if (path.length < 2 || this.#short.has(root)) return this.#byRoot.has(root);
    return this.#byTwo.get(keyOf(path))?.some((write) => pathsMeet(write, path)) ?? false;
  }
}
