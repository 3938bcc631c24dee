/**
 * How long this process kept others waiting: the delay of its event loop, as Node measures it. Nobody's text may hold the
 * loop for long, so the figures are the first thing to look at when runs start late.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Logger } from '@signalbox/telemetry';

export interface EventLoopDelay {
  close(): void;
}

const resolutionMs = 5;
const windowMs = 5_000;
const windowsPerMinute = 12;

/** A line a minute at info, and one every 5 s at debug. Of each its own window only. */
export const followEventLoopDelay = (logger: Logger): EventLoopDelay => {
  const short = monitorEventLoopDelay({ resolution: resolutionMs });
  const long = monitorEventLoopDelay({ resolution: resolutionMs });
  short.enable();
  long.enable();
  let windowCount = 0;
  const timer = setInterval(() => {
    logger.debug('event loop delay', figuresOf(short, windowMs));
    short.reset();
    windowCount += 1;
    if (windowCount % windowsPerMinute !== 0) return;
    logger.info('event loop delay', figuresOf(long, windowMs * windowsPerMinute));
    long.reset();
  }, windowMs);
  timer.unref();
  return {
    close: () => {
      clearInterval(timer);
      logger.info('event loop delay', figuresOf(long, (windowCount % windowsPerMinute) * windowMs));
      short.disable();
      long.disable();
    },
  };
};

type Histogram = ReturnType<typeof monitorEventLoopDelay>;

const figuresOf = (histogram: Histogram, window: number) => ({
  window_s: window / 1_000,
  p50_ms: beyondResolution(histogram.percentile(50)),
  p99_ms: beyondResolution(histogram.percentile(99)),
  p999_ms: beyondResolution(histogram.percentile(99.9)),
  max_ms: beyondResolution(histogram.max),
});

/** Node counts the timer's own interval in. */
const beyondResolution = (nanoseconds: number): number =>
  Math.round(Math.max(0, nanoseconds / 1e6 - resolutionMs) * 10) / 10;
