/** How the orchestrator fares, as it says itself to whoever listens: of the last minute at most, and kept nowhere. */
import { z } from 'zod';
import { parseJson } from './incoming-text.js';
import { figuresSubjects } from './subjects.js';

const milliseconds = z.number().nonnegative();
const count = z.number().int().nonnegative();

const orchestratorFigures = z.object({
  /** What the figures are about: the time since the last full minute of the process. */
  windowSeconds: z.number().positive(),
  eventLoopDelay: z.object({
    p50Ms: milliseconds,
    p99Ms: milliseconds,
    p999Ms: milliseconds,
    maxMs: milliseconds,
  }),
  turns: z.object({
    count,
    longestMs: milliseconds,
    /** In processor time: what others do on the machine does not count. */
    longestProcessorMs: milliseconds,
  }),
  waiting: z.object({
    /** Messages, timers and others that wait for their turn. */
    inputs: count,
    /** Messages and timers that wait for an answer from outside the orchestrator's thread. */
    parked: count,
    /** Turns whose publications are under way. */
    unpublishedRounds: count,
    /** Tasks that nobody wants any more and that lie in the queue still. */
    withdrawals: count,
  }),
  /** In one line, with what to do; absent while all is well. */
  problem: z.string().max(1_000).optional(),
});
export type OrchestratorFigures = z.infer<typeof orchestratorFigures>;

export const encodeFigures = (figures: OrchestratorFigures): string => JSON.stringify(figures);

/** @throws ContractError */
export const decodeFigures = (text: string): OrchestratorFigures =>
  parseJson(orchestratorFigures, text, figuresSubjects.orchestrator);
