/**
 * Text → definition → plan. The order of the checks: form, then names and transitions, then expressions, then schemas; each reports all that it
 * finds, and none stops the next unless the text is no tree or is too large.
 */
import type { Plan } from '@signalbox/engine';
import type { CheckSchema } from './check/check-schema.js';
import { checkExpressions } from './check/expressions.js';
import { NamesInScope } from './check/known-names.js';
import { PathReads } from './check/path-reads.js';
import { checkReferencesOutside } from './check/references-outside.js';
import { checkRules } from './check/rules.js';
import { StructureChecker } from './check/structure.js';
import { checkTransitions } from './check/transitions.js';
import { refuseUnsupported } from './check/unsupported.js';
import { checkDataFlow } from './data-flow/check-data-flow.js';
import { DeclaredFields } from './data-flow/declared-fields.js';
import { OperandTypes } from './data-flow/operand-types.js';
import { ReachingValues } from './data-flow/reaching-values.js';
import type { WorkflowDefinition } from './definition.js';
import type { Environment } from './environment.js';
import type { ExpressionCompiler } from './expression-compiler.js';
import { buildModel } from './flow/scope-model.js';
import type { Issue, ValidationResult } from './issue.js';
import { planWorkflow } from './plan-workflow.js';
import { readSource, type Source } from './source/read-source.js';
import { entryOf, jsonOf, type MapNode, type SourceNode } from './source/source-node.js';

export interface ParseOptions {
  readonly compiler: ExpressionCompiler;
  /** What may be referred to; nothing of it is checked when absent. */
  readonly environment?: Environment | undefined;
  /** Compiles a JSON Schema without running its patterns; what is wrong with it, or undefined. */
  readonly checkSchema?: CheckSchema | undefined;
}

export type ParsedWorkflow =
  | {
      readonly ok: true;
      readonly definition: WorkflowDefinition;
      readonly plan: Plan;
      readonly warnings: readonly Issue[];
    }
  | { readonly ok: false; readonly errors: readonly Issue[]; readonly warnings: readonly Issue[] };

const checkTree = (root: SourceNode, source: Source, options: ParseOptions): void => {
  const { diagnostics, text } = source;
  const structure = new StructureChecker(diagnostics, options.checkSchema);
  structure.check(root, 'workflow');
  if (root.kind !== 'map') return;
  const model = buildModel(root);
  if (!checkTransitions(model, structure.sites, diagnostics)) return;
  checkRules(model, diagnostics);
  refuseUnsupported(model, diagnostics);
  checkReferencesOutside(root, structure.sites, options.environment ?? {}, diagnostics);
  const names = new NamesInScope(model.root);
  const values = new ReachingValues(model, options.environment ?? {});
  const reads = new PathReads(names, new DeclaredFields(values, diagnostics), diagnostics);
  const types = new OperandTypes(values, diagnostics);
  checkExpressions(
    model,
    structure.sites,
    { text, compiler: options.compiler, diagnostics },
    names,
    reads,
    types,
  );
  checkDataFlow(model, values, diagnostics);
};

/** An unquoted `version: 1.0` is a number for YAML; what the author wrote is kept. */
const labelOf = (root: MapNode): string | undefined => {
  const version = entryOf(root, 'version')?.value;
  return version?.kind === 'scalar' && typeof version.value === 'number' ? version.written : undefined;
};

const definitionOf = (root: MapNode): WorkflowDefinition => {
  const label = labelOf(root);
  // The checks above have held the tree against the same tables that the type is written after.
  const definition = jsonOf(root) as unknown as WorkflowDefinition;
  return label === undefined ? definition : { ...definition, version: label };
};

/** Any text or bytes whatever end in a result; nothing is thrown. */
export const parseWorkflow = (text: string | Uint8Array, options: ParseOptions): ParsedWorkflow => {
  const source = readSource(text, 'the definition');
  const { diagnostics, root } = source;
  if (root !== undefined) checkTree(root, source, options);
  const { errors, warnings } = diagnostics;
  if (root?.kind !== 'map' || errors.length > 0) return { ok: false, errors, warnings };
  const definition = definitionOf(root);
  return { ok: true, definition, plan: planWorkflow(definition), warnings };
};

export const validateWorkflow = (text: string | Uint8Array, options: ParseOptions): ValidationResult => {
  const parsed = parseWorkflow(text, options);
  return { valid: parsed.ok, errors: parsed.ok ? [] : parsed.errors, warnings: parsed.warnings };
};
