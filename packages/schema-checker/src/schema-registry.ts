/**
 * Makes nodes of schemas and finds what references point at.
 *
 * 1. Nodes are interned by the canonical text of their schema, so equal schemas share an id, within a document and across documents.
 *    A schema that holds a reference shares its id only within documents whose whole text is equal, since the same reference may mean something else in another.
 * 2. Keywords are read when first asked for; reading never follows a reference, so recursion in the schema costs nothing here.
 */
import type { Dialect } from './dialect.js';
import type { Fuel } from './fuel.js';
import { canonicalText, isJsonObject, type Json, type JsonObject, ownValue } from './json.js';
import { readKeywords } from './read-keywords.js';
import { languageOf, sizeOfLanguage } from './regex/language.js';
import type { Pattern, SchemaKeywords, SchemaNode, SchemaSource } from './schema-node.js';

const REFERENCE_KEYWORD = /"\$(?:ref|dynamicRef|recursiveRef)":/;

/** A root schema, the place where references are looked up. */
export class SchemaDocument implements SchemaSource {
  readonly dialect: Dialect;
  readonly registry: SchemaRegistry;
  /** Equal for documents whose whole text and dialect are equal. */
  readonly scope: string;
  readonly #root: Json;
  readonly #nodes = new Map<Json, SchemaNode>();
  #anchors: Map<string, Json> | undefined;
  #hasNestedIds = false;

  constructor(registry: SchemaRegistry, root: Json, dialect: Dialect) {
    this.registry = registry;
    this.dialect = dialect;
    this.#root = root;
    this.scope = registry.scopeOf(`${dialect} ${canonicalText(root)}`);
  }

  get root(): SchemaNode {
    return this.node(this.#root);
  }

  node(schema: Json): SchemaNode {
    const known = this.#nodes.get(schema);
    if (known !== undefined) return known;
    const node = this.registry.intern(schema, this);
    this.#nodes.set(schema, node);
    return node;
  }

  pattern(source: string): Pattern {
    return this.registry.pattern(source);
  }

  resolve(reference: string): SchemaNode | undefined {
    this.#indexIdentifiers();
    if (this.#hasNestedIds) return undefined;
    const rootId = isJsonObject(this.#root) ? ownValue(this.#root, '$id') : undefined;
    const hash = reference.indexOf('#');
    const address = hash < 0 ? reference : reference.slice(0, hash);
    const fragment = hash < 0 ? '' : reference.slice(hash + 1);
    if (address !== '' && (typeof rootId !== 'string' || address !== rootId.replace(/#$/, '')))
      return undefined;
    const target = fragment === '' ? this.#root : this.#targetOf(fragment);
    return target === undefined ? undefined : this.node(target);
  }

  #targetOf(fragment: string): Json | undefined {
    if (!fragment.startsWith('/')) return this.#anchors?.get(fragment);
    let target: Json | undefined = this.#root;
    for (const token of fragment.slice(1).split('/')) {
      const name = decodeToken(token);
      if (name === undefined || target === undefined) return undefined;
      if (Array.isArray(target)) target = /^\d+$/.test(name) ? target[Number(name)] : undefined;
      else target = isJsonObject(target) ? ownValue(target, name) : undefined;
    }
    return target;
  }

  #indexIdentifiers(): void {
    if (this.#anchors !== undefined) return;
    this.#anchors = new Map();
    const pending: Json[] = [this.#root];
    for (let item = pending.pop(); item !== undefined; item = pending.pop()) {
      this.registry.fuel.spend();
      if (Array.isArray(item)) pending.push(...item);
      if (!isJsonObject(item)) continue;
      this.#indexOne(item, this.#anchors);
      for (const member of Object.values(item)) if (member !== undefined) pending.push(member);
    }
  }

  #indexOne(item: JsonObject, anchors: Map<string, Json>): void {
    const id = ownValue(item, '$id');
    if (typeof id === 'string') {
      if (id.startsWith('#')) anchors.set(id.slice(1), item);
      else if (item !== this.#root) this.#hasNestedIds = true;
    }
    const anchor = ownValue(item, '$anchor');
    if (typeof anchor === 'string' && this.dialect === '2020-12') anchors.set(anchor, item);
  }
}

function decodeToken(token: string): string | undefined {
  try {
    return decodeURIComponent(token).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

class LazyNode implements SchemaNode {
  readonly id: number;
  readonly schema: Json;
  readonly #document: SchemaDocument;
  #keywords: SchemaKeywords | undefined;

  constructor(id: number, schema: Json, document: SchemaDocument) {
    this.id = id;
    this.schema = schema;
    this.#document = document;
  }

  get keywords(): SchemaKeywords {
    this.#keywords ??= readKeywords(this.schema, this.#document);
    return this.#keywords;
  }
}

export class SchemaRegistry {
  readonly fuel: Fuel;
  readonly #byText = new Map<string, SchemaNode>();
  readonly #patterns = new Map<string, Pattern>();
  readonly #scopes = new Map<string, string>();
  readonly #scratch: SchemaDocument;
  #lastId = 0;

  constructor(fuel: Fuel) {
    this.fuel = fuel;
    this.#scratch = new SchemaDocument(this, true, '2020-12');
  }

  scopeOf(rootText: string): string {
    const known = this.#scopes.get(rootText);
    if (known !== undefined) return known;
    const scope = `document ${this.#scopes.size}`;
    this.#scopes.set(rootText, scope);
    return scope;
  }

  open(root: Json, dialect: Dialect): SchemaDocument {
    return new SchemaDocument(this, root, dialect);
  }

  intern(schema: Json, document: SchemaDocument): SchemaNode {
    const text = canonicalText(schema);
    this.fuel.spend(1 + (text.length >> 6));
    const scope = REFERENCE_KEYWORD.test(text) ? document.scope : document.dialect;
    const key = `${scope} ${text}`;
    const known = this.#byText.get(key);
    if (known !== undefined) return known;
    this.#lastId += 1;
    const node = new LazyNode(this.#lastId, schema, document);
    this.#byText.set(key, node);
    return node;
  }

  /** A node for a schema made by the checker itself; it holds no references. */
  synthetic(schema: Json): SchemaNode {
    return this.#scratch.node(schema);
  }

  pattern(source: string): Pattern {
    const known = this.#patterns.get(source);
    if (known !== undefined) return known;
    this.fuel.spend(1 + (source.length >> 4));
    const language = languageOf(source);
    this.fuel.spend(language === undefined ? 0 : sizeOfLanguage(language) >> 3);
    const pattern: Pattern = { source, language };
    this.#patterns.set(source, pattern);
    return pattern;
  }
}
