/**
 * What is too large is refused before it is sent: 413, with the size and the documented number. The orchestrator holds
 * what reaches it by another way against the same limits.
 */
import { type Json, sizeProblem } from '@signalbox/engine';
import { maxStepPayloadBytes } from '@signalbox/protocol';
import { problem } from './problem.js';

/** Of a run's input, a signal's payload, the data of a decision. @throws Problem `PAYLOAD_TOO_LARGE` */
export const requireFittingValue = (what: string, value: unknown): void => {
  const words = sizeProblem(value as Json, maxStepPayloadBytes);
  if (words !== undefined) throw problem('PAYLOAD_TOO_LARGE', `${what} ${words}`);
};

/** Of the text of a definition, an agent or a teams file. @throws Problem `PAYLOAD_TOO_LARGE` */
export const requireFittingText = (what: string, text: string, maxBytes: number): void => {
  const bytes = Buffer.byteLength(text);
  if (bytes > maxBytes)
    throw problem('PAYLOAD_TOO_LARGE', `${what} has ${bytes} bytes of UTF-8, the limit is ${maxBytes}`);
};
