/** A place in an expression: both from 1, columns in code points. */
export interface ExpressionPlace {
  readonly line: number;
  readonly column: number;
}

export type CompiledExpression =
  /** `names`: the free names that it uses, without the language's own. */
  | { readonly ok: true; readonly names: readonly string[] }
  | ({ readonly ok: false; readonly kind: 'syntax'; readonly message: string } & ExpressionPlace)
  | {
      readonly ok: false;
      readonly kind: 'undefined';
      readonly names: readonly ({ readonly name: string } & ExpressionPlace)[];
    };

/**
 * Checks Starlark without running it. It knows the language's own names itself; `knownNames` are those of the context,
 * undefined when any name may exist.
 */
export interface ExpressionCompiler {
  expression(source: string, knownNames: ReadonlySet<string> | undefined): CompiledExpression;
  script(source: string, knownNames: ReadonlySet<string> | undefined): CompiledExpression;
}
