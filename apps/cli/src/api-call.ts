/** One request to the api, and what is said where no whole answer comes: what was asked may have been done all the same. */
import { CliError, exitCodes } from './exit-code.js';

/** Nothing of an answer has come for so long; the api itself answers a write within half a minute, mostly. */
const maxSilenceMs = 60_000;

/** A connection that never was: nothing was asked. */
const unconnected = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

export interface ApiAnswer {
  readonly response: Response;
  /** The whole body. @throws CliError where the connection ends before it does. */
  text(): Promise<string>;
}

/** Resolves when the head of the answer is there. @throws CliError */
export const callApi = async (url: string, path: string, init: RequestInit): Promise<ApiAnswer> => {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), maxSilenceMs);
  const unanswered = (why: string): CliError =>
    new CliError(`the api at ${url} does not answer${why}; ${adviceFor(init.method)}`, exitCodes.temporary);
  try {
    const response = await fetch(new URL(path, url), { ...init, signal: silence.signal });
    const text = (): Promise<string> =>
      response.text().catch((error: unknown) => {
        throw unanswered(` in full${causeOf(error).text}`);
      });
    return { response, text };
  } catch (error) {
    if (silence.signal.aborted) throw unanswered(` within ${maxSilenceMs / 1_000} s`);
    const { code, text } = causeOf(error);
    if (!unconnected.has(code)) throw unanswered(text);
    throw new CliError(`the api at ${url} does not answer${text}; ${isItUp}`, exitCodes.temporary);
  } finally {
    clearTimeout(timer);
  }
};

const isItUp = 'is the platform up (npm start, or signalbox dev)?';
const adviceFor = (method = 'GET'): string =>
  method === 'GET' ? isItUp : 'what was asked may have been done all the same: look before you ask again';

const causeOf = (error: unknown): { code: string; text: string } => {
  const cause = error instanceof Error ? error.cause : undefined;
  if (!(cause instanceof Error)) return { code: '', text: '' };
  return { code: 'code' in cause ? String(cause.code) : '', text: `: ${cause.message}` };
};
