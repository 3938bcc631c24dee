/** What every decoder of this package starts from. */
import type { z } from 'zod';
import { ContractError } from './contract-error.js';
import { headers, protocolVersion } from './headers.js';

export interface IncomingText {
  readonly subject: string;
  readonly text: string;
  /** Value of the `signalbox-version` header, if any. */
  readonly version?: string;
}

/** @throws ContractError */
export const requireVersion = ({ subject, version }: IncomingText): void => {
  if (version === undefined || version === protocolVersion) return;
  throw new ContractError(
    `the message on ${subject} has protocol version ${version}; this process speaks ${protocolVersion}`,
    headers.version,
  );
};

/** Parses JSON text against a schema. @throws ContractError naming the first thing that is wrong. */
export const parseJson = <T>(schema: z.ZodType<T>, text: string, subject: string): T =>
  parseValue(schema, readText(text, subject), subject);

/** Any JSON value. @throws ContractError */
export const readText = (text: string, subject: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ContractError(`the message on ${subject} is not JSON`, subject, { cause });
  }
};

/** As `parseJson`, for what has been parsed. @throws ContractError */
export const parseValue = <T>(schema: z.ZodType<T>, value: unknown, subject: string): T => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const first = parsed.error.issues[0];
  const pointer = first === undefined || first.path.length === 0 ? '' : `/${first.path.join('/')}`;
  throw new ContractError(
    `the message on ${subject} is not valid at "${pointer}": ${first?.message ?? 'unknown'}`,
    pointer,
  );
};
