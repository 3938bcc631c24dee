/** The run's input from `--input k=v` (text), `--input k:=json` and `--input-file`. */
import { readJson, readYamlValue } from '@signalbox/dsl';
import { maxStepPayloadBytes } from '@signalbox/protocol';
import { renderIssue } from './diagnostics.js';
import { CliError, exitCodes } from './exit-code.js';
import { readJsonOption } from './json-option.js';
import { readRegularFile } from './regular-file.js';

/** What an input may be when it is written out with line breaks and indentation; the platform measures what it says. */
const maxFileBytes = 4 * maxStepPayloadBytes;

const refused = ['__proto__', 'constructor', 'prototype'];

const parsePair = (pair: string): readonly [string, unknown] => {
  const match = /^([^=:]+)(:?=)(.*)$/s.exec(pair);
  const [, key = '', operator, value = ''] = match ?? [];
  if (match === null || refused.includes(key)) {
    throw new CliError(`--input "${pair}" is not name=text or name:=json`, exitCodes.usage);
  }
  return [key, operator === '=' ? value : readJsonOption(`what follows --input ${key}:=`, value)];
};

const readValue = async (file: string): Promise<unknown> => {
  const bytes = await readRegularFile(file, maxFileBytes);
  if (file.endsWith('.json')) {
    const read = readJson(bytes);
    if (read.ok) return read.value;
    const { line, column, message } = read.fault;
    throw new CliError(`${file}:${line}:${column}  ${message}`, exitCodes.data);
  }
  const read = readYamlValue(bytes, 'the input');
  if (read.ok) return read.value;
  const source = new TextDecoder().decode(bytes);
  const found = read.errors.map((issue) => renderIssue(issue, file, source)).join('\n');
  throw new CliError(`${file} is no input:\n${found}`, exitCodes.data);
};

const readInputFile = async (file: string): Promise<Record<string, unknown>> => {
  const value = await readValue(file);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new CliError(`${file} must hold one object: the fields of the run's input`, exitCodes.data);
  }
  return value as Record<string, unknown>;
};

/** Pairs win over the file. */
export const collectInput = async (
  pairs: readonly string[],
  file: string | undefined,
): Promise<Record<string, unknown>> => ({
  ...(file === undefined ? {} : await readInputFile(file)),
  ...fieldsOf(pairs),
});

const fieldsOf = (pairs: readonly string[]): Record<string, unknown> => {
  const fields = new Map<string, unknown>();
  for (const [name, value] of pairs.map(parsePair)) {
    if (fields.has(name))
      throw new CliError(`--input ${name} is given twice: one value for each field`, exitCodes.usage);
    fields.set(name, value);
  }
  return Object.fromEntries(fields);
};
