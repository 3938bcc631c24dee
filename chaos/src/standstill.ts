/** How long runs stood still because of a fault: the longest wait between two events of one run that a fault fell into. */
import { isEnding, type RunLog } from './histories.js';
import type { Stage } from './stage.js';
import { quantile } from './verdict.js';

/** Of these a next event is due within a second, whatever else happens. */
const steady: ReadonlySet<string> = new Set(['linear', 'slow', 'slow-agent', 'agent', 'parallel', 'foreach']);

/** In milliseconds, by what was hit, such as `kill orchestrator`; faults that lie close together count as one. */
export const noteStandstill = (stage: Stage, log: RunLog): ReadonlyMap<string, number> => {
  const { findings, faults, client } = stage;
  const ids = new Set(
    client.promised.flatMap(({ kind, workflow = '', runId }) =>
      kind === 'start' && steady.has(workflow) ? [runId] : [],
    ),
  );
  const byName = new Map<string, number[]>();
  for (const fault of faults.all) {
    const together = faults.all.filter(({ at }) => Math.abs(at - fault.at) < 50).map(({ label }) => label);
    const name = `${fault.kind} ${[...new Set(together)].sort().join('+')}`;
    let longestMs = 0;
    for (const [runId, { events }] of log) {
      if (!ids.has(runId)) continue;
      const end = events.findIndex(({ data }) => isEnding(data));
      // What is asked of a run that has ended is refused, whenever that is.
      const own = end < 0 ? events : events.slice(0, end + 1);
      const times = own.map(({ at }) => at).sort((a, b) => a - b);
      const after = times.find((at) => at > fault.at);
      const before = times.filter((at) => at <= fault.at).at(-1);
      if (after === undefined || before === undefined) continue;
      longestMs = Math.max(longestMs, after - fault.at);
    }
    byName.set(name, [...(byName.get(name) ?? []), longestMs]);
  }
  for (const [name, all] of byName) {
    findings.figure(`strikes: ${name}`, all.length / name.split('+').length);
    findings.figure(`longest standstill of each, p50, ms: ${name}`, quantile(all, 0.5));
    findings.figure(`longest standstill of all, ms: ${name}`, Math.max(...all));
  }
  return new Map([...byName].map(([name, all]) => [name, Math.max(...all)]));
};

/** The latency of starts as clients saw it. */
export const noteStarts = (stage: Stage): void => {
  const times = stage.client.promised.filter(({ kind }) => kind === 'start').map(({ ms }) => ms);
  stage.findings.figure('start latency p50, ms', quantile(times, 0.5));
  stage.findings.figure('start latency p99, ms', quantile(times, 0.99));
};
