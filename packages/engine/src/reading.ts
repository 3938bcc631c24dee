/** What expressions read, measured before anything is made of it: a large context costs only what is read of it. */
import { ContextMap, type ContextNode, childOf } from './context.js';
import { isJsonObject, type Json, type JsonObject } from './json.js';
import type { Reads } from './world.js';

/** About the bytes of the JSON of what is read, counted up to `max` and hardly further. */
export const sizeUpTo = (node: ContextNode, reads: Reads | undefined, max: number): number => {
  if (reads === undefined || reads === true) return new Measure(max).of(node);
  let size = 0;
  for (const [field, below] of Object.entries(reads)) {
    const child = childOf(node, field);
    if (child !== undefined) size += field.length + 4 + sizeUpTo(child, below, max - size);
    if (size >= max) break;
  }
  return size;
};

class Measure {
  #size = 0;
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  of(node: ContextNode): number {
    this.#add(node);
    return this.#size;
  }

  #add(node: ContextNode): void {
    this.#size += 2;
    if (this.#size >= this.#max) return;
    if (typeof node === 'string') this.#size += node.length;
    else if (typeof node === 'number') this.#size += 8;
    else if (node instanceof ContextMap)
      for (const [key, field] of node.fields.entries()) {
        if (!this.#addField(key, field)) return;
      }
    else if (Array.isArray(node)) this.#addItems(node);
    else if (isJsonObject(node as Json)) this.#addObject(node as JsonObject);
  }

  #addItems(items: readonly Json[]): void {
    for (const item of items) {
      if (this.#size >= this.#max) return;
      this.#add(item);
    }
  }

  /** Not by `Object.entries`: of a large object that alone would take long. */
  #addObject(object: JsonObject): void {
    for (const key in object)
      if (Object.hasOwn(object, key) && !this.#addField(key, object[key] ?? null)) return;
  }

  #addField(key: string, field: ContextNode): boolean {
    this.#size += key.length + 4;
    if (this.#size < this.#max) this.#add(field);
    return this.#size < this.#max;
  }
}

/** The value without the fields that are not read. Anything but an object stays as it is. */
export const pruned = (value: Json, reads: Reads): Json => {
  if (reads === true || !isJsonObject(value)) return value;
  const kept: [string, Json][] = [];
  for (const [field, below] of Object.entries(reads)) {
    const found = Object.hasOwn(value, field) ? value[field] : undefined;
    if (found !== undefined) kept.push([field, pruned(found, below)]);
  }
  return Object.fromEntries(kept);
};

/** What either reads. */
export const merged = (a: Reads | undefined, b: Reads): Reads => {
  if (a === undefined) return b;
  if (a === true || b === true) return true;
  const fields = new Map(Object.entries(a));
  for (const [field, below] of Object.entries(b)) fields.set(field, merged(fields.get(field), below));
  return Object.fromEntries(fields);
};
