/**
 * How long a definition takes to be validated, with agents whose schemas are held against each other: `node dist/validation.js`.
 * Options: `--json` (a line for each workload), `--repeat n` (default 15; the median is told).
 */
import { parseArgs } from 'node:util';
import type { AgentDefinition } from '@signalbox/dsl';
import { createStarlark } from '@signalbox/starlark-wasm';
import { createLanguage } from '@signalbox/validation';

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, repeat: { type: 'string', default: '15' } },
});

const agentCount = 50;

/** Each takes what the one before it answers. */
const agents: ReadonlyMap<string, AgentDefinition> = new Map(
  Array.from({ length: agentCount }, (_, index): [string, AgentDefinition] => {
    const name = `agent-${index}`;
    const host = {
      type: 'object',
      properties: { name: { type: 'string' }, load: { type: 'number', minimum: 0 } },
    };
    return [
      name,
      {
        name,
        model: { provider: 'scripted', name: 'demo' },
        config: {},
        prompt: { kind: 'literal', value: 'Do it.' },
        inputSchema: {
          type: 'object',
          properties: {
            service: { type: 'string' },
            count: { type: 'integer', minimum: 0 },
            hosts: { type: 'array', items: host, description: `what ${name} looks at` },
          },
          required: ['service', 'count'],
        },
        outputSchema: {
          type: 'object',
          properties: {
            service: { type: 'string', description: `the service that ${name} saw` },
            count: { type: 'integer', minimum: 0, maximum: 1000 + index },
            hosts: { type: 'array', items: host },
            severity: { enum: ['low', 'high'] },
          },
          required: ['service', 'count', 'hosts', 'severity'],
        },
      },
    ];
  }),
);

const agentRun = (index: number, next: string): string => {
  const before = index === 0 ? 'input' : `steps.work_${index - 1}`;
  const read = (field: string): string =>
    index === 0 ? `{{ input.${field} }}` : `{{ steps.work_${index - 1}.${field} }}`;
  return `  - name: work_${index}
    type: operation
    action: agent.run
    description: Goes on from ${before}
    input:
      agent: agent-${index % agentCount}
      task: "Look at {{ service }}, step ${index}"
      variables:
        service: "${read('service')}"
        count: "${read('count')}"
    timeoutSeconds: 60
    retry: { maxAttempts: 3, backoffSeconds: 1 }
    ${next}
`;
};

const decision = (index: number): string => `  - name: decide_${index}
    type: switch
    dataPath: steps.work_${index}
    conditions:
      - { if: severity == "high" and count > 10, next: note_${index} }
    defaultNext: work_${index + 1}
  - name: note_${index}
    type: inject
    data: { seen: "{{ steps.work_${index}.count }}" }
    next: work_${index + 1}
`;

/** Agents after one another, with a switch and a detour after every fourth. */
const definitionOf = (stateCount: number): string => {
  const parts: string[] = [];
  let left = stateCount;
  for (let index = 0; left > 0; index++) {
    const detours = index % 4 === 3 && left > 3;
    left -= detours ? 3 : 1;
    parts.push(
      agentRun(
        index,
        left === 0 ? 'end: true' : `next: ${detours ? 'decide' : 'work'}_${detours ? index : index + 1}`,
      ),
    );
    if (detours) parts.push(decision(index));
  }
  return `id: bench
start: work_0
inputSchema:
  type: object
  properties: { service: { type: string }, count: { type: integer, minimum: 0 } }
  required: [service, count]
states:
${parts.join('')}`;
};

const language = createLanguage(createStarlark());

/** Validation is a service of long-lived processes: the first rounds, while code is compiled, are told apart. */
const warmUpRounds = 10;

const measure = (name: string, stateCount: number, maxMs: number): void => {
  const times: number[] = [];
  for (let round = 0; round < warmUpRounds + Number(values.repeat); round++) {
    // A text of its own each time: nothing that was found for an earlier one may be kept.
    const text = `${definitionOf(stateCount)}# ${round}\n`;
    const startedAt = performance.now();
    const parsed = language.workflow(text, { agents });
    times.push(performance.now() - startedAt);
    if (!parsed.ok || parsed.warnings.length > 0)
      throw new Error(
        `the definition has findings: ${JSON.stringify([parsed.ok ? [] : parsed.errors, parsed.warnings])}`,
      );
  }
  const sorted = times.slice(warmUpRounds).toSorted((a, b) => a - b);
  const figures = {
    medianMs: Number(sorted[Math.floor(sorted.length / 2)]?.toFixed(1)),
    firstMs: Number(times[0]?.toFixed(1)),
    bestMs: Number(sorted[0]?.toFixed(1)),
    maxMs,
  };
  const line = values.json
    ? JSON.stringify({ workload: name, stateCount, ...figures })
    : `${name.padEnd(16)} ${String(stateCount).padStart(5)} states: median ${figures.medianMs} ms (bar ${maxMs} ms), first ${figures.firstMs} ms, best ${figures.bestMs} ms`;
  process.stdout.write(`${line}\n`);
};

measure('validation-20', 20, 20);
measure('validation-1000', 1000, 1000);
