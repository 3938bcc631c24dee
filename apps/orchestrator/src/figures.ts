/**
 * How this process fares: how long it keeps others waiting, and what waits. Nobody's text may hold the event loop for
 * long, so these are the first thing to look at when runs start late.
 *
 * The delay of the event loop is as Node measures it, in wall time: a machine that is too busy shows in it. The longest
 * turn in processor time does not depend on that.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { OrchestratorFigures } from '@signalbox/protocol';
import type { Logger } from '@signalbox/telemetry';
import type { TurnMeter } from './turn-meter.js';

export interface FiguresParts {
  readonly meter: TurnMeter;
  readonly waiting: () => OrchestratorFigures['waiting'];
  /** What an operator has to know; undefined while all is well. */
  readonly problem: () => string | undefined;
  /** Called every few seconds with what is known since the last full minute. */
  readonly tell: (figures: OrchestratorFigures) => void;
  readonly logger: Logger;
}

const resolutionMs = 5;
const everyMs = 5_000;
const windowMs = 60_000;

/** A line at info for each full minute and for the rest at the close, and one every 5 s at debug, of the minute so far. */
export const followFigures = ({ meter, waiting, problem, tell, logger }: FiguresParts): { close(): void } => {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  let elapsedMs = 0;
  const figures = (): OrchestratorFigures => ({
    windowSeconds: Math.max(elapsedMs, 1) / 1_000,
    eventLoopDelay: delayOf(delay),
    turns: meter.figures,
    waiting: waiting(),
    problem: problem(),
  });
  const timer = setInterval(() => {
    elapsedMs += everyMs;
    const now = figures();
    tell(now);
    if (elapsedMs < windowMs) {
      logger.debug('event loop delay', fieldsOf(now));
      return;
    }
    logger.info('event loop delay', fieldsOf(now));
    elapsedMs = 0;
    delay.reset();
    meter.reset();
  }, everyMs);
  timer.unref();
  return {
    close: () => {
      clearInterval(timer);
      logger.info('event loop delay', fieldsOf(figures()));
      delay.disable();
    },
  };
};

type Histogram = ReturnType<typeof monitorEventLoopDelay>;

const delayOf = (histogram: Histogram): OrchestratorFigures['eventLoopDelay'] => ({
  p50Ms: beyondResolution(histogram.percentile(50)),
  p99Ms: beyondResolution(histogram.percentile(99)),
  p999Ms: beyondResolution(histogram.percentile(99.9)),
  maxMs: beyondResolution(histogram.max),
});

/** Node counts the timer's own interval in. */
const beyondResolution = (nanoseconds: number): number =>
  Math.round(Math.max(0, nanoseconds / 1e6 - resolutionMs) * 10) / 10;

const fieldsOf = ({ windowSeconds, eventLoopDelay, turns, waiting }: OrchestratorFigures) => ({
  window_s: windowSeconds,
  p50_ms: eventLoopDelay.p50Ms,
  p99_ms: eventLoopDelay.p99Ms,
  p999_ms: eventLoopDelay.p999Ms,
  max_ms: eventLoopDelay.maxMs,
  turn_count: turns.count,
  longest_turn_ms: turns.longestMs,
  longest_turn_processor_ms: turns.longestProcessorMs,
  waiting_inputs: waiting.inputs,
  parked: waiting.parked,
  unpublished_rounds: waiting.unpublishedRounds,
  withdrawals: waiting.withdrawals,
});
