/** Every code that a finding can have. Documentation and tests are made from this table; `code-examples.ts` holds the example of each. */
export interface CodeDescription {
  readonly severity: 'error' | 'warning';
  readonly meaning: string;
  readonly mend: string;
}

const error = (meaning: string, mend: string) => ({ severity: 'error', meaning, mend }) as const;
const warning = (meaning: string, mend: string) => ({ severity: 'warning', meaning, mend }) as const;

export const codes = {
  INVALID_YAML: error(
    'The text is not one YAML or JSON document in UTF-8 with each key once.',
    'Correct the text at the place named. Put texts that begin with {{ or hold ": " in quotes.',
  ),
  EMPTY_DEFINITION: error('The text holds no value at all.', 'Write a definition with id and states.'),
  UNKNOWN_FIELD: error(
    'A field that the language does not have in this place.',
    'Use the field that the message proposes, or remove it. Unknown fields are never ignored.',
  ),
  UNKNOWN_TYPE: error('A state has a type that does not exist.', 'Use one of the nine state types.'),
  UNKNOWN_ACTION: error('An operation has an action that does not exist.', 'Use one of the five actions.'),
  MISSING_FIELD: error('A field that is required is not there.', 'Add the field.'),
  INVALID_VALUE: error(
    'A value is of the wrong type, out of range, or contradicts another field.',
    'Give a value as the message expects it.',
  ),
  MISSING_WORKFLOW_ID: error(
    'The definition has no id.',
    'Add an id in kebab-case; it stays the same for ever.',
  ),
  NO_STATES: error('A workflow, branch or iterator has no states.', 'Add at least one state.'),
  DUPLICATE_STATE: error(
    'Two states of one scope, or two branches of one parallel, have the same name.',
    'Rename one of them.',
  ),
  START_NOT_FOUND: error('`start` names no state of its scope.', 'Name one of the states beside it.'),
  UNKNOWN_TRANSITION_TARGET: error(
    '`next`, `defaultNext` or a catch names no state of the same scope.',
    'Name a state of the same list of states; a transition never leaves its branch or iterator.',
  ),
  MISSING_TRANSITION: error(
    'A state has neither `next` nor `end: true`.',
    'Say where the run goes on, or that it ends.',
  ),
  INVALID_PATH: error(
    'A path does not parse, or names a place that may not be written.',
    'Write a path such as steps.check.items[0]; `input` and `run` are read only.',
  ),
  EXPRESSION_SYNTAX: error(
    'An expression is not Starlark.',
    'Correct the expression at the line and column named.',
  ),
  UNDEFINED_NAME: error(
    'An expression or path uses a name that nothing can have written.',
    'Use the name that the message proposes, or write it in an earlier state.',
  ),
  TEMPLATE_SYNTAX: error(
    'A template has a {{ without its }}, or nothing between them.',
    'Close the braces; write {{ "{{" }} for braces themselves.',
  ),
  INVALID_SCHEMA: error('A schema is not a JSON Schema.', 'Correct the schema as the message says.'),
  AGENT_NAME_REQUIRED: error('agent.run names no agent.', 'Give input.agent the name of an agent.'),
  AGENT_NOT_FOUND: error(
    'The agent does not exist in the environment.',
    'Correct the name, or add the agent to this environment.',
  ),
  TOOL_NOT_FOUND: error(
    'The tool does not exist in the environment.',
    'Correct the name, or add the tool to this environment.',
  ),
  WORKFLOW_NOT_FOUND: error(
    'The child workflow does not exist in the environment.',
    'Correct the id, or add the workflow to this environment.',
  ),
  SCHEMA_COMPATIBILITY: error(
    'A value that an agent or child workflow may be given is refused by its input schema; the finding shows one.',
    'Change one of the two schemas, give the field that is missing, or transform the value in between.',
  ),
  LIMIT_EXCEEDED: error(
    'The definition is larger or deeper than is permitted.',
    'Split it into child workflows.',
  ),
  NOT_SUPPORTED_YET: error(
    'The language has this, but this version cannot execute it.',
    'Leave it out. It is refused because ignoring it would change what a run does.',
  ),
  CIRCULAR_TRANSITION: warning(
    'States follow one another in a circle.',
    'Make sure that a switch leaves the circle, or remove it.',
  ),
  UNREACHABLE_STATE: warning('No transition leads to this state.', 'Lead a transition to it, or remove it.'),
  DEFAULT_START: warning('There is no `start`, so the first state is taken.', 'Add start.'),
  DEPRECATED_FIELD: warning('An older spelling of a field.', 'Use the field that the message names.'),
  SCHEMA_OPTIONAL_FIELD: warning(
    'A field may be missing in what is handed over: the sender may leave it out, while the receiver requires it or a template reads it.',
    "Require the field in the sender's schema, make it optional in the receiver's, or read it with .get(…).",
  ),
  SCHEMA_UNKNOWN: warning(
    'The receiver has an input schema, but what it is given has none, so it cannot be checked before the run.',
    'Give the sender an output schema that declares the field.',
  ),
  NAME_MAY_BE_ABSENT: warning(
    'A name or field is there on some ways to this state only, or is declared by no schema.',
    'Write it on every way, declare it, or ask with hasattr(…) or .get(…).',
  ),
  NO_TIMEOUT: warning('A state may wait for ever.', 'Add timeoutSeconds.'),
} as const satisfies { readonly [code: string]: CodeDescription };

export type IssueCode = keyof typeof codes;

export const issueCodes = Object.keys(codes) as readonly IssueCode[];

export const severityOf = (code: IssueCode): 'error' | 'warning' => codes[code].severity;
