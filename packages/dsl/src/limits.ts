/** The bounds within which every text is checked in bounded time and memory. */
export const limits = {
  /** Of the text, in UTF-8 bytes. */
  maxTextBytes: 1024 * 1024,
  /** Lexical tokens of YAML: keeps the worst text of the permitted size within seconds. */
  maxTokens: 250_000,
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
  maxTimeoutSeconds: 10 * 365 * 24 * 3600,
  maxAttempts: 1_000,
  maxForeachConcurrency: 10_000,
  maxParallelConcurrency: 64,
} as const;
