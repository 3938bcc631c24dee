/** What the value of a field may be. Data only: the checker, the editor schema and the reference pages all read it. */
import type { IssueCode } from '../codes.js';

/** Texts with a rule of their own; `rule` completes "must be …". */
export const textForms = {
  any: { pattern: /^[\s\S]+$/, rule: 'a text' },
  workflowId: {
    pattern: /^[a-z0-9]+(-[a-z0-9]+)*$/,
    rule: 'in kebab-case: small letters, digits and single hyphens',
  },
  name: { pattern: /^[A-Za-z0-9_-]+$/, rule: 'made of letters, digits, "_" and "-"' },
  signalName: { pattern: /^[A-Za-z0-9_.-]+$/, rule: 'made of letters, digits, "_", "-" and "."' },
  variable: {
    pattern: /^[A-Za-z_][A-Za-z0-9_]*$/,
    rule: 'a variable name: letters, digits and "_", no digit first',
  },
  model: { pattern: /^[a-z0-9-]+\/[^\s]+$/, rule: 'provider/model, such as openai/gpt-4o' },
  /** The one form of an actor, which the api makes of what a client says: no other could ever decide. */
  member: {
    pattern: /^(user|service):[a-z0-9][a-z0-9._@+-]{0,127}$/,
    rule: 'a member such as user:alice: small letters, digits and "._@+-"',
  },
  team: {
    pattern: /^[a-z0-9][a-z0-9._-]{0,127}$/,
    rule: 'made of small letters, digits, ".", "_" and "-", a letter or digit first',
  },
  approver: {
    pattern: /^((user|service):[a-z0-9][a-z0-9._@+-]{0,127}|team:[a-z0-9][a-z0-9._-]{0,127})$/,
    rule: 'an approver such as user:alice or team:sre: small letters, digits and "._@+-"',
  },
} as const satisfies { readonly [name: string]: { readonly pattern: RegExp; readonly rule: string } };

export type TextForm = keyof typeof textForms;

export const maxNameLength = 128;
/** Of a text for readers. */
export const maxProseLength = 4_000;

export type ValueKind =
  | { readonly is: 'text'; readonly form: TextForm }
  /** Text or a number, taken as it was written: `1.0` stays "1.0". */
  | { readonly is: 'label' }
  | { readonly is: 'flag' }
  /** `true` and nothing else. */
  | { readonly is: 'true' }
  | {
      readonly is: 'number';
      readonly min?: number;
      readonly above?: number;
      readonly max?: number;
      readonly isWhole?: true;
    }
  | { readonly is: 'choice'; readonly of: readonly string[]; readonly code?: IssueCode }
  | { readonly is: 'path'; readonly use: 'read' | 'write' }
  | { readonly is: 'expression' }
  | { readonly is: 'script' }
  /** `text`: a single text; `object`: an object, or one expression that gives it. */
  | { readonly is: 'template'; readonly of: 'any' | 'text' | 'object' }
  | { readonly is: 'schema' }
  /** Name of a state of the same scope. */
  | { readonly is: 'target'; readonly unknown: 'START_NOT_FOUND' | 'UNKNOWN_TRANSITION_TARGET' }
  /** Name of something outside the definition. */
  | { readonly is: 'reference'; readonly to: 'agent' | 'tool' | 'workflow' }
  | { readonly is: 'shape'; readonly shape: ShapeName }
  /** An object whose shape hangs on the `action` beside it. */
  | { readonly is: 'actionInput' }
  | { readonly is: 'states' }
  | { readonly is: 'list'; readonly of: ValueKind; readonly minCount?: number }
  /** Keys are the author's. */
  | { readonly is: 'map'; readonly of: ValueKind }
  | { readonly is: 'either'; readonly kinds: readonly ValueKind[]; readonly rule: string };

export interface Field {
  readonly kind: ValueKind;
  readonly description: string;
  readonly isRequired?: true;
  /** The code where the field is required and missing; `MISSING_FIELD` when absent. */
  readonly missing?: IssueCode;
  /** Older spellings, accepted with `DEPRECATED_FIELD`. */
  readonly oldNames?: readonly string[];
  /** What the language takes where the field is missing. */
  readonly standsFor?: string;
}

/** One and only one of `fields` is given. */
export interface ExclusiveFields {
  readonly fields: readonly [string, string];
  readonly missing: IssueCode;
}

export interface Shape {
  /** Completes "is not a field of …". */
  readonly title: string;
  readonly fields: { readonly [name: string]: Field };
  readonly exclusive?: readonly ExclusiveFields[];
}

export type ShapeName =
  | 'workflow'
  | 'triggers'
  | 'webhookTrigger'
  | 'scheduleTrigger'
  | 'pins'
  | 'condition'
  | 'branch'
  | 'iterator'
  | 'join'
  | 'retry'
  | 'catch'
  | 'compensation'
  | 'agent'
  | 'agentConfig'
  | 'agentSchema'
  | 'scriptedAnswer';
