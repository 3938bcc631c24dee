/** What the orchestrator has said of itself last, and the same for Prometheus. */
import { ContractError, decodeFigures, type OrchestratorFigures } from '@signalbox/protocol';
import type { Logger } from '@signalbox/telemetry';

/** Figures come every five seconds. */
const maxProblemAgeMs = 15_000;

export class HeardFigures {
  readonly #logger: Logger;
  #heard: { readonly figures: OrchestratorFigures; readonly at: number } | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  hear(text: string): void {
    try {
      this.#heard = { figures: decodeFigures(text), at: performance.now() };
    } catch (error) {
      if (!(error instanceof ContractError)) throw error;
      this.#logger.warn('the figures of the orchestrator were not understood', { error });
    }
  }

  /** What the orchestrator says that an operator has to know; what it said long ago says nothing. */
  get problem(): string | undefined {
    const heard = this.#heard;
    if (heard === undefined || performance.now() - heard.at > maxProblemAgeMs) return undefined;
    return heard.figures.problem;
  }

  /** Prometheus' text format. Without a word of the orchestrator there is only the age of its last word, which is infinite. */
  metrics(): string {
    const heard = this.#heard;
    const ageSeconds = heard === undefined ? undefined : (performance.now() - heard.at) / 1_000;
    const age = gauge('figures_age_seconds', 'Since the orchestrator said the figures below.', [
      ['', ageSeconds?.toFixed(3) ?? '+Inf'],
    ]);
    return heard === undefined ? age : age + ofFigures(heard.figures);
  }
}

type Sample = readonly [labels: string, value: string | number];

const gauge = (name: string, help: string, samples: readonly Sample[]): string => {
  const full = `signalbox_orchestrator_${name}`;
  const lines = samples.map(([labels, value]) => `${full}${labels} ${value}\n`).join('');
  return `# HELP ${full} ${help}\n# TYPE ${full} gauge\n${lines}`;
};

const seconds = (ms: number): number => Math.round(ms * 1_000) / 1_000_000;

const ofFigures = ({ windowSeconds, eventLoopDelay, turns, waiting }: OrchestratorFigures): string =>
  [
    gauge('window_seconds', 'What the delay and the turns are about: the time since the last full minute.', [
      ['', windowSeconds],
    ]),
    gauge('event_loop_delay_seconds', 'How long others on the event loop waited.', [
      ['{quantile="0.5"}', seconds(eventLoopDelay.p50Ms)],
      ['{quantile="0.99"}', seconds(eventLoopDelay.p99Ms)],
      ['{quantile="0.999"}', seconds(eventLoopDelay.p999Ms)],
      ['{quantile="1"}', seconds(eventLoopDelay.maxMs)],
    ]),
    gauge('turns', 'Turns in the window.', [['', turns.count]]),
    gauge('longest_turn_seconds', 'The longest turn of the window.', [
      ['{time="wall"}', seconds(turns.longestMs)],
      ['{time="processor"}', seconds(turns.longestProcessorMs)],
    ]),
    gauge('waiting', 'What waits now.', [
      ['{for="turn"}', waiting.inputs],
      ['{for="answer"}', waiting.parked],
      ['{for="publication"}', waiting.unpublishedRounds],
      ['{for="withdrawal"}', waiting.withdrawals],
    ]),
  ].join('');
