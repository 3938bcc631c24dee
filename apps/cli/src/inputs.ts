/** The run's input from `--input k=v` (text), `--input k:=json` and `--input-file`. */
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { CliError, exitCodes } from './exit-code.js';

const refused = ['__proto__', 'constructor', 'prototype'];

const parsePair = (pair: string): readonly [string, unknown] => {
  const match = /^([^=:]+)(:?=)(.*)$/s.exec(pair);
  const [, key = '', operator, value = ''] = match ?? [];
  if (match === null || refused.includes(key)) {
    throw new CliError(`--input "${pair}" is not name=text or name:=json`, exitCodes.usage);
  }
  if (operator === '=') return [key, value];
  try {
    return [key, JSON.parse(value)];
  } catch {
    throw new CliError(`--input ${key}:= must be followed by JSON, not by ${value}`, exitCodes.usage);
  }
};

const readInputFile = async (file: string): Promise<Record<string, unknown>> => {
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new CliError(`the input file cannot be read: ${error.message}`, exitCodes.data);
  });
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 100 });
  } catch (error) {
    throw new CliError(`${file} is neither JSON nor YAML: ${(error as Error).message}`, exitCodes.data);
  }
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
  ...Object.fromEntries(pairs.map(parsePair)),
});
