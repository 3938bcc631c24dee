/** A trial in which somebody means harm: victims run beside it, and afterwards everything is audited as ever. */
import { settleAndAudit } from '../audit.js';
import { type Answer, runs } from '../client.js';
import { type Scenario, scenario } from '../scenario.js';
import type { Stage, StageParts } from '../stage.js';
import { judgeLoop, startVictims } from './victims.js';

export interface AttackParts {
  readonly name: string;
  readonly promise: string;
  readonly stage?: StageParts;
  readonly act: (stage: Stage) => Promise<void>;
}

const fullSeconds = 20;
const shortSeconds = 3;

export const attack = ({ name, promise, act, stage: parts }: AttackParts): Scenario =>
  scenario({
    name: `attack/${name}`,
    promise,
    seconds: fullSeconds,
    shortSeconds,
    stage: { ...parts, env: { SIGNALBOX_LOG_LEVEL: 'info', ...parts?.env } },
    act: async (stage) => {
      const victims = startVictims(stage);
      // In its full length, with processes that have done so before: what their first seconds cost is no attack's doing.
      if (stage.options.seconds > shortSeconds) await victims.warmUp();
      await act(stage);
      await victims.judge();
      await settleAndAudit(stage);
      await judgeLoop(stage);
    },
  });

/** Stores a definition, which must be taken; false (and a finding) otherwise. */
export const put = async (stage: Stage, source: string): Promise<boolean> => {
  const answer = await stage.client.request('POST', '/api/v1/workflows', { body: source });
  const isTaken = answer !== undefined && answer.status < 300;
  stage.findings.expect(isTaken, 'a valid definition is taken', () => briefly(answer));
  return isTaken;
};

export const briefly = (answer: Answer | undefined): string =>
  answer === undefined ? 'no answer' : `${answer.status} ${JSON.stringify(answer.body).slice(0, 300)}`;

/** Starts a run without a promise to the auditor: what comes of it is the attack's own affair. */
export const startAttack = async (
  stage: Stage,
  workflow: string,
  input: unknown = {},
): Promise<string | undefined> => {
  const answer = await stage.client.request('POST', runs, { body: { workflow, input } });
  return answer?.body?.runId ?? answer?.location?.split('/').at(-1);
};

export interface EndedRun {
  readonly status: string;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** The run at its end; undefined when it does not come to one in time. */
export const endOfRun = async (
  stage: Stage,
  runId: string | undefined,
  seconds = 60,
): Promise<EndedRun | undefined> => {
  let run: EndedRun | undefined;
  const hasEnded = async () => {
    const answer = await stage.client.request('GET', `${runs}/${runId}`);
    if (answer?.status !== 200 || answer.body.endedAt === null) return false;
    run = answer.body;
    return true;
  };
  // Not often: a large run is a large answer, for whoever measures others meanwhile as well.
  await stage.within(seconds, 'an attacking run ends', hasEnded, 500);
  return run;
};

/** An attack of several requests whose answers are given beforehand. */
export const expectStatus = (
  stage: Stage,
  what: string,
  answer: Answer | undefined,
  wanted: readonly number[],
): void => {
  stage.findings.expect(
    answer !== undefined && wanted.includes(answer.status),
    `${what} is answered with ${wanted.join(' or ')}`,
    () => briefly(answer),
  );
};
