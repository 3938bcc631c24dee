/** The bounds within which every text is checked in bounded time and memory. */
export const limits = {
  /**
   * Of a definition's text, in UTF-8 bytes. It travels in one message of 1 MiB as a JSON string, where it takes twice
   * the room at worst: what JSON writes with more characters (control characters) no text may hold.
   */
  maxTextBytes: 384 * 1024,
  /** Of an agent's text and of a teams file. An agent also travels with every step, beside 512 KiB of input. */
  maxAgentBytes: 128 * 1024,
  /** Of what an agent or a teams file says with aliases written out, as JSON. */
  maxWrittenOutBytes: 384 * 1024,
  /** Of all scalars of a text with aliases written out. */
  maxWrittenOutLength: 2 * 1024 * 1024,
  /** Lexical tokens of YAML: keeps the worst text of the permitted size within seconds. */
  maxTokens: 150_000,
  /** Collections within collections, as they stand in the text. */
  maxYamlDepth: 200,
  /** The same of a JSON text from a caller: a run's input, a signal's payload, an approver's data. */
  maxJsonDepth: 64,
  /** Values after aliases are written out. */
  maxNodes: 100_000,
  maxAliases: 1_000,
  /** Conditions, scripts and templates; the others are not compiled. */
  maxExpressions: 20_000,
  /** Over all scopes. */
  maxStates: 1_000,
  /** Scopes within scopes; the root is at depth 1. */
  maxScopeDepth: 16,
  /** Findings of each severity that are kept; a last one says that there are more. */
  maxIssues: 500,
  /** Characters of JSON of the findings of each severity that are kept. */
  maxIssuesLength: 64 * 1024,
  /** Characters of one message, hint or quotation. */
  maxIssueTextLength: 1_000,
  maxTimeoutSeconds: 10 * 365 * 24 * 3600,
  maxAttempts: 1_000,
  maxForeachConcurrency: 10_000,
  maxParallelConcurrency: 64,
} as const;
