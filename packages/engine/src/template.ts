/** Fills templates. The value of a template is new JSON; literal parts are shared with the plan. */
import { type StepError, stepError } from './error.js';
import type { Json } from './json.js';
import { formatPath } from './path.js';
import type { Expression, Path, Template } from './plan.js';
import type { Evaluator, Lookup } from './world.js';

export type Rendered =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly error: StepError };

/**
 * The value of a template. An expression that fails makes the whole template fail: with EXPRESSION_LIMIT where a limit
 * was hit, else with TEMPLATE_ERROR; the message names the expression and its place in the template.
 */
export const renderTemplate = (template: Template, lookup: Lookup, evaluate: Evaluator): Rendered =>
  renderAt(template, { lookup, evaluate }, []);

interface Context {
  readonly lookup: Lookup;
  readonly evaluate: Evaluator;
}

const renderAt = (template: Template, context: Context, at: Path): Rendered => {
  switch (template.kind) {
    case 'literal':
      return { ok: true, value: template.value };
    case 'expression':
      return resultOf(template.expression, context, at);
    case 'text':
      return renderText(template, context, at);
    case 'object':
      return renderObject(template, context, at);
    case 'list':
      return renderList(template, context, at);
  }
};

const resultOf = (expression: Expression, { lookup, evaluate }: Context, at: Path): Rendered => {
  const evaluated = evaluate.expression(expression, lookup);
  if (evaluated.ok) return evaluated;
  const place = at.length === 0 ? '' : ` in "${formatPath(at)}"`;
  const code = evaluated.code === 'EXPRESSION_ERROR' ? 'TEMPLATE_ERROR' : evaluated.code;
  const message = `{{ ${expression} }}${place}: ${evaluated.message}`;
  return { ok: false, error: stepError(code, message, { expression, path: [...at] }) };
};

const renderText = (template: Extract<Template, { kind: 'text' }>, context: Context, at: Path): Rendered => {
  let text = '';
  for (const part of template.parts) {
    if ('text' in part) {
      text += part.text;
      continue;
    }
    const rendered = resultOf(part.expression, context, at);
    if (!rendered.ok) return rendered;
    text += typeof rendered.value === 'string' ? rendered.value : JSON.stringify(rendered.value);
  }
  return { ok: true, value: text };
};

const renderObject = (
  template: Extract<Template, { kind: 'object' }>,
  context: Context,
  at: Path,
): Rendered => {
  const fields: [string, Json][] = [];
  for (const [key, field] of template.fields) {
    const rendered = renderAt(field, context, [...at, key]);
    if (!rendered.ok) return rendered;
    fields.push([key, rendered.value]);
  }
  return { ok: true, value: Object.fromEntries(fields) };
};

const renderList = (template: Extract<Template, { kind: 'list' }>, context: Context, at: Path): Rendered => {
  const items: Json[] = [];
  for (const [index, item] of template.items.entries()) {
    const rendered = renderAt(item, context, [...at, index]);
    if (!rendered.ok) return rendered;
    items.push(rendered.value);
  }
  return { ok: true, value: items };
};
