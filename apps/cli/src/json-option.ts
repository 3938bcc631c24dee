/** JSON on the command line, read as strictly as the api reads it. */
import { readJson } from '@signalbox/dsl';
import { CliError, exitCodes } from './exit-code.js';

/** `option` is said in the message: `--payload`. @throws CliError */
export const readJsonOption = (option: string, text: string): unknown => {
  const read = readJson(text);
  if (read.ok) return read.value;
  const { message, path, line, column } = read.fault;
  const place = path === '' ? '' : `, at ${path}`;
  throw new CliError(
    `${option} must be JSON: line ${line}, column ${column}${place}: ${message}`,
    exitCodes.usage,
  );
};
