/** Schemas of what the engine itself writes. */
import type { Json } from '@signalbox/engine';

const text: Json = { type: 'string' };
const instant: Json = { type: 'string', format: 'date-time' };

/** `run`, at the context's root. */
export const runSchema: Json = {
  type: 'object',
  properties: {
    id: text,
    workflow: text,
    version: text,
    workspace: text,
    startedAt: instant,
    attempt: { type: 'integer', minimum: 1 },
  },
  required: ['id', 'workflow', 'version', 'workspace', 'startedAt', 'attempt'],
  additionalProperties: false,
};

/** What a catch writes at its `resultPath`, and what a branch that failed is under `settled`. */
export const errorSchema: Json = {
  type: 'object',
  properties: { code: text, message: text, retryable: { type: 'boolean' }, details: {} },
  required: ['code', 'message', 'retryable'],
  additionalProperties: false,
};

/** Of `human.approval`; `data` is whatever the approver has added. */
export const approvalSchema: Json = {
  type: 'object',
  properties: {
    approved: { const: true },
    decidedBy: text,
    comment: { type: ['string', 'null'] },
    data: {},
    at: instant,
  },
  required: ['approved', 'decidedBy', 'comment', 'data', 'at'],
  additionalProperties: false,
};

/** Of a child workflow that is not waited for. */
export const startedRunSchema: Json = {
  type: 'object',
  properties: { run_id: text },
  required: ['run_id'],
  additionalProperties: false,
};

export const indexSchema: Json = { type: 'integer', minimum: 0 };
