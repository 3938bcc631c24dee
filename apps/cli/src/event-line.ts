/** One event as one line. */
import type { Event } from './api-types.js';
import { onOneLine } from './terminal.js';

const shown = [
  'state',
  'stepId',
  'attempt',
  'kind',
  'next',
  'actor',
  'worker',
  'message',
  'approvalId',
  'code',
] as const;

const brief = (value: unknown): string => {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return onOneLine(text.length > 60 ? `${text.slice(0, 57)}...` : text);
};

export const renderEvent = ({ at, sequence, type, data }: Event): string => {
  const fields = shown.flatMap((name) => (data[name] === undefined ? [] : [`${name}=${brief(data[name])}`]));
  const { error } = data;
  if (typeof error === 'object' && error !== null && 'code' in error)
    fields.push(`error=${brief(error.code)}`);
  return `${at.slice(11, 23)}  ${String(sequence).padStart(4)}  ${type.padEnd(22)} ${fields.join(' ')}`.trimEnd();
};
